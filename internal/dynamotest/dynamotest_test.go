package dynamotest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/dynamotest"
)

// A table of more than one page is read whole, each item once.
func TestScanOfPages(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	client := tb.DynamoDB(nil)
	const items = 8
	for n := range items {
		it := itemOf(fmt.Sprintf("P#%d", n))
		it["text"] = &types.AttributeValueMemberS{Value: strings.Repeat("x", 300_000)}
		if _, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &tb.Name, Item: it}); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	all := tb.Items(t)
	for _, it := range all {
		seen[it["pk"]] = true
	}
	if len(all) != items || len(seen) != items {
		t.Errorf("%d items, %d different ones, want %d", len(all), len(seen), items)
	}
}
