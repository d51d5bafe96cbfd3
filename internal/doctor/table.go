package doctor

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// What the findings of this file are about.
const (
	aboutTable      = "table"
	aboutSchema     = "schema version"
	aboutTTL        = "time to live"
	aboutRecovery   = "point-in-time recovery"
	aboutProtection = "deletion protection"
	aboutStream     = "stream"
	aboutMapping    = "event source mapping"
)

// ttlAttribute is that of template.yaml.
const ttlAttribute = "expires"

// tableState tells whether the table is there.
func (s target) tableState(out *dynamodb.DescribeTableOutput, err error) Finding {
	name := s.Outputs["TableName"]
	switch {
	case isCode(err, "ResourceNotFoundException"):
		return missing(aboutTable, "docs/recovery.md says how to get it back", "there is no table %s", name)
	case err != nil:
		return notSeen(aboutTable, err)
	case out.Table.TableStatus == types.TableStatusActive:
		return ok(aboutTable, "%s is there", name)
	case out.Table.TableStatus == types.TableStatusUpdating:
		return warn(aboutTable, "wait until it is ACTIVE", "%s is UPDATING", name)
	}
	return missing(aboutTable, "wait until it is ACTIVE; docs/recovery.md says what else there is", "%s is %s", name, out.Table.TableStatus)
}

// schema tells whether this program reads the table as it is meant.
func schema(err error) Finding {
	if _, called := errors.AsType[*smithy.OperationError](err); called {
		return notSeen(aboutSchema, err)
	}
	if err != nil {
		return missing(aboutSchema, "", "%s", err)
	}
	return ok(aboutSchema, "that of this program")
}

// prepare is the command that turns on what a table of ours has.
func (s target) prepare() string {
	return "tocsin table prepare --table " + s.Outputs["TableName"] + s.at
}

func (s target) timeToLive(out *dynamodb.DescribeTimeToLiveOutput, err error) Finding {
	if err != nil {
		return notSeen(aboutTTL, err)
	}
	if ttl := out.TimeToLiveDescription; ttl != nil && aws.ToString(ttl.AttributeName) == ttlAttribute &&
		(ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabled || ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabling) {
		return ok(aboutTTL, "on")
	}
	return missing(aboutTTL, s.prepare(), "off, so old minutes are never removed")
}

func (s target) recovery(out *dynamodb.DescribeContinuousBackupsOutput, err error) Finding {
	if err != nil {
		return notSeen(aboutRecovery, err)
	}
	if b := out.ContinuousBackupsDescription; b != nil && b.PointInTimeRecoveryDescription != nil &&
		b.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled {
		return ok(aboutRecovery, "on")
	}
	return missing(aboutRecovery, s.prepare(), "off, so a damaged table can't be restored")
}

func (s target) protection(table *types.TableDescription) Finding {
	if aws.ToBool(table.DeletionProtectionEnabled) {
		return ok(aboutProtection, "on")
	}
	return missing(aboutProtection, s.prepare(), "off, so the table can be deleted by one call")
}

func (s target) stream(table *types.TableDescription) Finding {
	spec := table.StreamSpecification
	if spec == nil || !aws.ToBool(spec.StreamEnabled) {
		return missing(aboutStream, s.prepare(), "off, so the pages show a change up to a minute late")
	}
	if spec.StreamViewType != types.StreamViewTypeNewAndOldImages {
		off := "aws dynamodb update-table --table-name " + s.Outputs["TableName"] + " --stream-specification StreamEnabled=false" + s.at
		return missing(aboutStream, off+", and then "+s.prepare(), "on with %s, not with %s", spec.StreamViewType, types.StreamViewTypeNewAndOldImages)
	}
	return ok(aboutStream, "on, with new and old images")
}

// mapping tells whether the table's stream wakes the publisher.
func (s target) mapping(table *types.TableDescription, out *lambda.ListEventSourceMappingsOutput, err error) Finding {
	stream := aws.ToString(table.LatestStreamArn)
	connect := "set ExistingTableName=" + s.Outputs["TableName"] + " ExistingTableStreamArn=" + stream + " in samconfig.toml, then make deploy"
	if stream == "" {
		connect = s.prepare() + ", which shows the ExistingTableStreamArn to set in samconfig.toml, then make deploy"
	}
	switch {
	case s.Parameters["ExistingTableName"] != "" && s.Parameters["ExistingTableStreamArn"] == "":
		return warn(aboutMapping, connect, "none, as ExistingTableStreamArn is empty: the pages show a change up to a minute late")
	case err != nil:
		return notSeen(aboutMapping, err)
	case len(out.EventSourceMappings) == 0:
		return missing(aboutMapping, connect, "none, so the pages show a change up to a minute late")
	}
	for _, m := range out.EventSourceMappings {
		if aws.ToString(m.EventSourceArn) == stream {
			return s.reads(m)
		}
	}
	return missing(aboutMapping, connect, "it reads %s, which is not the stream that the table has now", aws.ToString(out.EventSourceMappings[0].EventSourceArn))
}

// reads tells whether a mapping of the right stream is on.
func (s target) reads(m lambdatypes.EventSourceMappingConfiguration) Finding {
	state, result := aws.ToString(m.State), aws.ToString(m.LastProcessingResult)
	switch {
	case state == "Creating" || state == "Enabling" || state == "Updating":
		return warn(aboutMapping, "wait until it is Enabled", "it is %s", state)
	case state != "Enabled":
		return missing(aboutMapping, "aws lambda update-event-source-mapping --uuid "+aws.ToString(m.UUID)+" --enabled"+s.at, "it is %s, so the pages show a change up to a minute late", state)
	case strings.HasPrefix(result, "PROBLEM"):
		return warn(aboutMapping, s.why("publisher"), "on, its last result is %s", result)
	case result == "":
		return ok(aboutMapping, "on")
	}
	return ok(aboutMapping, "on, its last result is %s", result)
}
