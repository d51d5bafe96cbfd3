package dump

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TableDefinition is what of a table can't be changed later or that the service
// relies on: keys, indexes and the attribute that holds the time to live.
type TableDefinition struct {
	Attributes   map[string]string // the key attributes: name → type, S, N or B
	PartitionKey string
	SortKey      string // "" for none
	Local        []IndexDefinition
	Global       []IndexDefinition
	TTLAttribute string // "" for none
}

// IndexDefinition is a secondary index of a table.
type IndexDefinition struct {
	Name         string
	PartitionKey string
	SortKey      string // "" for none
	Projection   string // ALL or KEYS_ONLY
}

const (
	tableActiveLimit = time.Minute
	tableActivePoll  = 20 * time.Millisecond
)

// CreateTable makes the table when it is absent, billed by request, and returns
// when it can be used. A table of that name with other keys or indexes is an
// error: what is in it can't be read as the service's. It is for engines on a
// developer's machine; on AWS the stack makes the table.
func CreateTable(ctx context.Context, client *dynamodb.Client, name string, d TableDefinition) error {
	table, err := waitActive(ctx, client, name)
	if _, absent := errors.AsType[*types.ResourceNotFoundException](err); absent {
		_, err = client.CreateTable(ctx, d.createInput(name))
		if _, raced := errors.AsType[*types.ResourceInUseException](err); err != nil && !raced {
			return fmt.Errorf("creating table %s: %w", name, err)
		}
		table, err = waitActive(ctx, client, name)
	}
	if err != nil {
		return fmt.Errorf("waiting for table %s: %w", name, err)
	}
	if diff := d.differences(table); len(diff) > 0 {
		return fmt.Errorf("table %s exists with other keys or indexes (%s): use another table or delete this one", name, strings.Join(diff, "; "))
	}
	if err := enableTTL(ctx, client, name, d.TTLAttribute); err != nil {
		return fmt.Errorf("time to live of table %s: %w", name, err)
	}
	return nil
}

func (d TableDefinition) createInput(name string) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName:   aws.String(name),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keySchema(d.PartitionKey, d.SortKey),
	}
	for _, attribute := range slices.Sorted(maps.Keys(d.Attributes)) {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(attribute),
			AttributeType: types.ScalarAttributeType(d.Attributes[attribute]),
		})
	}
	for _, i := range d.Local {
		in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, types.LocalSecondaryIndex{
			IndexName: aws.String(i.Name), KeySchema: keySchema(i.PartitionKey, i.SortKey), Projection: i.projection(),
		})
	}
	for _, i := range d.Global {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(i.Name), KeySchema: keySchema(i.PartitionKey, i.SortKey), Projection: i.projection(),
		})
	}
	return in
}

func keySchema(partition, sort string) []types.KeySchemaElement {
	schema := []types.KeySchemaElement{{AttributeName: aws.String(partition), KeyType: types.KeyTypeHash}}
	if sort != "" {
		schema = append(schema, types.KeySchemaElement{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange})
	}
	return schema
}

func (i IndexDefinition) projection() *types.Projection {
	return &types.Projection{ProjectionType: types.ProjectionType(i.Projection)}
}

func waitActive(ctx context.Context, client *dynamodb.Client, name string) (*types.TableDescription, error) {
	ctx, cancel := context.WithTimeout(ctx, tableActiveLimit)
	defer cancel()
	for {
		out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(name)})
		if err != nil {
			return nil, err
		}
		if active(out.Table) {
			return out.Table, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(tableActivePoll):
		}
	}
}

func active(t *types.TableDescription) bool {
	for _, i := range t.GlobalSecondaryIndexes {
		if i.IndexStatus != types.IndexStatusActive {
			return false
		}
	}
	return t.TableStatus == types.TableStatusActive
}

// differences says in which points the table is not as defined.
func (d TableDefinition) differences(t *types.TableDescription) []string {
	have := map[string]string{"table": describeKeys(t.KeySchema, t.AttributeDefinitions)}
	for _, i := range t.LocalSecondaryIndexes {
		have["local index "+aws.ToString(i.IndexName)] = describeIndex(i.KeySchema, t.AttributeDefinitions, i.Projection)
	}
	for _, i := range t.GlobalSecondaryIndexes {
		have["global index "+aws.ToString(i.IndexName)] = describeIndex(i.KeySchema, t.AttributeDefinitions, i.Projection)
	}
	in := d.createInput("")
	want := map[string]string{"table": describeKeys(in.KeySchema, in.AttributeDefinitions)}
	for _, i := range in.LocalSecondaryIndexes {
		want["local index "+aws.ToString(i.IndexName)] = describeIndex(i.KeySchema, in.AttributeDefinitions, i.Projection)
	}
	for _, i := range in.GlobalSecondaryIndexes {
		want["global index "+aws.ToString(i.IndexName)] = describeIndex(i.KeySchema, in.AttributeDefinitions, i.Projection)
	}
	all := maps.Clone(have)
	maps.Copy(all, want)
	var diff []string
	for _, part := range slices.Sorted(maps.Keys(all)) {
		if have[part] != want[part] {
			diff = append(diff, fmt.Sprintf("%s has %s, not %s", part, orNothing(have[part]), orNothing(want[part])))
		}
	}
	return diff
}

func describeIndex(schema []types.KeySchemaElement, attributes []types.AttributeDefinition, p *types.Projection) string {
	projection := ""
	if p != nil {
		projection = string(p.ProjectionType)
	}
	return describeKeys(schema, attributes) + " " + projection
}

// describeKeys writes a key schema as pk(S) sk(S), the partition key first.
func describeKeys(schema []types.KeySchemaElement, attributes []types.AttributeDefinition) string {
	kinds := map[string]types.ScalarAttributeType{}
	for _, a := range attributes {
		kinds[aws.ToString(a.AttributeName)] = a.AttributeType
	}
	var partition, sort string
	for _, k := range schema {
		name := aws.ToString(k.AttributeName)
		text := fmt.Sprintf("%s(%s)", name, kinds[name])
		if k.KeyType == types.KeyTypeHash {
			partition = text
		} else {
			sort = " " + text
		}
	}
	return partition + sort
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

func enableTTL(ctx context.Context, client *dynamodb.Client, name, attribute string) error {
	if attribute == "" {
		return nil
	}
	out, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: aws.String(name)})
	if err != nil {
		return err
	}
	if ttl := out.TimeToLiveDescription; ttl != nil && aws.ToString(ttl.AttributeName) == attribute &&
		(ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabled || ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabling) {
		return nil
	}
	_, err = client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: aws.String(name),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String(attribute),
			Enabled:       aws.Bool(true),
		},
	})
	return err
}
