package doctor

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"tocsin/internal/publish"
	"tocsin/internal/stack"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// ago is the time so long before now, in UTC seconds.
func ago(d time.Duration) int64 { return now.Add(-d).Unix() }

// example is a stack with these parameters.
func example(parameters map[string]string) target {
	return newTarget(stack.Stack{
		Name: "tocsin-prod", Region: "eu-central-1", Status: "UPDATE_COMPLETE", Parameters: parameters,
		Outputs: map[string]string{"TableName": "T", "SiteBucketName": "B", "PublisherFunctionName": "tocsin-prod-publisher"},
	}, "work")
}

// refused is how AWS refuses a call.
func refused(code, message string) error {
	return &smithy.OperationError{ServiceID: "Some", OperationName: "Call", Err: &smithy.GenericAPIError{Code: code, Message: message}}
}

var denied = refused("AccessDeniedException", "User: arn:aws:iam::1:user/me is not\n authorized")

const notAllowed = "could not look (AccessDeniedException: User: arn:aws:iam::1:user/me is not authorized)"

// findings compares lines of findings with what they have to be.
type findings []struct {
	got  Finding
	want string
}

func (all findings) check(t *testing.T) {
	t.Helper()
	for _, f := range all {
		if got := f.got.String(); got != f.want {
			t.Errorf("\n%s\nwant\n%s", got, f.want)
		}
	}
}

const (
	prepare = "tocsin table prepare --table T --region eu-central-1 --profile work"
	tail    = "aws logs tail /aws/lambda/tocsin-prod-publisher --since 1h --region eu-central-1 --profile work"
	remake  = tail + ", and tocsin publish --stack tocsin-prod --region eu-central-1 --profile work"
)

func TestState(t *testing.T) {
	in := func(status, reason string) Finding {
		s := example(nil)
		s.Status, s.Reason = status, reason
		return s.state()
	}
	const why = ". To do: aws cloudformation describe-stack-events --stack-name tocsin-prod --region eu-central-1 --profile work says why"
	findings{
		{in("CREATE_COMPLETE", ""), "ok       stack: tocsin-prod in eu-central-1 is CREATE_COMPLETE"},
		{in("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""), "ok       stack: tocsin-prod in eu-central-1 is UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"},
		{in("UPDATE_ROLLBACK_COMPLETE", "No right"), "warn     stack: tocsin-prod in eu-central-1 runs as before its last update, which failed: UPDATE_ROLLBACK_COMPLETE (No right)" + why},
		{in("UPDATE_IN_PROGRESS", ""), "warn     stack: tocsin-prod in eu-central-1 is UPDATE_IN_PROGRESS. To do: look again when it is done"},
		{in("DELETE_IN_PROGRESS", ""), "missing  stack: tocsin-prod in eu-central-1 is DELETE_IN_PROGRESS" + why},
		{in("ROLLBACK_IN_PROGRESS", ""), "missing  stack: tocsin-prod in eu-central-1 is ROLLBACK_IN_PROGRESS" + why},
		{in("UPDATE_ROLLBACK_FAILED", "Stuck"), "missing  stack: tocsin-prod in eu-central-1 is UPDATE_ROLLBACK_FAILED (Stuck)" + why},
	}.check(t)
}

func TestTable(t *testing.T) {
	s := example(nil)
	state := func(status types.TableStatus, err error) Finding {
		return s.tableState(&dynamodb.DescribeTableOutput{Table: &types.TableDescription{TableStatus: status}}, err)
	}
	ttl := func(attribute string, status types.TimeToLiveStatus, err error) Finding {
		return s.timeToLive(&dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: &types.TimeToLiveDescription{AttributeName: &attribute, TimeToLiveStatus: status}}, err)
	}
	recovery := func(status types.PointInTimeRecoveryStatus, err error) Finding {
		return s.recovery(&dynamodb.DescribeContinuousBackupsOutput{ContinuousBackupsDescription: &types.ContinuousBackupsDescription{
			PointInTimeRecoveryDescription: &types.PointInTimeRecoveryDescription{PointInTimeRecoveryStatus: status},
		}}, err)
	}
	stream := func(on bool, view types.StreamViewType) Finding {
		return s.stream(&types.TableDescription{StreamSpecification: &types.StreamSpecification{StreamEnabled: &on, StreamViewType: view}})
	}
	findings{
		{state(types.TableStatusActive, nil), "ok       table: T is there"},
		{state(types.TableStatusUpdating, nil), "warn     table: T is UPDATING. To do: wait until it is ACTIVE"},
		{state(types.TableStatusArchived, nil), "missing  table: T is ARCHIVED. To do: wait until it is ACTIVE; docs/recovery.md says what else there is"},
		{state("", refused("ResourceNotFoundException", "")), "missing  table: there is no table T. To do: docs/recovery.md says how to get it back"},
		{state("", denied), "warn     table: " + notAllowed},
		{schema(nil), "ok       schema version: that of this program"},
		{schema(fmt.Errorf("reading: %w", denied)), "warn     schema version: " + notAllowed},
		{schema(errors.New("the table has schema version 2")), "missing  schema version: the table has schema version 2"},
		{ttl("expires", types.TimeToLiveStatusEnabled, nil), "ok       time to live: on"},
		{ttl("expires", types.TimeToLiveStatusEnabling, nil), "ok       time to live: on"},
		{ttl("expires", types.TimeToLiveStatusDisabled, nil), "missing  time to live: off, so old minutes are never removed. To do: " + prepare},
		{ttl("other", types.TimeToLiveStatusEnabled, nil), "missing  time to live: off, so old minutes are never removed. To do: " + prepare},
		{ttl("", "", denied), "warn     time to live: " + notAllowed},
		{s.timeToLive(&dynamodb.DescribeTimeToLiveOutput{}, nil), "missing  time to live: off, so old minutes are never removed. To do: " + prepare},
		{recovery(types.PointInTimeRecoveryStatusEnabled, nil), "ok       point-in-time recovery: on"},
		{recovery(types.PointInTimeRecoveryStatusDisabled, nil), "missing  point-in-time recovery: off, so a damaged table can't be restored. To do: " + prepare},
		{recovery("", denied), "warn     point-in-time recovery: " + notAllowed},
		{s.protection(&types.TableDescription{DeletionProtectionEnabled: aws.Bool(true)}), "ok       deletion protection: on"},
		{s.protection(&types.TableDescription{}), "missing  deletion protection: off, so the table can be deleted by one call. To do: " + prepare},
		{stream(true, types.StreamViewTypeNewAndOldImages), "ok       stream: on, with new and old images"},
		{stream(false, types.StreamViewTypeNewAndOldImages), "missing  stream: off, so the pages show a change up to a minute late. To do: " + prepare},
		{s.stream(&types.TableDescription{}), "missing  stream: off, so the pages show a change up to a minute late. To do: " + prepare},
		{stream(true, types.StreamViewTypeKeysOnly), "missing  stream: on with KEYS_ONLY, not with NEW_AND_OLD_IMAGES. To do: aws dynamodb update-table --table-name T --stream-specification StreamEnabled=false --region eu-central-1 --profile work, and then " + prepare},
	}.check(t)
}

func TestMapping(t *testing.T) {
	table := &types.TableDescription{LatestStreamArn: aws.String("arn:new")}
	look := func(parameters map[string]string, err error, mappings ...lambdatypes.EventSourceMappingConfiguration) Finding {
		return example(parameters).mapping(table, &lambda.ListEventSourceMappingsOutput{EventSourceMappings: mappings}, err)
	}
	of := func(arn, state, result string) lambdatypes.EventSourceMappingConfiguration {
		return lambdatypes.EventSourceMappingConfiguration{EventSourceArn: &arn, State: &state, LastProcessingResult: &result, UUID: aws.String("id")}
	}
	const connect = ". To do: set ExistingTableName=T ExistingTableStreamArn=arn:new in samconfig.toml, then make deploy"
	const enable = ". To do: aws lambda update-event-source-mapping --uuid id --enabled --region eu-central-1 --profile work"
	findings{
		{look(nil, nil, of("arn:new", "Enabled", "No records processed")), "ok       event source mapping: on, its last result is No records processed"},
		{look(nil, nil, of("arn:new", "Enabled", "")), "ok       event source mapping: on"},
		{look(nil, nil, of("arn:old", "Disabled", ""), of("arn:new", "Enabled", "OK")), "ok       event source mapping: on, its last result is OK"},
		{look(nil, nil, of("arn:new", "Enabled", "PROBLEM: Function call failed")), "warn     event source mapping: on, its last result is PROBLEM: Function call failed. To do: " + tail},
		{look(nil, nil, of("arn:new", "Enabling", "")), "warn     event source mapping: it is Enabling. To do: wait until it is Enabled"},
		{look(nil, nil, of("arn:new", "Disabled", "")), "missing  event source mapping: it is Disabled, so the pages show a change up to a minute late" + enable},
		{look(nil, nil, of("arn:new", "Disabling", "")), "missing  event source mapping: it is Disabling, so the pages show a change up to a minute late" + enable},
		{look(nil, nil, of("arn:old", "Enabled", "OK")), "missing  event source mapping: it reads arn:old, which is not the stream that the table has now" + connect},
		{look(nil, nil), "missing  event source mapping: none, so the pages show a change up to a minute late" + connect},
		{look(map[string]string{"ExistingTableName": "T"}, denied), "warn     event source mapping: none, as ExistingTableStreamArn is empty: the pages show a change up to a minute late" + connect},
		{look(map[string]string{"ExistingTableName": "T", "ExistingTableStreamArn": "arn:new"}, denied), "warn     event source mapping: " + notAllowed},
		{
			example(nil).mapping(&types.TableDescription{}, &lambda.ListEventSourceMappingsOutput{}, nil),
			"missing  event source mapping: none, so the pages show a change up to a minute late. To do: " + prepare + ", which shows the ExistingTableStreamArn to set in samconfig.toml, then make deploy",
		},
	}.check(t)
}

func TestBucket(t *testing.T) {
	s := example(nil)
	blocked := func(policy bool, err error) Finding {
		yes := aws.Bool(true)
		return s.publicAccess(&s3.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{
			BlockPublicAcls: yes, IgnorePublicAcls: yes, RestrictPublicBuckets: yes, BlockPublicPolicy: &policy,
		}}, err)
	}
	versions := func(status s3types.BucketVersioningStatus, err error) Finding {
		return s.versioning(&s3.GetBucketVersioningOutput{Status: status}, err)
	}
	const block = ". To do: aws s3api put-public-access-block --bucket B --public-access-block-configuration " +
		"BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true --region eu-central-1 --profile work"
	const version = ". To do: aws s3api put-bucket-versioning --bucket B --versioning-configuration Status=Enabled --region eu-central-1 --profile work"
	findings{
		{s.bucket(nil), "ok       bucket: B is there"},
		{s.bucket(refused("NotFound", "")), "missing  bucket: there is no bucket B, so there are no pages. To do: aws s3 mb s3://B --region eu-central-1 --profile work, then what is said here, and the policy that template.yaml has"},
		{s.bucket(refused("Forbidden", "Forbidden")), "warn     bucket: could not look (Forbidden)"},
		{blocked(true, nil), "ok       public access: blocked: only CloudFront and the functions read the bucket"},
		{blocked(false, nil), "missing  public access: not blocked" + block},
		{s.publicAccess(nil, refused("NoSuchPublicAccessBlockConfiguration", "none")), "missing  public access: not blocked" + block},
		{blocked(true, denied), "warn     public access: " + notAllowed},
		{versions(s3types.BucketVersioningStatusEnabled, nil), "ok       versioning: on"},
		{versions(s3types.BucketVersioningStatusSuspended, nil), "missing  versioning: off, so a page that was damaged by hand can only be made again" + version},
		{versions("", denied), "warn     versioning: " + notAllowed},
	}.check(t)
}

func TestPublisher(t *testing.T) {
	s := example(nil)
	none := fmt.Errorf("reading: %w", publish.ErrNotFound)
	home := func(d time.Duration, err error) Finding { return s.home(now, publish.Object{Time: ago(d)}, err) }
	findings{
		{s.publisher(now, ago(40*time.Second), false, nil), "ok       publisher: nothing is left to do, its mark is 40 s old"},
		{s.publisher(now, ago(5*time.Minute), true, nil), "ok       publisher: many pages are to be made anew, the last part was 5 min ago"},
		{s.publisher(now, ago(301*time.Second), true, nil), "warn     publisher: many pages are to be made anew, and it has not gone on with them for 5 min. To do: " + remake},
		{s.publisher(now, 0, false, none), "missing  publisher: it has left no mark in the bucket: it has not run, or the mark was deleted. To do: " + remake},
		{s.publisher(now, 0, false, denied), "warn     publisher: " + notAllowed},
		{home(-time.Second, nil), "ok       home page: 0 s old"},
		{home(10*time.Minute, nil), "ok       home page: 10 min old"},
		{home(601*time.Second, nil), "missing  home page: 10 min old, although it is made again every five minutes: the publisher fails or does not run. To do: " + remake},
		{home(0, none), "missing  home page: there is none. To do: tocsin publish --stack tocsin-prod --region eu-central-1 --profile work"},
		{home(0, denied), "warn     home page: " + notAllowed},
	}.check(t)
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "0 s", 0: "0 s", 119 * time.Second: "119 s", 2 * time.Minute: "2 min", 119 * time.Minute: "119 min",
		2 * time.Hour: "2 h", 47 * time.Hour: "47 h", 48 * time.Hour: "2 days",
	} {
		if got := age(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}
