package bench

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"
)

// A report is all that was measured, for docs/performance.md.
type report struct {
	Date, Go, CPU          string
	Cores                  int
	Busy                   string // load average before
	Repeats, Warm, Seconds int
	Starts                 []*built // hello first
	Loads                  []load
	Costs                  []cost
	Allocations            []allocation
}

// A goal is one that the product has, and what was reached.
type goal struct {
	What, Goal, Reached string
	Met                 bool
	Why                 string // when it was missed
}

const (
	kb = 1024
	mb = 1024 * 1024
)

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }
func us(d time.Duration) string { return fmt.Sprint(d.Microseconds()) }

func ratio[T int | time.Duration](a, b T) float64 { return float64(a) / float64(b) }

func (r report) start(name string) *built {
	for _, b := range r.Starts {
		if b.name == name {
			return b
		}
	}
	return nil
}

func initCPU(f figure) time.Duration  { return f.InitCPU }
func firstCPU(f figure) time.Duration { return f.FirstCPU }
func warmCPU(f figure) time.Duration  { return f.WarmCPU }
func rss(f figure) int                { return f.RSS }

// Goals compares what was measured with what is wanted.
func (r report) Goals() []goal {
	hello, plain, secure, client := r.start("hello"), r.start("incidents"), r.start("incidents"+overTLS), r.start(sdk)
	atMost := func(what, format string, limit, reached float64, why string) goal {
		return goal{what, "at most " + fmt.Sprintf(format, limit), fmt.Sprintf(format, reached), reached <= limit, why}
	}
	zip := 0
	for _, b := range r.Starts {
		zip = max(zip, b.zipARM)
	}
	initRatio := func(b *built) float64 { return ratio(median(b, initCPU), median(hello, initCPU)) }
	warmRatio := func(b *built) float64 { return ratio(median(b, warmCPU), median(hello, warmCPU)) }
	heaviest := fmt.Sprintf("%.0f KB are made by %s", float64(plain.heaviest.bytes)/kb, strings.TrimPrefix(plain.heaviest.name, "github.com/"))
	goals := []goal{
		atMost("CPU of a start, against hello", "%.2f x", 1.4, initRatio(plain), fmt.Sprintf(
			"hello with no more than the SDK's client has %.2f x (of what is initialised, %s), and the function opens its connection and reads the table's version besides, so that no request waits for that",
			initRatio(client), heaviest)),
		atMost("heap that loading the packages takes", "%.0f KB", 800, float64(plain.heap)/kb, "of it "+heaviest),
		atMost("CPU of the first request over TLS, against plain HTTP", "%.2f x", 1.5, ratio(median(secure, firstCPU), median(plain, firstCPU)),
			"the roots are parsed during the start, but the note of the key's use opens a second connection"),
		atMost("memory at the first poll", "%.1f MB", 9, float64(median(plain, rss))/kb, fmt.Sprintf(
			"hello has %.1f MB and hello with the SDK %.1f MB without a call; a first call of DynamoDB before the first poll touches the rest", float64(median(hello, rss))/kb, float64(median(client, rss))/kb)),
		atMost("largest zip for arm64", "%.2f MB", 3.6, float64(zip)/mb, ""),
		atMost("CPU of a later request with one read, against hello", "%.2f x", 2, warmRatio(plain), fmt.Sprintf(
			"hello with one read by the SDK and nothing else has %.2f x", warmRatio(client))),
	}
	if one, bare := r.allocations(getOne.route), r.allocations("GET /healthcheck"); one > 0 {
		goals = append(goals, atMost("allocations of a request with one read", "%.0f", maxAllocations, float64(one),
			fmt.Sprintf("%d are there without any read (event, adapter, routing, log); most of the others are the SDK's own", bare)))
	}
	one, page, tag := r.spread(getOne.route, "one"), r.spread("GET "+incidents, "page of 50"), r.spread("GET "+incidents, "page of 50, by tag")
	return append(goals,
		goal{"GET one: calls and capacity in a table of any size", "the same", one.text, one.same, ""},
		goal{"a full page of 50: likewise", "the same", page.text, page.same, ""},
		goal{"a first page of 50 with a tag: likewise", "within 10 %", tag.text, tag.same, ""},
	)
}

// allocations are those of a route's first case.
func (r report) allocations(route string) int {
	for _, a := range r.Allocations {
		if a.Route == route {
			return a.Count
		}
	}
	return 0
}

type spread struct {
	text string
	same bool
}

// spread says what a request costs in tables of all sizes that fill its answer.
func (r report) spread(route, name string) spread {
	s := spread{same: true}
	var first *cost
	var in []string
	for _, c := range r.Costs {
		if c.Route != route || c.Case != name || c.Incidents < sizes[1] && route != getOne.route {
			continue
		}
		if first == nil {
			first = &c
		}
		s.same = s.same && c.Calls == first.Calls && c.ReadAWS == first.ReadAWS && c.WriteAWS == first.WriteAWS
		in = append(in, thousands(c.Incidents))
	}
	if first != nil {
		s.text = fmt.Sprintf("calls: %d, read units: %g, at %s incidents", first.Calls, first.ReadAWS, strings.Join(in, ", "))
		if !s.same {
			s.text = "not the same at " + strings.Join(in, ", ")
		}
	}
	return s
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Large are the costs in the largest table of a usual run, and of the schedules.
func (r report) Large() []cost {
	var all []cost
	for _, c := range r.Costs {
		if c.Incidents == sizes[len(sizes)-1] || c.Incidents < sizes[1] && !strings.Contains(c.Route, " ") {
			all = append(all, c)
		}
	}
	return all
}

// Many says when the tables were measured that only TestCostsOfMany measures.
func (r report) Many() string {
	days := map[string][]int{}
	for _, c := range r.Costs {
		if c.Measured != "" && !slices.Contains(days[c.Measured], c.Incidents) {
			days[c.Measured] = append(days[c.Measured], c.Incidents)
		}
	}
	var all []string
	for _, day := range slices.Sorted(maps.Keys(days)) {
		for _, n := range days[day] {
			all = append(all, fmt.Sprintf("%s on %s", thousands(n), day))
		}
	}
	return strings.Join(all, ", ")
}

func (r report) text() ([]byte, error) {
	hello := r.start("hello")
	t, err := template.New("performance.md.tmpl").Funcs(template.FuncMap{
		"ms": ms, "us": us, "kb": func(n int) string { return fmt.Sprintf("%.0f", float64(n)/kb) }, "mb": func(n int) string { return fmt.Sprintf("%.2f", float64(n)/mb) },
		"rssMB":  func(n int) string { return fmt.Sprintf("%.1f", float64(n)/kb) },
		"median": func(b *built, what string) any { return medians[what](b) },
		"x": func(b *built, what string) string {
			return fmt.Sprintf("%.2f", ratio(medians[what](b).(time.Duration), medians[what](hello).(time.Duration)))
		},
		"name": func(b *built) string { return b.name }, "size": func(b *built) int { return b.size }, "zip": func(b *built) int { return b.zip },
		"zipARM": func(b *built) int { return b.zipARM }, "heap": func(b *built) int { return b.heap }, "mallocs": func(b *built) int { return b.mallocs },
		"met": func(g goal) string {
			if g.Met {
				return "reached"
			}
			return "missed: " + g.Why
		},
	}).ParseFiles(filepath.Join("testdata", "performance.md.tmpl"))
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err := t.Execute(&text, r); err != nil {
		return nil, err
	}
	return []byte(text.String()), nil
}

var medians = map[string]func(*built) any{
	"init":        func(b *built) any { return median(b, func(f figure) time.Duration { return f.Init }) },
	"first":       func(b *built) any { return median(b, func(f figure) time.Duration { return f.First }) },
	"warm":        func(b *built) any { return median(b, func(f figure) time.Duration { return f.Warm }) },
	"initCPU":     func(b *built) any { return median(b, initCPU) },
	"firstCPU":    func(b *built) any { return median(b, firstCPU) },
	"warmCPU":     func(b *built) any { return median(b, warmCPU) },
	"rss":         func(b *built) any { return median(b, rss) },
	"hwm":         func(b *built) any { return median(b, func(f figure) int { return f.HWM }) },
	"faults":      func(b *built) any { return median(b, func(f figure) int { return f.Minor }) },
	"connections": func(b *built) any { return median(b, func(f figure) int { return f.Connections }) },
	"requests":    func(b *built) any { return median(b, func(f figure) int { return f.Requests }) },
}
