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
// relies on: keys, indexes, the attribute that holds the time to live, and what keeps
// its records safe.
type TableDefinition struct {
	Attributes          map[string]string // the key attributes: name → type, S, N or B
	PartitionKey        string
	SortKey             string // "" for none
	Local               []IndexDefinition
	Global              []IndexDefinition
	TTLAttribute        string // "" for none
	StreamView          string // what the records of the stream have of an item, for instance NEW_AND_OLD_IMAGES; "" for no stream
	PointInTimeRecovery bool
	DeletionProtection  bool
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
// developer's machine, without what keeps records safe; on AWS the stack makes the table.
// The stream is left to EnableStream: records are written and read without one.
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
	if d.TTLAttribute != "" {
		if _, err := enableTTL(ctx, client, name, d.TTLAttribute); err != nil {
			return fmt.Errorf("time to live of table %s: %w", name, err)
		}
	}
	return nil
}

// PreparePoll is how long Prepare waits between two looks at a table that is not ready,
// when nobody says otherwise.
const PreparePoll = 5 * time.Second

// Prepare gives a table that DynamoDB has restored what a restore leaves out of the
// definition: time to live, point-in-time recovery, stream and deletion protection. It waits
// until the table can be used, and looks at it again every poll, until ctx ends. It changes
// nothing that is as it should be, so it can be repeated. A table with other keys or indexes is
// refused before anything is changed. say gets a line for each thing, and one with the stream's ARN.
func Prepare(ctx context.Context, client *dynamodb.Client, name string, d TableDefinition, poll time.Duration, say func(line string)) error {
	table, err := waitRestored(ctx, client, name, poll, say)
	if err != nil {
		return fmt.Errorf("looking at table %s: %w", name, err)
	}
	if diff := d.differences(table); len(diff) > 0 {
		return fmt.Errorf("table %s has other keys or indexes than the template (%s): it is not a restored one of this service", name, strings.Join(diff, "; "))
	}
	stream := ""
	for _, setting := range []struct {
		name   string
		wanted bool
		set    func() (changed bool, err error)
	}{
		{"time to live", d.TTLAttribute != "", func() (bool, error) { return enableTTL(ctx, client, name, d.TTLAttribute) }},
		{"point-in-time recovery", d.PointInTimeRecovery, func() (bool, error) { return enableRecovery(ctx, client, name, poll) }},
		{"stream", d.StreamView != "", func() (changed bool, err error) {
			stream, changed, err = enableStream(ctx, client, table, d.StreamView, poll)
			return changed, err
		}},
		{"deletion protection", d.DeletionProtection, func() (bool, error) { return enableProtection(ctx, client, table, poll) }},
	} {
		if !setting.wanted {
			continue
		}
		changed, err := setting.set()
		if err != nil {
			return fmt.Errorf("%s of table %s: %w", setting.name, name, err)
		}
		if changed {
			say(setting.name + ": turned on")
		} else {
			say(setting.name + ": on already")
		}
	}
	if stream != "" {
		say("the parameter ExistingTableStreamArn is " + stream)
	}
	return nil
}

// EnableStream gives a table of an engine on a developer's machine its stream, if it hasn't one,
// and returns the stream's ARN. An engine that knows no streams makes it fail; the table can be
// used all the same.
func EnableStream(ctx context.Context, client *dynamodb.Client, name string, d TableDefinition) (arn string, err error) {
	ctx, cancel := context.WithTimeout(ctx, tableActiveLimit)
	defer cancel()
	table, err := waitActive(ctx, client, name)
	if err == nil {
		arn, _, err = enableStream(ctx, client, table, d.StreamView, tableActivePoll)
	}
	if err != nil {
		return "", fmt.Errorf("stream of table %s: %w", name, err)
	}
	return arn, nil
}

func enableStream(ctx context.Context, client *dynamodb.Client, table *types.TableDescription, view string, poll time.Duration) (arn string, changed bool, err error) {
	if !hasStream(table) {
		table, err = updateTable(ctx, client, &dynamodb.UpdateTableInput{
			TableName:           table.TableName,
			StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(view)},
		}, poll)
		if err != nil {
			return "", false, err
		}
		if !hasStream(table) {
			return "", false, errors.New("the engine turned it on, and the table has none")
		}
		changed = true
	}
	if has := string(table.StreamSpecification.StreamViewType); has != view {
		return "", changed, fmt.Errorf("it has %s, not %s, which can't be changed: turn it off first", has, view)
	}
	return aws.ToString(table.LatestStreamArn), changed, nil
}

// hasStream reports whether the table has a stream that is on: one that was turned off keeps its ARN.
func hasStream(t *types.TableDescription) bool {
	return t != nil && t.StreamSpecification != nil && aws.ToBool(t.StreamSpecification.StreamEnabled) && aws.ToString(t.LatestStreamArn) != ""
}

// Create makes an empty table, billed by request, and prepares it. It goes on with a table
// of that name that is there already.
func Create(ctx context.Context, client *dynamodb.Client, name string, d TableDefinition, poll time.Duration, say func(line string)) error {
	_, err := client.CreateTable(ctx, d.createInput(name))
	if _, there := errors.AsType[*types.ResourceInUseException](err); err != nil && !there {
		return fmt.Errorf("creating table %s: %w", name, err)
	}
	return Prepare(ctx, client, name, d, poll, say)
}

// waitRestored waits for a table that is still being made.
func waitRestored(ctx context.Context, client *dynamodb.Client, name string, poll time.Duration, say func(string)) (*types.TableDescription, error) {
	for said := false; ; {
		out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(name)})
		if err != nil {
			return nil, err
		}
		if active(out.Table) {
			return out.Table, nil
		}
		if !said {
			said = true
			say("waiting for the table, which is " + string(out.Table.TableStatus))
		}
		if err := pause(ctx, poll); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// enableRecovery tries again while DynamoDB is still turning on the backups of a new table.
func enableRecovery(ctx context.Context, client *dynamodb.Client, name string, poll time.Duration) (changed bool, err error) {
	out, err := client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: aws.String(name)})
	if err != nil {
		return false, err
	}
	if b := out.ContinuousBackupsDescription; b != nil && b.PointInTimeRecoveryDescription != nil &&
		b.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled {
		return false, nil
	}
	for {
		_, err = client.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
			TableName:                        aws.String(name),
			PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
		})
		if _, early := errors.AsType[*types.ContinuousBackupsUnavailableException](err); !early {
			return err == nil, err
		}
		if err := pause(ctx, poll); err != nil {
			return false, err
		}
	}
}

func enableProtection(ctx context.Context, client *dynamodb.Client, table *types.TableDescription, poll time.Duration) (changed bool, err error) {
	if aws.ToBool(table.DeletionProtectionEnabled) {
		return false, nil
	}
	_, err = updateTable(ctx, client, &dynamodb.UpdateTableInput{TableName: table.TableName, DeletionProtectionEnabled: aws.Bool(true)}, poll)
	return err == nil, err
}

// updateTable tries again while DynamoDB is still changing the table.
func updateTable(ctx context.Context, client *dynamodb.Client, in *dynamodb.UpdateTableInput, poll time.Duration) (*types.TableDescription, error) {
	for {
		out, err := client.UpdateTable(ctx, in)
		if err == nil {
			return out.TableDescription, nil
		}
		if _, busy := errors.AsType[*types.ResourceInUseException](err); !busy {
			return nil, err
		}
		if err := pause(ctx, poll); err != nil {
			return nil, err
		}
	}
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
		if err := pause(ctx, tableActivePoll); err != nil {
			return nil, err
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

func enableTTL(ctx context.Context, client *dynamodb.Client, name, attribute string) (changed bool, err error) {
	out, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: aws.String(name)})
	if err != nil {
		return false, err
	}
	if ttl := out.TimeToLiveDescription; ttl != nil && aws.ToString(ttl.AttributeName) == attribute &&
		(ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabled || ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabling) {
		return false, nil
	}
	_, err = client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: aws.String(name),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String(attribute),
			Enabled:       aws.Bool(true),
		},
	})
	return err == nil, err
}
