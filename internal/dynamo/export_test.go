package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// MaxRowsRead is how many rows a page of a list may cost.
const MaxRowsRead = maxRowsRead

// LoadRow writes an item with nothing but its key under a monitor.
func (s *Store) LoadRow(ctx context.Context, monitorID int64, sk string) error {
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: s.table, Item: key{monitorPK(monitorID), sk}.attributes()})
	return err
}
