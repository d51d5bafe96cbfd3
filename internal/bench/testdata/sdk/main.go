// Sdk is hello with one read of DynamoDB in each request, as plainly as the SDK allows:
// what of a function's cost is the SDK's.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func main() {
	client := dynamodb.NewFromConfig(aws.Config{
		Region: os.Getenv("AWS_REGION"), BaseEndpoint: aws.String(os.Getenv("DYNAMODB_ENDPOINT")),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY")}, nil
		}),
	})
	lambda.Start(func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		out, err := client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: aws.String(os.Getenv("TABLE_NAME")),
			Key: map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: "INCIDENT#4"}, "sk": &types.AttributeValueMemberS{Value: "META"},
			},
		})
		if err != nil {
			return events.APIGatewayV2HTTPResponse{}, err
		}
		title, _ := out.Item["title"].(*types.AttributeValueMemberS)
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: title.Value}, nil
	})
}
