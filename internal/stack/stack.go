// Package stack reads what CloudFormation knows of a deployed stack. No function links it.
package stack

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go"
)

// A Stack is a deployed stack.
type Stack struct {
	Name, Region string
	Status       string // CloudFormation's word, for instance UPDATE_COMPLETE
	Reason       string // of the status; "": none is given
	Outputs      map[string]string
	Parameters   map[string]string
}

// Read reads the stack with the name.
func Read(ctx context.Context, client *cloudformation.Client, name string) (Stack, error) {
	region := client.Options().Region
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if refused, ok := errors.AsType[smithy.APIError](err); ok && refused.ErrorCode() == "ValidationError" && strings.Contains(refused.ErrorMessage(), "does not exist") {
		return Stack{}, fmt.Errorf("there is no stack %s in %s: samconfig.toml has the names of the stacks that make deploy made, and --region chooses another region", name, region)
	}
	if err != nil {
		return Stack{}, fmt.Errorf("reading the stack %s: %w", name, err)
	}
	if len(out.Stacks) != 1 {
		return Stack{}, fmt.Errorf("reading the stack %s: %d stacks have this name", name, len(out.Stacks))
	}
	found := out.Stacks[0]
	s := Stack{
		Name: name, Region: region, Status: string(found.StackStatus), Reason: aws.ToString(found.StackStatusReason),
		Outputs: map[string]string{}, Parameters: map[string]string{},
	}
	for _, o := range found.Outputs {
		s.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	for _, p := range found.Parameters {
		s.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	return s, nil
}
