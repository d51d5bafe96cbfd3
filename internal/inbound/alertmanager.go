package inbound

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tocsin/internal/statuspage"
)

// alertmanager reads the webhook of Prometheus' Alertmanager, version 4: a signal of the group,
// or one for each of its alerts.
func alertmanager(m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	body, err := readObject(m.Body)
	if err != nil {
		return nil, err
	}
	g, err := readGroup(body)
	if err != nil {
		return nil, err
	}
	return g.signals(g.alerts, o), nil
}

// An alertGroup is a message of Alertmanager, or of Grafana, which sends nearly the same.
type alertGroup struct {
	key       string // "" in messages that are not of version 4
	firing    bool   // whether any of its alerts is, those included that were cut off
	truncated int    // alerts that were cut off
	labels    map[string]string
	link      string
	alerts    []groupAlert
}

// A groupAlert is one of the alerts of a group.
type groupAlert struct {
	firing              bool
	labels, annotations map[string]string
	start, end          int64 // UTC milliseconds; 0: unknown
	fingerprint         string
}

func readGroup(body object) (alertGroup, error) {
	g := alertGroup{
		key: body.text("groupKey"), firing: strings.EqualFold(body.text("status"), "firing"),
		labels: body.object("groupLabels").labels(), link: body.text("externalURL"),
	}
	g.truncated, _ = strconv.Atoi(body.text("truncatedAlerts"))
	if _, is := body["alerts"].([]any); !is && g.key == "" {
		return g, statuspage.Invalid("This is no message of Alertmanager or Grafana: it has no alerts")
	}
	g.alerts = readAlerts(body.objects("alerts"))
	if len(g.alerts) == 0 {
		all := groupAlert{firing: g.firing, labels: body.object("commonLabels").labels(), annotations: body.object("commonAnnotations").labels()}
		all.fingerprint = labelsHash(all.labels)
		g.alerts = []groupAlert{all}
	}
	return g, nil
}

func readAlerts(list []object) []groupAlert {
	var alerts []groupAlert
	for _, fields := range list {
		a := groupAlert{
			labels: fields.object("labels").labels(), annotations: fields.object("annotations").labels(),
			start: fields.time("startsAt"), end: fields.time("endsAt"), fingerprint: fields.text("fingerprint"),
		}
		switch status := fields.text("status"); {
		case strings.EqualFold(status, "resolved"):
		case strings.EqualFold(status, "firing"):
			a.firing = true
		default:
			a.firing = a.end == 0
		}
		if a.firing {
			a.end = 0
		}
		if a.fingerprint == "" {
			a.fingerprint = labelsHash(a.labels)
		}
		alerts = append(alerts, a)
	}
	return alerts
}

// labelsHash stands for the fingerprint of an alert that has none.
func labelsHash(labels map[string]string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(h, "%q=%q,", name, labels[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// signals returns the signals of the alerts, which are all or some of those of the group.
func (g alertGroup) signals(alerts []groupAlert, o statuspage.IntegrationOptions) []statuspage.Signal {
	if g.key != "" && (o.GroupBy == statuspage.GroupByDefault || o.GroupBy == statuspage.GroupByGroup) {
		s := g.signal(alerts, o)
		s.Group = true
		return []statuspage.Signal{s}
	}
	var signals []statuspage.Signal
	for _, a := range alerts {
		s := alertGroup{labels: g.labels, link: g.link}.signal([]groupAlert{a}, o)
		s.Key = a.fingerprint
		signals = append(signals, s)
	}
	return signals
}

// signal returns the signal of alerts that are one problem, at least one: it is there as long as
// any of them fires. What is said of the whole group is not asked, since it may be about alerts
// that are not among these, unless some were cut off.
func (g alertGroup) signal(alerts []groupAlert, o statuspage.IntegrationOptions) statuspage.Signal {
	about := slices.DeleteFunc(slices.Clone(alerts), func(a groupAlert) bool { return !a.firing })
	s := statuspage.Signal{Key: g.key, Action: statuspage.SignalFiring, Link: g.link}
	if len(about) == 0 {
		about = slices.Clone(alerts)
		if g.truncated == 0 || !g.firing {
			s.Action = statuspage.SignalResolved
		}
	}
	slices.SortFunc(about, func(a, b groupAlert) int {
		return cmp.Or(cmp.Compare(a.start, b.start), strings.Compare(a.fingerprint, b.fingerprint))
	})

	// That some have ended is no time of a group that fires: the one that ends last can have ended
	// before, when its Prometheus is the slower one, and is not to come too late then.
	for _, a := range about {
		s.At = max(s.At, a.start, a.end)
		if s.Action == statuspage.SignalResolved {
			s.Ended = max(s.Ended, a.end)
			s.Unclear = cmp.Or(s.Unclear, a.unclear())
		}
	}
	s.Started, s.Episode = about[0].start, episode(about[0].start)

	annotations := common(about, func(a groupAlert) map[string]string { return a.annotations })
	s.Labels = common(about, func(a groupAlert) map[string]string { return a.labels })
	s.Severity = gravest(about, o)
	s.Title = cmp.Or(annotations["summary"], annotations["title"], groupTitle(s.Labels, g.labels))
	s.Message = cmp.Or(annotations["description"], annotations["message"], about[0].annotations["description"], about[0].annotations["message"])
	if g.truncated > 0 {
		s.Message = strings.TrimSpace(fmt.Sprintf("%s\n\nand %d more", s.Message, g.truncated))
	}
	// What differs is taken of the first one, so that rules have something to match, but the
	// monitors of all.
	for name, value := range about[0].labels {
		if _, there := s.Labels[name]; !there {
			s.Labels[name] = value
		}
	}
	for _, name := range []string{"tocsin_monitor", "tocsin-monitor", "monitor"} {
		var tags []string
		for _, a := range about {
			tags = append(tags, tagList(a.labels[name])...)
		}
		if len(tags) > 0 {
			s.Labels[name] = strings.Join(tagList(strings.Join(tags, ",")), ",")
		}
	}
	return s
}

// common returns what all the alerts have alike.
func common(alerts []groupAlert, of func(groupAlert) map[string]string) map[string]string {
	all := maps.Clone(of(alerts[0]))
	for _, a := range alerts[1:] {
		maps.DeleteFunc(all, func(name, value string) bool { return of(a)[name] != value })
	}
	return all
}

// groupTitle is the title of alerts without a summary that they share: their name, and the values
// of what they are grouped by.
func groupTitle(labels, group map[string]string) string {
	words := []string{cmp.Or(labels["alertname"], group["alertname"])}
	for _, name := range slices.Sorted(maps.Keys(group)) {
		if name != "alertname" {
			words = append(words, group[name])
		}
	}
	return cmp.Or(strings.TrimSpace(strings.Join(words, " ")), "Alert")
}

// gravest returns the severity of the alerts that is worst for a monitor.
func gravest(alerts []groupAlert, o statuspage.IntegrationOptions) string {
	impact := func(a groupAlert) statuspage.Impact {
		return o.ImpactOf(statuspage.Signal{Severity: a.labels["severity"]})
	}
	worst := alerts[0]
	for _, a := range alerts[1:] {
		if impact(a) != impact(worst) && impact(a).Worse(impact(worst)) == impact(a) {
			worst = a
		}
	}
	return worst.labels["severity"]
}
