package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/spf13/cobra"

	"tocsin/internal/stack"
)

// awsFlags say as whom AWS is called, and where.
type awsFlags struct{ region, profile string }

// add adds the flags, which go with another one.
func (a *awsFlags) add(cmd *cobra.Command, with string) {
	f := cmd.PersistentFlags()
	f.StringVar(&a.region, "region", "", "with "+with+": the AWS region, if it isn't your usual one")
	f.StringVar(&a.profile, "profile", "", "with "+with+": the AWS profile, if it isn't your usual one")
}

func (a *awsFlags) config(ctx context.Context) (aws.Config, error) {
	var options []func(*config.LoadOptions) error
	if a.region != "" {
		options = append(options, config.WithRegion(a.region))
	}
	if a.profile != "" {
		options = append(options, config.WithSharedConfigProfile(a.profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("reading your AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, errors.New("no AWS region: name one with --region or set AWS_REGION")
	}
	return cfg, nil
}

// stackFlags say which stack is meant.
type stackFlags struct {
	awsFlags

	stack string
}

func (s *stackFlags) add(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&s.stack, "stack", "", "a stack on AWS, by its name, for instance tocsin-prod")
	s.awsFlags.add(cmd, "--stack")
}

// read returns what AWS is called with, and the stack.
func (s *stackFlags) read(ctx context.Context) (aws.Config, stack.Stack, error) {
	cfg, err := s.config(ctx)
	if err != nil {
		return aws.Config{}, stack.Stack{}, err
	}
	found, err := stack.Read(ctx, cloudformation.NewFromConfig(cfg), s.stack)
	return cfg, found, err
}
