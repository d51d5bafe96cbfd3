package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"tocsin/internal/awsclient"
	"tocsin/internal/bucket"
	"tocsin/internal/ddb"
	"tocsin/internal/doctor"
	"tocsin/internal/dynamo"
	"tocsin/internal/stack"
)

const doctorHelp = `Look whether a stack on AWS (--stack, with your own AWS credentials) or the tocsin serve
on this machine (--local) is as it should be: the table, the files of the public pages,
certificates and domains, and what the addresses answer. Nothing is changed.

It prints a line for each thing:

  ok       it is as it should be
  warn     it works, but you should know; also when you may not look at it
  missing  it is not as it should be

with what to do about it. The exit status is 1 when something is missing.`

// answerTimeout is how long the doctor waits for an answer over HTTP.
const answerTimeout = 15 * time.Second

func newDoctorCommand(c console) *cobra.Command {
	s := &stackFlags{}
	l := &localFlags{}
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "doctor",
		Short:   "Look whether a stack is as it should be, and say what to do",
		Long:    doctorHelp,
		Example: "  tocsin doctor --stack tocsin-prod\n  tocsin doctor --local --port 8080",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if l.local == (s.stack != "") {
				return errors.New("say what to look at: either --stack NAME or --local")
			}
			found := []doctor.Finding{}
			say := func(f doctor.Finding) {
				found = append(found, f)
				if !asJSON {
					fmt.Fprintln(c.stdout, printable(f.String()))
				}
			}
			if err := examine(cmd.Context(), s, l, c, say); err != nil {
				return err
			}
			if asJSON {
				out := json.NewEncoder(c.stdout)
				out.SetIndent("", "  ")
				if err := out.Encode(found); err != nil {
					return err
				}
			}
			for _, f := range found {
				if f.Level == doctor.Missing {
					return exitStatus(1)
				}
			}
			return nil
		},
	}
	s.add(cmd)
	l.add(cmd, c, "the tocsin serve on this machine")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array of all findings")
	return cmd
}

func examine(ctx context.Context, s *stackFlags, l *localFlags, c console, say func(doctor.Finding)) error {
	client := &http.Client{
		Timeout:       answerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if l.local {
		t := &tableFlags{localFlags: *l}
		store, err := t.open(ctx)
		if err != nil {
			return err
		}
		doctor.Local(ctx, "http://"+net.JoinHostPort("127.0.0.1", l.port), store.ReadSchema, client, say)
		return nil
	}
	cfg, found, err := s.read(ctx)
	if err != nil {
		return err
	}
	s.doctor(cfg, found, client, c).Run(ctx, say)
	return context.Cause(ctx)
}

// doctor returns a doctor for the stack.
func (s *stackFlags) doctor(cfg aws.Config, found stack.Stack, client *http.Client, c console) *doctor.Doctor {
	table := ddb.NewClient(cfg, "", (&tableFlags{}).options()...)
	files := bucket.NewClient(cfg, awsclient.Endpoint(c.getenv, "S3"))
	return &doctor.Doctor{
		Stack: found, Profile: s.profile, Now: time.Now(),
		Table:        table,
		Schema:       dynamo.New(table, found.Outputs["TableName"]).ReadSchema,
		Functions:    lambda.NewFromConfig(cfg),
		Bucket:       files,
		Files:        bucket.New(files, found.Outputs["SiteBucketName"]),
		Certificates: acm.NewFromConfig(cfg),
		HTTP:         client,
		DNS:          net.DefaultResolver,
	}
}
