// Package awsclient makes of a Lambda function's environment what it calls AWS with.
package awsclient

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Config returns the region and the credentials that Lambda sets. It is made by hand: the SDK's
// own loader looks for profiles, files and metadata services that a Lambda function never has,
// and costs a cold start more memory and time than the whole of this package.
func Config(getenv func(string) string, client aws.HTTPClient) aws.Config {
	return aws.Config{
		Region:     getenv("AWS_REGION"),
		HTTPClient: client,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken:    getenv("AWS_SESSION_TOKEN"),
			}, nil
		}),
	}
}

// Endpoint returns the address of a service, such as DYNAMODB, when the environment says one;
// "": AWS's own.
func Endpoint(getenv func(string) string, service string) string {
	for _, name := range []string{service + "_ENDPOINT", "AWS_ENDPOINT_URL_" + service, "AWS_ENDPOINT_URL"} {
		if url := getenv(name); url != "" {
			return url
		}
	}
	return ""
}
