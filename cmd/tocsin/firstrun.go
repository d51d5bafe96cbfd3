package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tocsin/internal/apiv4"
	"tocsin/internal/demo"
	"tocsin/internal/statuspage"
)

// firstKeyName names the key that the first run makes.
const firstKeyName = "make run"

// triedMonitor is the tag of the monitor that the calls to paste are about.
const triedMonitor = "checkout"

// localStore is what serve needs of the repository.
type localStore interface {
	apiv4.KeyStore
	demo.Store
	EnsureAPIKey(ctx context.Context, secret string, n statuspage.NewAPIKey, now int64) (statuspage.APIKey, error)
}

// firstRecords are what the first run is to make.
type firstRecords struct{ key, demo bool }

// populate gives the table a key and the demo data on the first run, as far as they are
// wanted. A given key is made to work in any case. The first key is kept in
// keyFile, for later runs, unless that is empty.
func populate(ctx context.Context, store localStore, givenKey, keyFile string, wanted firstRecords, now int64) (greeting, error) {
	keys, err := allKeys(ctx, store)
	if err != nil {
		return greeting{}, err
	}
	monitors, err := someMonitors(ctx, store)
	if err != nil {
		return greeting{}, fmt.Errorf("reading the monitors: %w", err)
	}
	g := greeting{key: givenKey, fresh: len(keys) == 0 && len(monitors) == 0, now: now}
	g.first, g.forImport = g.fresh, g.fresh && !wanted.key
	if g.fresh && wanted.demo {
		if err := demo.Load(ctx, store, now); err != nil {
			return greeting{}, err
		}
		g.fresh, monitors = false, []string{triedMonitor}
	}
	if len(monitors) > 0 {
		g.monitor = monitors[0]
	}
	if slices.Contains(monitors, triedMonitor) {
		g.monitor = triedMonitor
	}
	switch {
	case givenKey != "":
		_, err = store.EnsureAPIKey(ctx, givenKey, statuspage.NewAPIKey{Name: "API_KEY", Scopes: statuspage.Scopes()}, now)
	case len(keys) == 0 && wanted.key:
		g.key = statuspage.NewSecret()
		if _, err = store.CreateAPIKey(ctx, g.key, statuspage.NewAPIKey{Name: firstKeyName, Scopes: statuspage.Scopes()}, now, nil); err == nil && keyFile != "" {
			g.keyFile = keyFile
			err = os.WriteFile(keyFile, []byte(g.key+"\n"), 0o600)
		}
	default:
		valid := func(k statuspage.APIKey) bool { return k.Revoked == nil && (k.Expires == nil || *k.Expires > now) }
		g.firstKeyGone = !slices.ContainsFunc(keys, func(k statuspage.APIKey) bool { return k.Name == firstKeyName && valid(k) })
		kept, _ := os.ReadFile(keyFile) // when it can't be read there is none
		hash := statuspage.HashSecret(strings.TrimSpace(string(kept)))
		if slices.ContainsFunc(keys, func(k statuspage.APIKey) bool { return k.Hash == hash && valid(k) }) {
			g.keyFile = keyFile
		}
	}
	if err != nil {
		return greeting{}, fmt.Errorf("making the API key: %w", err)
	}
	return g, nil
}

// someMonitors returns the tags of some of the monitors, all when they are few.
func someMonitors(ctx context.Context, store localStore) ([]string, error) {
	var tags []string
	_, err := store.Monitors(ctx, statuspage.MonitorQuery{Limit: 100}, func(m statuspage.Monitor) bool {
		tags = append(tags, m.Tag)
		return len(tags) < 100
	})
	return tags, err
}

// greeting is what serve prints when it is ready.
type greeting struct {
	url          string
	port         int
	program      string // how a shell starts tocsin
	data         string // the folder that keeps the data; "" for none
	key          string // "" when only the user knows it
	clear        string // command that starts without the demo data; "" when there is none
	keyFile      string // where the first run's key is kept; "" when it is not
	firstKeyGone bool   // the first run's key was revoked or never made
	forImport    bool   // the table is new and has nothing, not even a key
	monitor      string // tag of a monitor to try with; "" when there is none
	first        bool   // the table was new when the run began
	fresh        bool   // it still has no incident, so that the first one will be number 1
	now          int64  // UTC seconds
}

// String is the line that says ready, which programs may wait for, where the page and the data
// are, the key, and calls to paste; for an import it is the import command in place of key and calls.
func (g greeting) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ready %s\n\nPage: %s/\n", g.url, g.url)
	if g.data != "" {
		left := ", as earlier runs have left it"
		if g.first {
			left = ""
		}
		fmt.Fprintf(&b, "Data: kept in %s%s; the same command with FRESH=1 deletes it first\n", g.data, left)
	}
	if g.clear != "" {
		fmt.Fprintf(&b, "Demo: the monitors and incidents of %s are invented; to start without them: %s\n", demo.Company, g.clear)
	}
	if g.forImport {
		g.writeImport(&b)
		return b.String()
	}
	g.writeKey(&b)
	g.writeCalls(&b)
	return b.String()
}

func (g greeting) writeImport(b *strings.Builder) {
	command, without := fmt.Sprintf("%s import --local --port %d", g.program, g.port), ""
	if g.key != "" {
		fmt.Fprintf(b, "API key: %s\n", g.key)
		without = " --without-keys"
	}
	fmt.Fprintf(b, "\nNothing is here yet. Import what tocsin export has written, or a Kener:\n\n%s%s FILE\nKENER_API_KEY=kener_... %s --from-kener https://status.example.org\n\n", command, without, command)
}

func (g greeting) writeKey(b *strings.Builder) {
	kept := ""
	if g.keyFile != "" {
		kept = " (kept in " + g.keyFile + ")"
	}
	create := fmt.Sprintf("%s keys create --local --port %d --name NAME", g.program, g.port)
	switch {
	case g.key != "":
		fmt.Fprintf(b, "API key: %s%s\n\nFor another terminal:\n\nKEY=%s\n", g.key, kept, g.key)
	case g.keyFile != "":
		fmt.Fprintf(b, "API key: that of the first run, in %s\n\nFor another terminal:\n\nKEY=$(cat %s)\n", g.keyFile, quoted(g.keyFile))
	case g.firstKeyGone:
		fmt.Fprintf(b, "API key: only hashes are kept, so none can be shown; make one with\n  %s\n", create)
	default:
		fmt.Fprintf(b, "API key: the one that the first run showed is still valid; make another with\n  %s\n", create)
	}
}

func (g greeting) writeCalls(b *strings.Builder) {
	key, id := g.key, "1"
	if key == "" {
		key = "$KEY"
	}
	call := func(path, body string) string {
		text := fmt.Sprintf(`curl -sS %s/api/v4/%s -H "Authorization: Bearer %s"`, g.url, path, key)
		if body != "" {
			text += fmt.Sprintf(" -d '%s'", body)
		}
		return text
	}
	if g.key == "" && g.keyFile == "" {
		fmt.Fprint(b, "\nTry it, after KEY=kener_...:\n\n")
	} else {
		fmt.Fprint(b, "\nTry it:\n\n")
	}
	monitor := g.monitor
	if monitor == "" {
		monitor = triedMonitor
		fmt.Fprintf(b, "# a monitor\n%s\n\n", call("monitors", fmt.Sprintf(`{"tag":%q,"name":"Checkout"}`, monitor)))
	}
	create := call("incidents", fmt.Sprintf(
		`{"title":"Checkout is slow","start_date_time":%d,"monitors":[{"monitor_tag":%q,"impact":"DEGRADED"}]}`, g.now, monitor))
	fmt.Fprintf(b, "# an incident on the monitor %s, from %s on\n", monitor, time.Unix(g.now, 0).UTC().Format("15:04 UTC"))
	if g.fresh {
		fmt.Fprintf(b, "%s\n\n", create)
	} else {
		id = "$ID"
		fmt.Fprintf(b, "ID=$(%s | sed 's/^{\"incident\":{\"id\":\\([0-9]*\\).*/\\1/'); echo \"incident $ID\"\n\n", create)
	}
	fmt.Fprintf(b, "# a comment on it\n%s\n\n", call("incidents/"+id+"/comments", `{"comment":"We are looking into it.","state":"IDENTIFIED"}`))
	fmt.Fprintf(b, "# its end\n%s\n\n", call("incidents/"+id+"/comments", `{"comment":"Fixed.","state":"RESOLVED"}`))
	fmt.Fprintf(b, "# all incidents\n%s\n\n", call("incidents", ""))
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-", r) && !('0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z')
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
