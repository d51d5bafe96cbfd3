package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/demo"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamo/dump"
	"tocsin/internal/function"
	"tocsin/internal/local"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// shutdownLimit is how long running requests may take to finish after Ctrl-C.
const shutdownLimit = 15 * time.Second

const serveHelp = `Serve the API on this machine: the functions and routes of template.yaml behind a
local gateway, and DynamoDB Local under them, which is fetched on the first start.

The first run makes an API key with every scope, which is kept in a file beside the
data, and demo data: six monitors of a company that does not exist, with 90 days of
data, three incidents and a maintenance. While tocsin serve runs, each of these
monitors gets a status a minute. The data stays, by port, below the --dir folder.

  DATA=none     the first run makes the API key alone: for monitors of your own
  DATA=empty    the first run makes nothing, no API key either: for tocsin import
  DATA=demo     keep nothing, and start with new demo data
  DATA=memory   keep nothing, and start with the API key alone
  FRESH=1       delete the data of this port first

DynamoDB Local listens on all addresses of this machine, on a random port.`

const serveExamples = `  tocsin serve
  PORT=8080 tocsin serve         # a second one, with data of its own
  FRESH=1 tocsin serve           # without what earlier runs left, and with new demo data
  FRESH=1 DATA=none tocsin serve # with an API key and nothing else
  DYNAMODB_ENDPOINT=http://127.0.0.1:8000 tocsin serve`

// What DATA can be.
const (
	dataDemo   = "demo"
	dataEmpty  = "empty"
	dataMemory = "memory"
	dataNone   = "none"
)

var dataKinds = []string{dataDemo, dataEmpty, dataMemory, dataNone}

// serveOptions are what serve can be told.
type serveOptions struct {
	engineFlags
	host, port       string
	template         string
	apiKey           string
	data             string
	fresh            string
	siteURL          string
	siteName         string
	allowedOrigins   string
	dynamoDBEndpoint string
	logLevel         string
	closer           closerOptions
}

func newServeCommand(c console) *cobra.Command {
	o := serveOptions{apiKey: c.getenv("API_KEY")}
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Serve the API on this machine",
		Long:    serveHelp,
		Example: serveExamples,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return unlessStopped(cmd.Context(), serve(cmd.Context(), o, c))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.host, "host", "127.0.0.1", "address to listen on")
	f.StringVar(&o.port, "port", c.envOr("PORT", defaultPort), "port to listen on (environment: PORT)")
	f.StringVar(&o.template, "template", "template.yaml", "SAM template with the routes, the environment and the table")
	f.StringVar(&o.data, "data", c.getenv("DATA"), "none, empty, demo or memory, see above (environment: DATA)")
	f.StringVar(&o.fresh, "fresh", c.getenv("FRESH"), "1: delete the data of this port first (environment: FRESH)")
	f.StringVar(&o.siteURL, "site-url", c.getenv("SITE_URL"), "address of the status page, with which links in answers and pages begin; empty: the address that this server listens on (environment: SITE_URL)")
	f.StringVar(&o.siteName, "site-name", c.getenv("SITE_NAME"), "name of the public status page; empty: Status, or the company of the demo data (environment: SITE_NAME)")
	f.StringVar(&o.allowedOrigins, "allowed-origins", c.getenv("ALLOWED_ORIGINS"), "origins whose pages may call the API from a browser, separated by commas, or * for all; empty: none (environment: ALLOWED_ORIGINS)")
	f.StringVar(&o.dynamoDBEndpoint, "dynamodb-endpoint", c.getenv("DYNAMODB_ENDPOINT"), "address of an engine that runs already, instead of one of our own (environment: DYNAMODB_ENDPOINT)")
	f.StringVar(&o.logLevel, "log-level", c.envOr("LOG_LEVEL", "INFO"), "DEBUG, INFO, WARN or ERROR (environment: LOG_LEVEL)")
	o.engineFlags.add(cmd)
	o.closer.read(c)
	cmd.Long += "\n\nAPI_KEY in the environment is a key to use, kener_ and 64 lower-case hexadecimal\ndigits; it gets every scope.\n\nThe closer runs on its schedule, CLOSER=off keeps it from that. CLOSER_EVERY,\nSTALE_AFTER and WARN_BEFORE are durations such as 5s, 30m or 72h."
	return cmd
}

func (o serveOptions) check() error {
	if o.data != "" && !slices.Contains(dataKinds, o.data) {
		return fmt.Errorf("DATA must be one of %s, or left out, not %q", strings.Join(dataKinds, ", "), o.data)
	}
	if o.fresh != "" && o.fresh != "1" {
		return fmt.Errorf("FRESH must be 1, or left out, not %q", o.fresh)
	}
	if o.fresh != "" && !o.keeps() {
		return errors.New("FRESH deletes the data that tocsin keeps itself, which is none with DATA=demo, DATA=memory or DYNAMODB_ENDPOINT: leave one of them out")
	}
	if u, err := url.Parse(o.dynamoDBEndpoint); o.dynamoDBEndpoint != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("DYNAMODB_ENDPOINT must be an address like http://127.0.0.1:8000, not %q", o.dynamoDBEndpoint)
	}
	if err := o.closer.check(); err != nil {
		return err
	}
	if o.apiKey == "" {
		return nil
	}
	if !statuspage.ValidSecret(o.apiKey) {
		return errors.New("API_KEY must be kener_ and 64 lower-case hexadecimal digits; leave it out to have one made")
	}
	if o.dynamoDBEndpoint != "" && !isLoopback(o.dynamoDBEndpoint) {
		return fmt.Errorf("API_KEY is for an engine on this machine, which %s is not: leave it out and make a key with tocsin keys create", o.dynamoDBEndpoint)
	}
	return nil
}

// serve runs until ctx ends or something breaks.
func serve(ctx context.Context, o serveOptions, c console) error {
	if err := o.check(); err != nil {
		return err
	}
	listener, err := listen(ctx, o)
	if err != nil {
		return err
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	// A mistake in the template shows before the engine is waited for.
	if _, err := o.readTemplate(o.dynamoDBEndpoint, "", o.site("")); err != nil {
		return err
	}
	// The data goes by port alone: a server on another address may have this port too.
	unlock, err := lockData(o.dir, port)
	if err != nil {
		return err
	}
	defer unlock()
	if o.fresh != "" {
		if err := os.RemoveAll(dataDir(o.dir, port)); err != nil {
			return fmt.Errorf("deleting the data of port %d: %w", port, err)
		}
	}
	endpoint, engine, err := o.engine(ctx, port, c)
	if err != nil {
		return err
	}
	var died <-chan struct{}
	if engine != nil {
		defer engine.Stop()
		died = engine.Done()
	}
	forget, err := writeEndpoint(o.dir, port, endpoint)
	if err != nil {
		return err
	}
	defer forget()

	folder, forgetSite, err := o.siteDir(port)
	if err != nil {
		return err
	}
	defer forgetSite()
	forgetDir, err := tellSiteDir(o.dir, port, folder)
	if err != nil {
		return err
	}
	defer forgetDir()
	address := "http://" + net.JoinHostPort(reachable(o.host), strconv.Itoa(port))
	p, err := o.prepare(ctx, endpoint, address, folder, port, c)
	if err != nil {
		if engine != nil && engine.Err() != nil {
			return engine.Err()
		}
		return err
	}
	// A failure of the first pages is logged, and the schedule tries at once again.
	if err := p.scheduler.RunOnce(ctx, function.Publisher); err != nil && ctx.Err() == nil {
		p.log.Error("the first public pages", "cause", err.Error())
	}
	server := newServer(p.gateway)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	scheduling, stopSchedules := context.WithCancel(ctx)
	var schedules sync.WaitGroup
	schedules.Go(func() { p.scheduler.Run(scheduling) })
	if p.poller != nil {
		schedules.Go(func() { p.poller.Run(scheduling) })
	}
	if p.demo {
		schedules.Go(func() {
			demo.Run(scheduling, p.store, func(err error) { fmt.Fprintf(c.stderr, "tocsin: %s\n", oneLine(err)) })
		})
	}
	defer schedules.Wait()
	defer stopSchedules()
	hello := p.greeting
	if p.demo {
		hello.clear = o.clearCommand()
	}
	hello.url = address
	hello.port = port
	hello.program = program(os.Args[0])
	if o.keeps() {
		hello.data = dataDir(o.dir, port)
	}
	fmt.Fprint(c.stdout, hello)
	select {
	case err := <-served:
		return err
	case <-died:
		return fmt.Errorf("%w: start again; the data is kept unless it was in memory", engine.Err())
	case <-ctx.Done():
	}
	fmt.Fprintln(c.stderr, "stopping")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}

// newServer returns the server of the gateway. A request may take long to come, but not for
// ever: 10 MB, the most that the gateway takes, need 80 seconds at 1 Mbit/s.
func newServer(gateway http.Handler) *http.Server {
	return &http.Server{Handler: gateway, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute}
}

// listen binds the port, before anything is waited for.
func listen(ctx context.Context, o serveOptions) (net.Listener, error) {
	port, err := parsePort(o.port)
	if err != nil {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(o.host, strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d is taken: stop what uses it, or choose another one, for instance PORT=%d", port, port+1)
	}
	return listener, err
}

// reachable is the address under which this machine reaches what listens on host.
func reachable(host string) string {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}

// program is how a shell starts this program again: as it was started, or, where that
// can't be said, as make builds it.
func program(started string) string {
	if _, err := exec.LookPath(started); err != nil {
		return filepath.Join(".local", "bin", "tocsin")
	}
	return quoted(started)
}

// readTemplate reads the template for an engine and for a site whose files are in folder.
func (o serveOptions) readTemplate(endpoint, folder string, page site.Config) (*local.Template, error) {
	return local.ReadTemplate(o.template, local.TemplateOptions{
		Parameters: map[string]string{
			"DynamoDBEndpoint": endpoint,
			"SiteUrl":          page.URL,
			"SiteName":         page.Name,
			"SiteDir":          folder,
			"SiteDemo":         page.Demo,
			"AllowedOrigins":   o.allowedOrigins,
			"LogLevel":         strings.ToUpper(o.logLevel),
		},
		TableName: localTable,
		Region:    local.Region,
	})
}

// keeps reports whether the data stays in a folder of this machine.
func (o serveOptions) keeps() bool {
	return o.dynamoDBEndpoint == "" && o.data != dataMemory && o.data != dataDemo
}

// engine starts DynamoDB Local, or returns the address of the one that runs
// already and nil.
func (o serveOptions) engine(ctx context.Context, port int, c console) (endpoint string, engine *local.Engine, err error) {
	if o.dynamoDBEndpoint != "" {
		return o.dynamoDBEndpoint, nil, nil
	}
	data := ""
	if o.keeps() {
		data = filepath.Join(dataDir(o.dir, port), "dynamodb")
	}
	engine, err = local.StartEngine(ctx, o.options(data, c))
	if err != nil {
		return "", nil, err
	}
	return engine.Endpoint(), engine, nil
}

// siteDir is the folder with the files of the public pages, and what removes it at the end when
// the records that they tell of are not kept either.
func (o serveOptions) siteDir(port int) (dir string, remove func(), err error) {
	if o.keeps() {
		return filepath.Join(dataDir(o.dir, port), "site"), func() {}, nil
	}
	if dir, err = os.MkdirTemp("", "tocsin-site-"); err != nil {
		return "", nil, fmt.Errorf("folder for the public pages: %w", err)
	}
	return dir, func() { os.RemoveAll(dir) }, nil
}

// site is what the operator says about the public pages. They are read at address, unless he
// says another one.
func (o serveOptions) site(address string) site.Config {
	if o.siteURL != "" {
		address = strings.TrimRight(o.siteURL, "/")
	}
	return site.Config{Name: cmp.Or(o.siteName, "Status"), URL: address}
}

// prepared is what serve runs.
type prepared struct {
	gateway   *local.Gateway
	scheduler *local.Scheduler // of the functions that have schedules
	poller    *local.Poller    // of those that the table's stream wakes; nil: the engine has no stream
	log       *slog.Logger
	store     *dump.Dump
	demo      bool // the table has demo data, which goes on
	greeting  greeting
}

// prepare makes the table, what the first run needs in it, and what serve runs.
func (o serveOptions) prepare(ctx context.Context, endpoint, address, folder string, port int, c console) (prepared, error) {
	page := o.site(address)
	template, err := o.readTemplate(endpoint, folder, page)
	if err != nil {
		return prepared{}, err
	}
	client := newLocalClient(endpoint)
	if err := dump.CreateTable(ctx, client, localTable, template.Table); err != nil {
		return prepared{}, err
	}
	store := dynamo.New(client, localTable)
	if err := store.CheckSchema(ctx); err != nil {
		return prepared{}, err
	}
	if _, err := store.Cleanup(ctx, time.Now().Unix()); err != nil {
		fmt.Fprintf(c.stderr, "tocsin: some deletions are not finished yet: %s\n", oneLine(err))
	}
	p := prepared{store: dump.New(store), log: slog.New(slog.NewJSONHandler(c.stderr, nil))}
	if p.greeting, err = o.populate(ctx, p.store, port, time.Now().Unix()); err != nil {
		return prepared{}, err
	}
	if p.demo, err = demo.CatchUp(ctx, p.store, time.Now().Unix()); err != nil {
		return prepared{}, err
	}
	if p.demo {
		page.Demo, page.Name = o.clearCommand(), cmp.Or(o.siteName, demo.Company)
		if template, err = o.readTemplate(endpoint, folder, page); err != nil {
			return prepared{}, err
		}
	}
	o.closer.apply(template)
	handlers, err := template.Handlers(function.New)
	if err != nil {
		return prepared{}, err
	}
	options := local.GatewayOptions{Log: p.log}
	if p.gateway, err = local.NewGateway(template, handlers, options); err != nil {
		return prepared{}, err
	}
	if p.scheduler, err = local.NewScheduler(template, handlers, options); err != nil {
		return prepared{}, err
	}
	arn, err := dump.EnableStream(ctx, client, localTable, template.Table)
	if err == nil {
		p.poller, err = local.NewPoller(ctx, template, handlers, newLocalStreams(endpoint), arn, options)
	}
	if err != nil && ctx.Err() == nil {
		p.log.Warn("the table's stream can't be read: the public pages show a change up to a minute late", "cause", err.Error())
	}
	return p, ctx.Err()
}

// populate gives the table what DATA says that the first run makes.
func (o serveOptions) populate(ctx context.Context, store localStore, port int, now int64) (greeting, error) {
	file := ""
	if o.keeps() {
		file = keyFile(o.dir, port)
	}
	return populate(ctx, store, o.apiKey, file, firstRecords{key: o.data != dataEmpty, demo: o.data == "" || o.data == dataDemo}, now)
}

// clearCommand is how one starts without the demo data.
func (o serveOptions) clearCommand() string {
	command := "make run DATA=none"
	if o.keeps() {
		command = "make run FRESH=1 DATA=none"
	}
	if o.port != defaultPort {
		command += " PORT=" + o.port
	}
	if o.dynamoDBEndpoint != "" {
		command = "aws dynamodb delete-table --table-name " + localTable + " --endpoint-url " + o.dynamoDBEndpoint
	}
	return command
}
