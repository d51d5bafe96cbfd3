package publish_test

import (
	"bytes"
	"fmt"
	"testing"

	"tocsin/internal/dynamotest"
	"tocsin/internal/publish"
)

// After a recovery the table is one of an earlier moment, under another name. The pages tell of
// that one, and of nothing that came later.
func TestTableOfAnEarlierMoment(t *testing.T) {
	const later = 120 // incidents that the earlier table does not have
	folder, now := openFolder(t), start()
	passes := func(name string, tags []string, titles ...string) {
		store := dynamotest.NewTable(t).Store(nil)
		for _, tag := range tags {
			monitorNamed(t, store, tag, now-day)
		}
		for n, title := range titles {
			incidentOn(t, store, title, now-int64(n+1)*hour, now-hour, "api")
		}
		p := &publish.Publisher{Store: store, Config: config, Port: folder, Table: name}
		for again := true; again; {
			var err error
			if again, err = p.Run(t.Context(), now); err != nil {
				t.Fatal(err)
			}
		}
	}
	lost := []string{"Kept", "As it was"}
	for n := range later {
		lost = append(lost, fmt.Sprintf("Lost %d", n))
	}
	lost[1] = "As it became"
	passes("damaged", []string{"api", "later"}, lost...)
	if o := at(t, folder, "/badge/later/status"); o.Status != 200 {
		t.Fatalf("a badge: %d", o.Status)
	}
	if o := at(t, folder, fmt.Sprintf("/incidents/%d", later+2)); o.Status != 200 {
		t.Fatalf("the last incident: %d", o.Status)
	}
	now += hour
	passes("restored", []string{"api"}, "Kept", "As it was")
	for _, address := range []string{"/monitors/later", "/badge/later/status", "/data/later.json", "/embed/monitor-later"} {
		if o := at(t, folder, address); o.Status != 404 {
			t.Errorf("%s: %d, want 404", address, o.Status)
		}
	}
	for id, want := range map[int64]int{1: 200, 2: 200, 3: 404, 102: 404, later + 2: 404} {
		if o := at(t, folder, fmt.Sprintf("/incidents/%d", id)); o.Status != want {
			t.Errorf("incident %d: %d, want %d", id, o.Status, want)
		}
	}
	if o := at(t, folder, "/incidents/2"); !contains(o, "As it was") || contains(o, "As it became") {
		t.Error("the page of an incident is not that of the restored table")
	}
	if o := at(t, folder, "/"); contains(o, "Lost") {
		t.Error("the home page tells of what was lost")
	}
}

// Two publishers that want another look each do not take the work away from one another.
func TestTwoLooks(t *testing.T) {
	table := dynamotest.NewTable(t)
	store, folder, now := table.Store(nil), openFolder(t), start()
	monitorNamed(t, store, "api", now-day)
	for n := range 130 {
		incidentOn(t, store, fmt.Sprintf("Outage %d", n), now-int64(n+1)*hour, now-hour, "api")
	}
	named := func(name string) *publish.Publisher {
		c := config
		c.Name = name
		return &publish.Publisher{Store: store, Config: c, Port: folder}
	}
	pass := func(p *publish.Publisher) (more bool) {
		t.Helper()
		more, err := p.Run(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		return more
	}
	a, b := named("A"), named("B")
	if !pass(a) {
		t.Fatal("one pass made all pages")
	}
	if pass(b) {
		t.Error("the other one goes on with what is another one's work")
	}
	for pass(a) {
	}
	if o := at(t, folder, "/incidents/130"); !contains(o, "A") || o.Status != 200 {
		t.Error("the sweep did not come to its end")
	}
	now += 5 * minute
	if !pass(b) {
		t.Error("the other one does not begin when the first has ended")
	}
}

func contains(o publish.Object, text string) bool { return bytes.Contains(o.Body, []byte(text)) }
