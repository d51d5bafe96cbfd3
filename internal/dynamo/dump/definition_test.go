package dump

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
)

// restored stands for a table that a restore is making. The engines of the tests know no
// point-in-time recovery; make test-deploy has the same command on an emulator that does.
type restored struct {
	there     bool   // whether it can't be made
	looks     int    // how often it is still being made
	early     int    // how often its backups are not ready
	sortKey   string // what it has
	ttl       string
	recovery  string
	stream    string // the view of its stream, "" for none
	updating  int    // how often it is still being changed when its stream is on
	protected bool
	did       []string // the calls that change something, with their bodies
}

func (r *restored) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_, call, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	body, _ := io.ReadAll(req.Body)
	if strings.HasPrefix(call, "Update") || call == "CreateTable" {
		r.did = append(r.did, call+" "+canonical(body))
	}
	switch call {
	case "CreateTable":
		if r.there {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceInUseException","message":"Table already exists: t"}`)
			return
		}
		io.WriteString(w, `{}`)
	case "DescribeTable":
		status := "ACTIVE"
		if r.looks > 0 {
			r.looks--
			status = "CREATING"
		}
		fmt.Fprintf(w, `{"Table":{"TableName":"t","TableStatus":%q,"DeletionProtectionEnabled":%t,%[4]s`+
			`"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":%[3]q,"AttributeType":"S"}],`+
			`"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":%[3]q,"KeyType":"RANGE"}]}}`, status, r.protected, r.sortKey, r.streamFields())
	case "UpdateTable":
		if r.stream != "" && r.updating > 0 {
			r.updating--
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceInUseException","message":"Table is being updated: t"}`)
			return
		}
		if strings.Contains(string(body), "NEW_AND_OLD_IMAGES") {
			r.stream = "NEW_AND_OLD_IMAGES"
		}
		fmt.Fprintf(w, `{"TableDescription":{%s"TableName":"t"}}`, r.streamFields())
	case "DescribeTimeToLive":
		fmt.Fprintf(w, `{"TimeToLiveDescription":{"TimeToLiveStatus":%q,"AttributeName":"expires"}}`, r.ttl)
	case "DescribeContinuousBackups":
		fmt.Fprintf(w, `{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":%q}}}`, r.recovery)
	case "UpdateContinuousBackups":
		if r.early > 0 {
			r.early--
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ContinuousBackupsUnavailableException","message":"Backups are being enabled"}`)
			return
		}
		io.WriteString(w, `{}`)
	default:
		io.WriteString(w, `{}`)
	}
}

// streamFields is what a description of the table says of its stream.
func (r *restored) streamFields() string {
	if r.stream == "" {
		return ""
	}
	return `"LatestStreamArn":"arn:the-stream","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"` + r.stream + `"},`
}

// canonical is a JSON text with its fields in order.
func canonical(body []byte) string {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err.Error()
	}
	text, _ := json.Marshal(v)
	return string(text)
}

func clientOf(server *httptest.Server) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func TestCreate(t *testing.T) {
	d := TableDefinition{Attributes: map[string]string{"pk": "S", "sk": "S"}, PartitionKey: "pk", SortKey: "sk", DeletionProtection: true}
	want := []string{
		`CreateTable {"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST",` +
			`"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"TableName":"t"}`,
		`UpdateTable {"DeletionProtectionEnabled":true,"TableName":"t"}`,
	}
	for _, there := range []bool{false, true} {
		table := restored{there: there, looks: 1, sortKey: "sk"}
		server := httptest.NewServer(&table)
		defer server.Close()
		if err := Create(t.Context(), clientOf(server), "t", d, time.Millisecond, func(string) {}); err != nil {
			t.Errorf("there %t: %v", there, err)
		}
		if diff := cmp.Diff(want, table.did); diff != "" {
			t.Errorf("there %t: changes (-want +got):\n%s", there, diff)
		}
	}
}

func TestPrepare(t *testing.T) {
	const (
		ttl        = `UpdateTimeToLive {"TableName":"t","TimeToLiveSpecification":{"AttributeName":"expires","Enabled":true}}`
		recovery   = `UpdateContinuousBackups {"PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true},"TableName":"t"}`
		stream     = `UpdateTable {"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"},"TableName":"t"}`
		protection = `UpdateTable {"DeletionProtectionEnabled":true,"TableName":"t"}`
	)
	d := TableDefinition{
		Attributes: map[string]string{"pk": "S", "sk": "S"}, PartitionKey: "pk", SortKey: "sk",
		TTLAttribute: "expires", StreamView: "NEW_AND_OLD_IMAGES", PointInTimeRecovery: true, DeletionProtection: true,
	}
	plain := d
	plain.TTLAttribute, plain.StreamView, plain.PointInTimeRecovery, plain.DeletionProtection = "", "", false, false
	bare := restored{sortKey: "sk", ttl: "DISABLED", recovery: "DISABLED"}
	whole := restored{sortKey: "sk", ttl: "ENABLED", recovery: "ENABLED", stream: "NEW_AND_OLD_IMAGES", protected: true}
	slow := bare
	slow.looks, slow.early, slow.updating = 2, 2, 2
	other := bare
	other.sortKey = "other"
	keys := whole
	keys.stream = "KEYS_ONLY"
	const arn = "the parameter ExistingTableStreamArn is arn:the-stream"
	turnedOn := []string{"time to live: turned on", "point-in-time recovery: turned on", "stream: turned on", "deletion protection: turned on", arn}
	tests := []struct {
		name    string
		table   restored
		d       TableDefinition
		did     []string
		said    []string
		wantErr string
	}{
		{"restored", bare, d, []string{ttl, recovery, stream, protection}, turnedOn, ""},
		{"again", whole, d, nil, []string{"time to live: on already", "point-in-time recovery: on already", "stream: on already", "deletion protection: on already", arn}, ""},
		{"while it is restored", slow, d, []string{ttl, recovery, recovery, recovery, stream, protection, protection, protection}, append([]string{"waiting for the table, which is CREATING"}, turnedOn...), ""},
		{"nothing wanted", bare, plain, nil, nil, ""},
		{"another stream", keys, d, nil, []string{"time to live: on already", "point-in-time recovery: on already"}, "stream of table t: it has KEYS_ONLY, not NEW_AND_OLD_IMAGES, which can't be changed: turn it off first"},
		{"another table", other, d, nil, nil, "table t has other keys or indexes than the template (table has pk(S) other(S), not pk(S) sk(S)): it is not a restored one of this service"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table := tt.table
			server := httptest.NewServer(&table)
			defer server.Close()
			var said []string
			err := Prepare(t.Context(), clientOf(server), "t", tt.d, time.Millisecond, func(line string) { said = append(said, line) })
			if got := fmt.Sprint(err); got != tt.wantErr && (err != nil || tt.wantErr != "") {
				t.Errorf("error %v, want %q", err, tt.wantErr)
			}
			if diff := cmp.Diff(tt.did, table.did); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.said, said); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}
