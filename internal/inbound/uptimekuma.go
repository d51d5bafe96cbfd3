package inbound

import (
	"cmp"
	"strconv"
	"strings"

	"tocsin/internal/statuspage"
)

// uptimeKuma reads the webhook of Uptime Kuma: JSON, a form whose field data is that JSON, or a
// query with the fields of it. Tests, and what it says of certificates and domains, have a text
// only.
func uptimeKuma(m Message, _ statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	body, err := readFields(m)
	if err != nil {
		return nil, err
	}
	if data := body.object("data"); data != nil {
		body = data
	}
	beat, monitor, text := body.object("heartbeat"), body.object("monitor"), body.text("msg")
	if beat == nil {
		if text == "" {
			return nil, statuspage.Invalid("This is no message of Uptime Kuma: it has no heartbeat and no msg")
		}
		return []statuspage.Signal{{Key: "msg", Action: statuspage.SignalNote, Title: text}}, nil
	}
	key := cmp.Or(monitor.text("id"), beat.text("monitorID", "monitor_id"), monitor.text("name"))
	if key == "" {
		return nil, statuspage.Invalid("This is no message of Uptime Kuma: its monitor has no id")
	}

	s := statuspage.Signal{
		Key: key, Action: statuspage.SignalNote, At: beat.time("time"),
		Title:   cmp.Or(monitor.text("name"), "Monitor "+key) + " is down",
		Message: cmp.Or(beat.text("msg"), text), Labels: kumaLabels(monitor),
	}
	s.Monitors = tagList(s.Labels["tocsin"])
	switch strings.ToLower(beat.text("status")) {
	case "0", "down", "false":
		s.Action, s.Started, s.Episode = statuspage.SignalFiring, s.At, episode(s.At)
	case "1", "up", "true":
		s.Action, s.Ended, s.Started = statuspage.SignalResolved, s.At, beat.time("lastDownTime")
		s.Episode = episode(s.Started)
	}
	return []statuspage.Signal{s}, nil
}

// kumaLabels are the tags of a monitor, and what rules can match of it.
func kumaLabels(monitor object) map[string]string {
	labels := map[string]string{}
	for _, tag := range monitor.objects("tags") {
		name, value := tag.text("name"), tag.text("value")
		if before := labels[name]; before != "" && value != "" {
			value = before + "," + value
		}
		labels[name] = cmp.Or(value, labels[name])
	}
	monitor.setLabels(labels, "name", "pathName", "type", "url", "hostname")
	if name := monitor.text("name"); name != "" {
		labels["monitor.name"] = name
	}
	return labels
}

// episode is the episode that began at a time, in UTC milliseconds: "" for none.
func episode(start int64) string {
	if start == 0 {
		return ""
	}
	return strconv.FormatInt(start, 10)
}
