package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"tocsin/internal/awsclient"
	"tocsin/internal/bucket"
	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/lambdapublish"
	"tocsin/internal/publish"
)

const publishHelp = `Make the files of a stack's public pages, with your own AWS credentials: what
functions/publisher does each minute, once and until nothing is left to do.

With --all it looks at every file anew, and makes those that are not as they should be.
That is for files that somebody changed or deleted by hand, and for after a deployment that
changes what all pages look like: the stack's publisher would do so bit by bit.

The pages are as the stack's publisher makes them if this command is of the version that
is deployed. Of another version they may look different, and then the publisher makes
them once more.

The command may run while the publisher does: an older file never replaces a newer one.
Ctrl-C is safe: each file is put whole or not at all.

For tocsin serve there is nothing to do: it makes its pages itself.`

func newPublishCommand(c console) *cobra.Command {
	s := &stackFlags{}
	var all bool
	cmd := &cobra.Command{
		Use:     "publish --stack NAME",
		Short:   "Make the public pages of a stack",
		Long:    publishHelp,
		Example: "  tocsin publish --stack tocsin-prod\n  tocsin publish --stack tocsin-prod --all",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.stack == "" {
				return errors.New("say which stack: --stack NAME")
			}
			p, name, err := s.publisher(cmd.Context(), c)
			if err != nil {
				return err
			}
			return makePages(cmd.Context(), p, "bucket "+name, all, func() int64 { return time.Now().Unix() }, c)
		},
	}
	s.add(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "look at every file anew")
	return cmd
}

// publisher returns a publisher that does as the function in the stack, and the name of the
// bucket.
func (s *stackFlags) publisher(ctx context.Context, c console) (*publish.Publisher, string, error) {
	cfg, found, err := s.read(ctx)
	if err != nil {
		return nil, "", err
	}
	function := found.Outputs["PublisherFunctionName"]
	if function == "" {
		return nil, "", fmt.Errorf("the stack %s has no publisher: deploy a version that makes public pages", found.Name)
	}
	out, err := lambda.NewFromConfig(cfg).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	if err != nil {
		return nil, "", fmt.Errorf("reading how the function %s is configured: %w", function, err)
	}
	env := map[string]string{}
	if out.Environment != nil {
		env = out.Environment.Variables
	}
	table, name := env["TABLE_NAME"], env["SITE_BUCKET"]
	if table == "" || name == "" {
		return nil, "", fmt.Errorf("the function %s has no TABLE_NAME or no SITE_BUCKET: deploy the stack again", function)
	}
	store := dynamo.New(ddb.NewClient(cfg, "", (&tableFlags{}).options()...), table)
	files := bucket.New(bucket.NewClient(cfg, awsclient.Endpoint(c.getenv, "S3")), name)
	return lambdapublish.Publisher(func(name string) string { return env[name] }, store, files), name, store.ReadSchema(ctx)
}

// makePages makes the pages, which are at where, and says what became of it. now is the clock, in
// UTC seconds.
func makePages(ctx context.Context, p *publish.Publisher, where string, all bool, now func() int64, c console) error {
	files := &countingPort{Port: p.Port}
	p.Port = files
	var err error
	if all {
		progress := newProgress(c.stderr, "files looked at")
		files.looked = progress.at
		err = p.All(ctx, now)
		progress.end(files.got.Load())
	} else {
		for more := true; more && err == nil; {
			more, err = p.Run(ctx, now())
		}
	}
	fmt.Fprintf(c.stdout, "files put into the %s: %d\n", where, files.put.Load())
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("stopped before all was done: each file is whole, and the next run goes on")
	case err != nil:
		return fmt.Errorf("making the pages: %w", err)
	}
	return nil
}

// countingPort counts the files for readers. The mark of a publisher is none.
type countingPort struct {
	publish.Port

	looked   func(files int64) // nil: nobody asks
	seen     sync.Map          // the keys; a pass reads some files that an earlier one has read
	got, put atomic.Int64
}

// Get implements publish.Port.
func (f *countingPort) Get(ctx context.Context, key string) (publish.Object, string, error) {
	o, etag, err := f.Port.Get(ctx, key)
	if strings.HasPrefix(key, publish.Public) {
		if _, again := f.seen.LoadOrStore(key, true); !again && f.looked != nil {
			f.looked(f.got.Add(1))
		}
	}
	return o, etag, err
}

// Put implements publish.Port.
func (f *countingPort) Put(ctx context.Context, key string, o publish.Object, etag string) (string, error) {
	etag, err := f.Port.Put(ctx, key, o, etag)
	if err == nil && strings.HasPrefix(key, publish.Public) {
		f.put.Add(1)
	}
	return etag, err
}
