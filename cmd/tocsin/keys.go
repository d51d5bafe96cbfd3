package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/spf13/cobra"

	"tocsin/internal/apiv4"
	"tocsin/internal/awsclient"
	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/statuspage"
)

const keysExamples = `  tocsin keys create --local --name laptop
  tocsin keys create --table tocsin-Table-1ABC --name monitoring --scope incidents:write --expires 90d
  tocsin keys list --local --port 8080
  tocsin keys revoke --table tocsin-Table-1ABC 7`

func newKeysCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "keys",
		Short:   "Make, list and revoke API keys",
		Long:    "Make, list and revoke API keys, in the table of a tocsin serve that runs on this\nmachine (--local) or in one on AWS (--table, with your own AWS credentials).",
		Example: keysExamples,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	t := &tableFlags{}
	t.add(cmd, c)
	cmd.AddCommand(newKeysCreate(t, c), newKeysList(t, c), newKeysRevoke(t, c))
	return cmd
}

// localFlags say which server on this machine is meant.
type localFlags struct {
	local     bool
	port, dir string
}

func (l *localFlags) add(cmd *cobra.Command, c console, local string) {
	f := cmd.PersistentFlags()
	f.BoolVar(&l.local, "local", false, local)
	f.StringVar(&l.port, "port", c.envOr("PORT", defaultPort), "with --local: the port that it serves on (environment: PORT)")
	f.StringVar(&l.dir, "dir", ".local", "with --local: the --dir folder that it was given")
}

// tableFlags say which table is meant.
type tableFlags struct {
	localFlags
	awsFlags

	table string

	calls *atomic.Int64 // not nil: counts the calls of DynamoDB
}

func (t *tableFlags) add(cmd *cobra.Command, c console) {
	t.localFlags.add(cmd, c, "the table of the tocsin serve on this machine")
	t.addAWS(cmd, "a table on AWS, by its name: the stack's output TableName")
}

func (t *tableFlags) addAWS(cmd *cobra.Command, table string) {
	cmd.PersistentFlags().StringVar(&t.table, "table", "", table)
	t.awsFlags.add(cmd, "--table")
}

func (t *tableFlags) store(ctx context.Context) (*dynamo.Store, error) {
	if t.local == (t.table != "") {
		return nil, errors.New("say which table: either --local or --table NAME")
	}
	store, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	return store, store.ReadSchema(ctx)
}

func (t *tableFlags) open(ctx context.Context) (*dynamo.Store, error) {
	if t.local {
		port, err := parsePort(t.port)
		if err != nil {
			return nil, err
		}
		endpoint, err := readEndpoint(t.dir, port)
		if err != nil {
			return nil, err
		}
		return dynamo.New(newLocalClient(endpoint, t.options()...), localTable), nil
	}
	client, err := t.awsClient(ctx)
	if err != nil {
		return nil, err
	}
	return dynamo.New(client, t.table), nil
}

func (t *tableFlags) awsClient(ctx context.Context) (*dynamodb.Client, error) {
	cfg, err := t.config(ctx)
	if err != nil {
		return nil, err
	}
	return ddb.NewClient(cfg, "", t.options()...), nil
}

func (t *tableFlags) options() []func(*dynamodb.Options) {
	options := []func(*dynamodb.Options){func(o *dynamodb.Options) { o.HTTPClient = awsclient.CopyBodies(o.HTTPClient) }}
	if t.calls != nil {
		options = append(options, ddb.CountCalls(t.calls))
	}
	return options
}

const createExamples = `  tocsin keys create --local --name laptop
  tocsin keys create --table tocsin-Table-1ABC --name page --scope incidents:read --scope monitors:read
  tocsin keys create --table tocsin-Table-1ABC --name contractor --expires 2027-01-31`

func newKeysCreate(t *tableFlags, c console) *cobra.Command {
	var name, expires string
	var scopes []string
	cmd := &cobra.Command{
		Use:   "create --name NAME",
		Short: "Make an API key and show it, this once",
		Long: "Make an API key and show it, this once: only its hash is kept.\n\nScopes: " + scopeNames() +
			".\nA write scope includes reading; monitors:write includes status:write, which is for\nprobes and reads nothing; a rule that opens incidents also needs incidents:write;\nadmin is everything and the keys.",
		Example: createExamples,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := time.Now()
			n, err := newAPIKey(name, scopes, expires, now)
			if err != nil {
				return err
			}
			store, err := t.store(cmd.Context())
			if err != nil {
				return err
			}
			secret := statuspage.NewSecret()
			k, err := store.CreateAPIKey(cmd.Context(), secret, n, now.Unix(), nil)
			if err != nil {
				return fmt.Errorf("making the key: %w", err)
			}
			fmt.Fprintln(c.stdout, secret)
			fmt.Fprintf(c.stderr, "key %d (%s), scopes %s, expires %s; it is not shown again\n", k.ID, printable(k.Name), joinScopes(k.Scopes), timeText(k.Expires, "never"))
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "what the key is for")
	cmd.Flags().StringSliceVar(&scopes, "scope", []string{string(statuspage.ScopeIncidentsWrite), string(statuspage.ScopeMonitorsWrite)}, "what the key allows; may be given more than once")
	cmd.Flags().StringVar(&expires, "expires", "", "90d, 2027-01-31 (at 00:00 UTC) or 2027-01-31T12:00:00Z; default never")
	return cmd
}

// newAPIKey checks what the user gives.
func newAPIKey(name string, scopes []string, expires string, now time.Time) (statuspage.NewAPIKey, error) {
	n := statuspage.NewAPIKey{Name: statuspage.TrimBlank(statuspage.ValidText(name))}
	if n.Name == "" {
		return n, errors.New("say what the key is for: --name NAME")
	}
	if statuspage.Length(n.Name) > statuspage.MaxKeyName {
		return n, fmt.Errorf("the name must be at most %d characters", statuspage.MaxKeyName)
	}
	for _, s := range scopes {
		if !statuspage.ValidScope(statuspage.Scope(s)) {
			return n, fmt.Errorf("unknown scope %q: choose from %s", s, scopeNames())
		}
	}
	for _, s := range statuspage.Scopes() {
		if slices.Contains(scopes, string(s)) {
			n.Scopes = append(n.Scopes, s)
		}
	}
	if len(n.Scopes) == 0 {
		return n, fmt.Errorf("a key without a scope allows nothing: choose from %s", scopeNames())
	}
	var err error
	n.Expires, err = parseExpiry(expires, now)
	return n, err
}

// parseExpiry reads a number of days, a date or an instant; "" is never.
func parseExpiry(s string, now time.Time) (*int64, error) {
	if s == "" {
		return nil, nil
	}
	at, err := expiryTime(s, now)
	if err != nil {
		return nil, fmt.Errorf("--expires takes 90d, 2027-01-31 or 2027-01-31T12:00:00Z, not %q", s)
	}
	if at.Unix() <= now.Unix() {
		return nil, fmt.Errorf("--expires %s is not in the future", s)
	}
	if at.Unix() > statuspage.MaxTimestamp {
		return nil, fmt.Errorf("--expires %s is after the year 9999: leave it out for a key that never expires", s)
	}
	return new(at.Unix()), nil
}

func expiryTime(s string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 22)
		return now.AddDate(0, 0, int(n)), err
	}
	if at, err := time.Parse(time.DateOnly, s); err == nil {
		return at, nil
	}
	return time.Parse(time.RFC3339, s)
}

func newKeysList(t *tableFlags, c console) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the API keys, without the keys themselves",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := t.store(cmd.Context())
			if err != nil {
				return err
			}
			keys, err := allKeys(cmd.Context(), store)
			if err != nil {
				return err
			}
			return writeKeys(c.stdout, keys)
		},
	}
}

// allKeys returns all API keys, oldest first.
func allKeys(ctx context.Context, store apiv4.KeyStore) ([]statuspage.APIKey, error) {
	var keys []statuspage.APIKey
	_, err := store.APIKeys(ctx, statuspage.KeyQuery{Limit: keysAtOnce}, func(k statuspage.APIKey) bool {
		keys = append(keys, k)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("reading the keys: %w", err)
	}
	slices.Reverse(keys)
	return keys, nil
}

// keysAtOnce is how many keys are read a call.
const keysAtOnce = 1000

func writeKeys(w io.Writer, keys []statuspage.APIKey) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSCOPES\tCREATED\tEXPIRES\tREVOKED\tLAST USED IN HOUR")
	for _, k := range keys {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, strconv.Quote(k.Name), joinScopes(k.Scopes),
			timeText(&k.Created, ""), timeText(k.Expires, "never"), timeText(k.Revoked, "no"), hourText(k.LastUsed, "never"))
	}
	return table.Flush()
}

func newKeysRevoke(t *tableFlags, c console) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "End an API key for good",
		Long:  "End an API key for good. A function that has seen the key may accept it for\nanother 60 seconds.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("say which key: tocsin keys revoke ID")
			}
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || !statuspage.ValidID(id) {
				return fmt.Errorf("%q is no id of a key: tocsin keys list shows them", args[0])
			}
			store, err := t.store(cmd.Context())
			if err != nil {
				return err
			}
			k, err := store.RevokeAPIKey(cmd.Context(), id, time.Now().Unix())
			if errors.Is(err, statuspage.KeyNotFound(id)) {
				return fmt.Errorf("there is no key %d: tocsin keys list shows them", id)
			}
			if err != nil {
				return fmt.Errorf("revoking the key: %w", err)
			}
			fmt.Fprintf(c.stdout, "key %d (%s) revoked at %s\n", k.ID, printable(k.Name), timeText(k.Revoked, "no time"))
			return nil
		},
	}
}

func scopeNames() string { return joinScopes(statuspage.Scopes()) }

func joinScopes(scopes []statuspage.Scope) string {
	texts := make([]string, len(scopes))
	for i, s := range scopes {
		texts[i] = string(s)
	}
	return strings.Join(texts, ",")
}

// timeText writes UTC seconds for a person, or none when there is no time.
func timeText(t *int64, none string) string {
	if t == nil {
		return none
	}
	return time.Unix(*t, 0).UTC().Format(time.RFC3339)
}

// hourText is timeText for what is known to the hour only.
func hourText(t *int64, none string) string {
	if t == nil {
		return none
	}
	return time.Unix(*t, 0).UTC().Format("2006-01-02T15Z")
}
