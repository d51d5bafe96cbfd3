package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/dynamo"
	"tocsin/internal/statuspage"
)

const incidentHelp = `Open an incident, say how it goes, and resolve it, over HTTP.

The API is at TOCSIN_URL, and TOCSIN_KEY is a key with the scope incidents:write; with
--local it is the tocsin serve on this machine. The words of a title or a text may
stand there without quotes. A request without an answer is retried and takes effect
only once.

The states are INVESTIGATING, IDENTIFIED, MONITORING and RESOLVED, in any case.`

const incidentExamples = `  tocsin incident open Checkout is down --monitor checkout --monitor api=DEGRADED
  tocsin incident update 7 identified A bad release, rolling back
  tocsin incident resolve 7 Rolled back, orders go through
  tocsin incident list`

func newIncidentCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "incident",
		Short:   "Open, update, resolve and list incidents",
		Long:    incidentHelp,
		Example: incidentExamples,
		Args:    usage(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	var l localFlags
	l.add(cmd, c, "the tocsin serve on this machine, in place of TOCSIN_URL and TOCSIN_KEY")
	cmd.AddCommand(newIncidentOpen(&l, c), newIncidentUpdate(&l, c), newIncidentResolve(&l, c), newIncidentList(&l, c))
	return cmd
}

func newIncidentOpen(l *localFlags, c console) *cobra.Command {
	var monitors []string
	var comment string
	cmd := &cobra.Command{
		Use:   "open TITLE",
		Short: "Open an incident that starts now",
		RunE: func(cmd *cobra.Command, args []string) error {
			title := strings.Join(args, " ")
			if statuspage.TrimBlank(title) == "" {
				return usagef("say what is broken: tocsin incident open TITLE")
			}
			links, err := monitorLinks(monitors)
			if err != nil {
				return err
			}
			api, err := l.api(cmd.Context(), c)
			if err != nil {
				return err
			}
			opened, err := openIncident(cmd.Context(), api, title, links, comment, time.Now())
			if opened.ID != 0 {
				err = errors.Join(writeIncidents(c.stdout, opened), err)
			}
			return err
		},
	}
	cmd.Flags().StringArrayVar(&monitors, "monitor", nil, "TAG or TAG=IMPACT of a monitor that it affects, DOWN unless you say DEGRADED, MAINTENANCE or UP; may be given more than once")
	cmd.Flags().StringVar(&comment, "comment", "", "a first comment")
	return cmd
}

// shownIncident is what the command shows of an incident.
type shownIncident struct {
	ID    int64  `json:"id"`
	State string `json:"state"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

type incidentAnswer struct {
	Incident shownIncident `json:"incident"`
}

// monitorLink says what an incident does to a monitor.
type monitorLink struct {
	Tag    string `json:"monitor_tag"`
	Impact string `json:"impact,omitempty"` // "": the service's default
}

// monitorLinks reads TAG or TAG=IMPACT. Which impacts there are the service knows.
func monitorLinks(texts []string) ([]monitorLink, error) {
	var links []monitorLink
	for _, text := range texts {
		tag, impact, given := strings.Cut(text, "=")
		if tag == "" || given && impact == "" {
			return nil, usagef("--monitor takes TAG or TAG=IMPACT, such as api=DEGRADED, not %q", text)
		}
		links = append(links, monitorLink{tag, strings.ToUpper(impact)})
	}
	return links, nil
}

// openIncident makes an incident that starts now, and its first comment if there is one. An
// error beside an incident is about the comment.
func openIncident(ctx context.Context, api *apiClient, title string, links []monitorLink, comment string, now time.Time) (shownIncident, error) {
	body := map[string]any{"title": title, "start_date_time": now.Unix()}
	if len(links) > 0 {
		body["monitors"] = links
	}
	var made incidentAnswer
	err := api.post(ctx, "/incidents", http.Header{"Tocsin-Source": {statuspage.SourcePerson}}, body, &made)
	if err != nil || comment == "" {
		return made.Incident, err
	}
	if err := addComment(ctx, api, made.Incident.ID, string(statuspage.Investigating), comment); err != nil {
		return made.Incident, fmt.Errorf("incident %d is open, without its comment: %w", made.Incident.ID, err)
	}
	return made.Incident, nil
}

func addComment(ctx context.Context, api *apiClient, id int64, state, text string) error {
	return api.post(ctx, fmt.Sprintf("/incidents/%d/comments", id), nil, map[string]any{"state": strings.ToUpper(state), "comment": text}, &struct{}{})
}

func newIncidentUpdate(l *localFlags, c console) *cobra.Command {
	return &cobra.Command{
		Use:   "update ID STATE TEXT",
		Short: "Comment on an incident, which takes the state",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 3 {
				return usagef("say which incident, its state and what to tell: tocsin incident update ID STATE TEXT")
			}
			return updateIncident(cmd.Context(), l, c, args[0], args[1], args[2:])
		},
	}
}

func newIncidentResolve(l *localFlags, c console) *cobra.Command {
	return &cobra.Command{
		Use:   "resolve ID TEXT",
		Short: "Comment on an incident and end it now",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("say which incident and what to tell: tocsin incident resolve ID TEXT")
			}
			return updateIncident(cmd.Context(), l, c, args[0], string(statuspage.Resolved), args[1:])
		},
	}
}

func updateIncident(ctx context.Context, l *localFlags, c console, idText, state string, words []string) error {
	id, err := strconv.ParseInt(idText, 10, 64)
	if err != nil || !statuspage.ValidID(id) {
		return usagef("%q is no id of an incident: tocsin incident list shows them", idText)
	}
	api, err := l.api(ctx, c)
	if err != nil {
		return err
	}
	if err := addComment(ctx, api, id, state, strings.Join(words, " ")); err != nil {
		return err
	}
	var now incidentAnswer
	if err := api.get(ctx, fmt.Sprintf("/incidents/%d", id), &now); err != nil {
		return fmt.Errorf("the comment is made; reading the incident: %w", err)
	}
	return writeIncidents(c.stdout, now.Incident)
}

func newIncidentList(l *localFlags, c console) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the open incidents, the newest first",
		Args:  usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := l.api(cmd.Context(), c)
			if err != nil {
				return err
			}
			incidents, err := listIncidents(cmd.Context(), api, all)
			if err != nil {
				return err
			}
			if len(incidents) == 0 {
				fmt.Fprintln(c.stdout, map[bool]string{false: "no open incidents", true: "no incidents"}[all])
				return nil
			}
			return writeIncidents(c.stdout, incidents...)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "closed ones too")
	return cmd
}

func listIncidents(ctx context.Context, api *apiClient, all bool) ([]shownIncident, error) {
	query := url.Values{"status": {"open"}}
	if all {
		query.Del("status")
	}
	var incidents []shownIncident
	for {
		var page struct {
			Incidents []shownIncident `json:"incidents"`
			Next      string          `json:"next_cursor"`
		}
		if err := api.get(ctx, "/incidents?"+query.Encode(), &page); err != nil {
			return nil, err
		}
		incidents = append(incidents, page.Incidents...)
		if page.Next == "" {
			return incidents, nil
		}
		query.Set("cursor", page.Next)
	}
}

// writeIncidents writes a line an incident.
func writeIncidents(w io.Writer, incidents ...shownIncident) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, i := range incidents {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", i.ID, printable(i.State), printable(i.Title), printable(i.URL))
	}
	return table.Flush()
}

// api returns the client of the API that is meant. It says on the standard error why
// something takes long.
func (l *localFlags) api(ctx context.Context, c console) (*apiClient, error) {
	client, err := l.client(ctx, c)
	if err == nil {
		client.again = func(err error) { fmt.Fprintf(c.stderr, "tocsin: %s; trying again\n", printable(err.Error())) }
	}
	return client, err
}

func (l *localFlags) client(ctx context.Context, c console) (*apiClient, error) {
	if l.local {
		return l.localAPI(ctx)
	}
	address, key := c.getenv("TOCSIN_URL"), c.getenv("TOCSIN_KEY")
	if address == "" || key == "" {
		return nil, usagef("say which API: set TOCSIN_URL and TOCSIN_KEY, or say --local")
	}
	return newAPIClient(address, key)
}

const commandKeyName = "tocsin incident"

// localAPI returns the client of the API that is served on this machine. Its key is made
// the first time and kept beside the data, as the table has no more than its hash; a table
// that does not have it, which one in memory never does, gets it again. In place of one that
// was revoked there is a new one.
func (l *localFlags) localAPI(ctx context.Context) (*apiClient, error) {
	port, err := parsePort(l.port)
	if err != nil {
		return nil, usageError{err}
	}
	endpoint, err := readEndpoint(l.dir, port)
	if err != nil {
		return nil, err
	}
	if !isLoopback(endpoint) {
		return nil, usagef("the table of the server on port %d is not on this machine: make a key with tocsin keys create, and set TOCSIN_URL and TOCSIN_KEY", port)
	}
	file := filepath.Join(dataDir(l.dir, port), "incident-key")
	key, err := keptSecret(file)
	if err != nil {
		return nil, err
	}
	store := dynamo.New(newLocalClient(endpoint), localTable)
	if err := store.ReadSchema(ctx); err != nil {
		return nil, err
	}
	old, err := store.APIKeyByHash(ctx, statuspage.HashSecret(key))
	if err != nil && !errors.Is(err, statuspage.ErrKeyNotFound) {
		return nil, fmt.Errorf("reading the API key: %w", err)
	}
	if old.Revoked != nil {
		if key, err = newSecret(file); err != nil {
			return nil, err
		}
	}
	n := statuspage.NewAPIKey{Name: commandKeyName, Scopes: []statuspage.Scope{statuspage.ScopeIncidentsWrite}}
	if _, err := store.EnsureAPIKey(ctx, key, n, time.Now().Unix()); err != nil {
		return nil, fmt.Errorf("making the API key: %w", err)
	}
	return newAPIClient("http://"+net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), key)
}

// keptSecret returns the API key in the file, which is made with a new one if it is not
// there.
func keptSecret(file string) (string, error) {
	text, err := os.ReadFile(file)
	if secret := strings.TrimSpace(string(text)); err == nil && statuspage.ValidSecret(secret) {
		return secret, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the API key: %w", err)
	}
	return newSecret(file)
}

// newSecret puts a new API key into the file, for its owner's eyes only.
func newSecret(file string) (string, error) {
	secret := statuspage.NewSecret()
	part := file + "." + rand.Text()
	if err := os.WriteFile(part, []byte(secret+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keeping the API key: %w", err)
	}
	if err := os.Rename(part, file); err != nil {
		return "", fmt.Errorf("keeping the API key: %w", err)
	}
	return secret, nil
}
