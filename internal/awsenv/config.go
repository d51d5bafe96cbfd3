package awsenv

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// config is made by hand: the SDK's own loader looks for profiles, files and
// metadata services that a Lambda function never has, and costs a cold start more
// memory and time than the whole of this package.
func config(getenv func(string) string, client aws.HTTPClient) aws.Config {
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

func endpoint(getenv func(string) string) string {
	for _, name := range []string{"DYNAMODB_ENDPOINT", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"} {
		if url := getenv(name); url != "" {
			return url
		}
	}
	return ""
}
