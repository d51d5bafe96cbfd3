package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Published is what keeping the public pages took while so many minutes went by, as
// TestPublishing of internal/bench measures it.
type Published struct {
	Monitors   int     `json:"monitors"`
	Noise      string  `json:"noise"`
	Containers int     `json:"containers"`
	Minutes    float64 `json:"minutes"`
	Passes     float64 `json:"passes"`
	Gets       float64 `json:"gets"`
	Puts       float64 `json:"puts"`
	PutBytes   float64 `json:"put_bytes"`
	FileBytes  float64 `json:"file_bytes"`
	Read       float64 `json:"read_aws"`
	Write      float64 `json:"write_aws"`
	Waits      float64 `json:"waits"`
	CPU        float64 `json:"cpu_ms"`
}

// What is assumed of the function that makes the pages.
const (
	publisherGB    = 1         // its memory, as the template says
	publisherShare = 1 / 1.769 // of a processor: Lambda gives a whole one for 1,769 MB
	replacedDays   = 7         // for which the bucket keeps a file that was replaced, as the template says
	daysAMonth     = 730. / 24
)

func readPublished(root string) (all []Published, err error) {
	text, err := os.ReadFile(filepath.Join(root, "internal/bench/testdata/publishing.json"))
	if err != nil {
		return nil, err
	}
	return all, json.Unmarshal(text, &all)
}

// published is the longest that was measured of so many monitors.
func (s Sources) published(monitors int, noise string, containers int) (Published, error) {
	var found Published
	for _, p := range s.Published {
		if p.Monitors == monitors && p.Noise == noise && p.Containers == containers && p.Minutes > found.Minutes {
			found = p
		}
	}
	if found.Minutes == 0 {
		return found, fmt.Errorf("publishing of %d monitors, %s, %d containers, was not measured", monitors, noise, containers)
	}
	return found, nil
}

// milliseconds is how long a pass takes on average.
func (p Published) milliseconds() float64 {
	return ownMilliseconds + (p.CPU/publisherShare+callMilliseconds*p.Waits)/p.Passes
}

// Month is what publishing takes in a month, without the schedule that starts it.
func (p Published) Month() Usage {
	months := minutesAMonth / p.Minutes
	replaced := p.PutBytes * months / daysAMonth * replacedDays
	return Usage{
		"lambda_request":   p.Passes * months,
		"lambda_gb_second": p.Passes * months * p.milliseconds() / 1000 * publisherGB,
		"read_unit":        p.Read * months,
		"write_unit":       p.Write * months,
		"s3_put":           p.Puts * months,
		"s3_get":           p.Gets * months,
		"s3_gb":            (p.FileBytes + replaced) / gigabyte,
	}
}

// pages are the columns of the table about the public page.
var pages = []struct {
	monitors   int
	noise      string
	containers int
	name       string
}{
	{0, "idle", 1, "nobody posts anything"},
	{20, "quiet", 1, "20 monitors, all is well"},
	{20, "noisy", 1, "20 monitors, noisy"},
	{20, "stormy", 1, "20 monitors, stormy"},
	{20, "stormy", 2, "20, stormy, two containers in turn"},
	{100, "quiet", 1, "100 monitors, all is well"},
	{100, "noisy", 1, "100 monitors, noisy"},
	{100, "stormy", 1, "100 monitors, stormy"},
	{100, "stormy", 2, "100, stormy, two containers in turn"},
}

// writePages writes the section about the public page.
func (s Sources) writePages(b *strings.Builder) error {
	var months []Usage
	var measured []Published
	head, line := "| US dollars a month |", "|"
	for _, of := range pages {
		p, err := s.published(of.monitors, of.noise, of.containers)
		if err != nil {
			return err
		}
		measured, months = append(measured, p), append(months, p.Month())
		head += " " + of.name + " |"
		line += " --- |"
	}
	b.WriteString(pagesIntro + head + "\n" + line + " --- |\n")
	for _, price := range s.Prices.Prices {
		if months[1][price.ID] == 0 {
			continue
		}
		fmt.Fprintf(b, "| %s |", price.Name)
		for _, u := range months {
			fmt.Fprintf(b, " %s |", dollars(u[price.ID]/price.Per*price.USD))
		}
		b.WriteString("\n")
	}
	b.WriteString("| **sum** |")
	for _, u := range months {
		all, _ := s.Prices.Total(u)
		fmt.Fprintf(b, " **%s** |", dollars(all))
	}
	b.WriteString("\n| after what every account has free |")
	for _, u := range months {
		_, beyond := s.Prices.Total(u)
		fmt.Fprintf(b, " %s |", dollars(beyond))
	}
	for _, row := range []struct {
		name string
		of   func(Published) string
	}{
		{"files put a day", func(p Published) string { return plain(float64(int(p.Puts * 1440 / p.Minutes))) }},
		{"read units a day", func(p Published) string { return plain(float64(int(p.Read * 1440 / p.Minutes))) }},
		{"a run takes, assumed", func(p Published) string { return fmt.Sprintf("%.0f ms", p.milliseconds()) }},
	} {
		b.WriteString("\n| " + row.name + " |")
		for _, p := range measured {
			b.WriteString(" " + row.of(p) + " |")
		}
	}
	fmt.Fprintf(b, pagesMore, plain(publisherGB*1024), fmt.Sprintf("%.2f", publisherShare), plain(callMilliseconds), replacedDays)
	return nil
}
