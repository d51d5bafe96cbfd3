package dynamo_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

func startOf(t int64) opt.Field[int64]     { return opt.Value(t) }
func textOf(text string) opt.Field[string] { return opt.Value(text) }

// listed returns the incidents of a query page by page, a limit of 0 being 100.
func listed(t testing.TB, s *dynamo.Store, q statuspage.IncidentQuery) []statuspage.Incident {
	t.Helper()
	if q.To == 0 {
		q.To = statuspage.MaxTimestamp
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	var all []statuspage.Incident
	for {
		n := 0
		next, err := s.Incidents(context.Background(), q, func(i statuspage.Incident) bool {
			if n == q.Limit {
				return false
			}
			n++
			all = append(all, i)
			return true
		})
		if err != nil {
			t.Fatalf("list incidents: %v", err)
		}
		if next == nil {
			return all
		}
		q.After = next
	}
}

// putItem writes an item of texts.
func putItem(t testing.TB, tb *dynamotest.Table, texts map[string]string) {
	t.Helper()
	it := map[string]types.AttributeValue{}
	for name, text := range texts {
		it[name] = &types.AttributeValueMemberS{Value: text}
	}
	if _, err := tb.DynamoDB(nil).PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &tb.Name, Item: it}); err != nil {
		t.Fatal(err)
	}
}
