package local

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamo/dump"
)

func TestReadTemplate(t *testing.T) {
	got, err := ReadTemplate("testdata/template.yaml", TemplateOptions{
		Parameters: map[string]string{"SiteUrl": "https://status.example.com"},
		TableName:  "things",
		Region:     "eu-central-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	environment := func(more ...string) map[string]string {
		env := map[string]string{
			"TABLE_NAME": "things",
			"SITE_URL":   "https://status.example.com",
			"LEVEL":      "INFO",
			"EITHER":     "yes",
			"BOTH":       "yes",
			"WHERE":      "eu-central-1/things/${Literal}",
			"LONG":       "INFO-prod",
			"NUMBER":     "007",
		}
		for i := 0; i < len(more); i += 2 {
			env[more[i]] = more[i+1]
		}
		return env
	}
	at := func(field string, p Pattern) Pattern { return Pattern{Fields: map[string]Pattern{field: p}} }
	want := &Template{
		Functions: []Function{
			{
				ID: "Items", Name: "items", Timeout: 10 * time.Second, MemoryMB: 256,
				Environment: environment("LEVEL", "WARN", "OWN", "true"),
				Routes:      []Route{{"GET", "/items/{id}"}, {"ANY", "/items/{id}"}},
			},
			{
				ID: "Edge", Name: "edge", Timeout: 25 * time.Second, MemoryMB: 128,
				Environment: environment(),
				Routes:      []Route{{"ANY", "/{proxy+}"}, {"ANY", "$default"}},
				Streams: []Stream{{
					ID: "EdgeStream", BatchSize: 50, Retries: 3, MaxAge: 10 * time.Minute,
					Filters: []Pattern{
						at("dynamodb", at("NewImage", at("pk", at("S", Pattern{Tests: []Test{{Equals: "A"}, {Prefix: new("B#")}}})))),
						at("dynamodb", Pattern{Fields: map[string]Pattern{
							"Keys":      at("pk", at("S", Pattern{Tests: []Test{{Exists: new(true)}}})),
							"SizeBytes": {Tests: []Test{{Numeric: []Comparison{{">", 1}, {"<=", 20}}}}},
						}}),
					},
				}},
			},
			{
				ID: "Closer", Name: "closer", Timeout: 25 * time.Second, MemoryMB: 128,
				Environment: environment(),
				Schedules:   []time.Duration{5 * time.Minute},
			},
		},
		Table: dump.TableDefinition{
			Attributes:   map[string]string{"pk": "S", "sk": "S", "l": "N", "g": "B"},
			PartitionKey: "pk",
			SortKey:      "sk",
			Local:        []dump.IndexDefinition{{Name: "lsi1", PartitionKey: "pk", SortKey: "l", Projection: "ALL"}},
			Global:       []dump.IndexDefinition{{Name: "gsi1", PartitionKey: "g", Projection: "KEYS_ONLY"}},
			TTLAttribute: "expires", StreamView: "NEW_AND_OLD_IMAGES", PointInTimeRecovery: true, DeletionProtection: true,
		},
		CORS: &CORS{
			Origins: []string{"https://status.example.com"}, Methods: []string{"GET"}, Headers: []string{"x-one"}, Expose: []string{"etag"}, MaxAge: new(60),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("template (-want +got):\n%s", diff)
	}
}

func TestReadTemplateOtherBranches(t *testing.T) {
	got, err := ReadTemplate("testdata/template.yaml", TemplateOptions{
		Parameters: map[string]string{"Stage": "test"},
		TableName:  "things",
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.CORS != nil {
		t.Errorf("CORS = %+v", got.CORS)
	}
	last := got.Functions[len(got.Functions)-1]
	if want := []Route{{"ANY", "$default"}}; last.ID != "Tester" || !cmp.Equal(last.Routes, want) {
		t.Errorf("last function = %+v, want Tester with %v", last, want)
	}
	if want := []Stream{{ID: "TesterStream", BatchSize: 100, Retries: -1}}; !cmp.Equal(last.Streams, want) {
		t.Errorf("its streams are %+v, want %+v", last.Streams, want)
	}
	env := got.Functions[1].Environment
	want := map[string]string{"LEVEL": "DEBUG", "EITHER": "yes", "BOTH": "no", "GONE": "there"}
	for name, value := range want {
		if env[name] != value {
			t.Errorf("%s = %q, want %q", name, env[name], value)
		}
	}
}

// TestReadTemplateRefuses breaks the good template in one place each.
func TestReadTemplateRefuses(t *testing.T) {
	good, err := os.ReadFile("testdata/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, new, want string }{
		{"unknown function", "TABLE_NAME: !Ref Table", "TABLE_NAME: !GetAtt Table.Arn", "Globals.Function.Environment.Variables.TABLE_NAME: Fn::GetAtt is not understood here"},
		{"long form", "TABLE_NAME: !Ref Table", "TABLE_NAME: {'Fn::ImportValue': x}", "Variables.TABLE_NAME: Fn::ImportValue is not understood here"},
		{"other resource", "TABLE_NAME: !Ref Table", "TABLE_NAME: !Ref Topic", "Variables.TABLE_NAME: a reference to Topic is not understood here"},
		{"attribute in Sub", "${Table}", "${Table.Arn}", "Variables.WHERE: a reference to Table.Arn is not understood here"},
		{"null", "NUMBER: 007", "NUMBER:", "Variables.NUMBER: must be a text or a number"},
		{"list", "NUMBER: 007", "NUMBER: [7]", "Variables.NUMBER: must be a text or a number"},
		{"no default", "AllowedPattern: '^[A-Z]+$', Default: INFO}", "AllowedPattern: x}", "the parameter Level has no default"},
		{"unknown condition", "!If [IsTest, there", "!If [IsNothing, there", `Variables.GONE: there is no condition "IsNothing"`},
		{"circular condition", "IsTest: !Not [!Condition IsProd]", "IsTest: !Not [!Condition IsTest]", "the condition IsTest depends on itself"},
		{"strange condition", "IsTest: !Not [!Condition IsProd]", "IsTest: !Equals [a]", "Conditions.IsTest: is not a condition that is understood here"},
		{"If without else", "!If [IsTest, there, !Ref AWS::NoValue]", "!If [IsTest, there]", "Variables.GONE: Fn::If takes a condition and two values"},
		{"timeout", "Timeout: 10", "Timeout: soon", `Resources.Items.Properties.Timeout: must be a whole number from 1 to 900, not "soon"`},
		{"long timeout", "Timeout: 10", "Timeout: 9223372036854775807", `Timeout: must be a whole number from 1 to 900, not "9223372036854775807"`},
		{"little memory", "MemorySize: 256", "MemorySize: 127", `MemorySize: must be a whole number from 128 to 10240, not "127"`},
		{"inline code", "CodeUri: functions/closer/", "InlineCode: x", "Resources.Closer.Properties: CodeUri must name the function's folder"},
		{"event type", "Type: ScheduleV2", "Type: SQS", "Resources.Closer.Properties.Events.Tick: an event of type SQS can't be served locally"},
		{"another kind of schedule", "rate(5 minutes)", "cron(0 * * * ? *)", `Resources.Closer.Properties.Events.Tick.Properties.ScheduleExpression: only rate(1 minute) and the like can be run locally, not "cron(0 * * * ? *)"`},
		{"plural of one", "rate(5 minutes)", "rate(1 minutes)", "only rate(1 minute) and the like"},
		{"singular of many", "rate(5 minutes)", "rate(5 minute)", "only rate(1 minute) and the like"},
		{"no rate", "rate(5 minutes)", "rate(0 minutes)", "only rate(1 minute) and the like"},
		{"seconds", "rate(5 minutes)", "rate(5 seconds)", "only rate(1 minute) and the like"},
		{"a rate without end", "rate(5 minutes)", "rate(5 minutes", "only rate(1 minute) and the like"},
		{"a long rate", "rate(5 minutes)", "rate(10001 days)", "only rate(1 minute) and the like"},
		{"no schedule", "ScheduleExpression: rate(5 minutes)", "Description: x", "ScheduleExpression"},
		{"schedule property", "ScheduleExpression: rate(5 minutes)", "GroupName: g", "Events.Tick.Properties.GroupName: is not understood here"},
		{"schedule state", "ScheduleExpression: rate(5 minutes)", "ScheduleExpression: rate(5 minutes), State: 'off'", `Events.Tick.Properties.State: must be ENABLED or DISABLED, not "off"`},
		{"event property", "Method: get}", "Method: get, Auth: {}}", "Events.Get.Properties.Auth: is not understood here"},
		{"payload format", "Method: get}", "Method: get, PayloadFormatVersion: '1.0'}", "only payload format 2.0"},
		{"gateway timeout", "Method: get}", "Method: get, TimeoutInMillis: 288230376151741744}", "only the gateway's own timeout of 30s"}, // 30 s in 64 bits
		{"method", "Method: get}", "Method: fetch}", `Method: must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, ANY, not "fetch"`},
		{"logical id", "  Items:\n", "  My-Items:\n", "Resources.My-Items: a logical id must be letters and digits"},
		{"empty logical id", "  Items:\n", "  '':\n", "Resources.: a logical id must be letters and digits"},
		{"partial variable", "'/items/{id}', Method: get", "'/items/x{id}', Method: get", "a variable must be a whole segment"},
		{"greedy in the middle", "'/{proxy+}'", "'/{proxy+}/x'", "a greedy variable must be the last segment"},
		{"stage", "StageName: $default", "StageName: v1", "only the stage $default"},
		{"body of the API", "StageName: $default", "DefinitionBody: {}", "Resources.Api.Properties.DefinitionBody: can't be served locally"},
		{"authorizers of the API", "StageName: $default", "Auth: {EnableIamAuthorizer: true}", "Resources.Api.Properties.Auth.EnableIamAuthorizer: can't be served locally"},
		{"second API", "Type: AWS::SNS::Topic", "Type: AWS::Serverless::HttpApi", "Resources.Topic: a second HTTP API can't be served locally"},
		{"CORS of all APIs", "Globals:", "Globals:\n  HttpApi: {CorsConfiguration: {AllowOrigins: ['*']}}", "Globals.HttpApi.CorsConfiguration: must stand at the HTTP API itself"},
		{"billing", "BillingMode: PAY_PER_REQUEST", "BillingMode: PROVISIONED", "BillingMode must be PAY_PER_REQUEST"},
		{"stream of keys", "NEW_AND_OLD_IMAGES", "KEYS_ONLY", "Resources.Table.Properties.StreamSpecification: only a stream of NEW_AND_OLD_IMAGES can be read locally"},
		{"stream property", "NEW_AND_OLD_IMAGES}", "NEW_AND_OLD_IMAGES, ResourcePolicy: {}}", "StreamSpecification.ResourcePolicy: is not understood here"},
		{"no stream", "      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}\n", "", "Resources.EdgeStream: the table has no stream"},
		{"function of a stream", "FunctionName: !Ref Edge", "FunctionName: !Ref Topic", "Resources.EdgeStream.Properties.FunctionName: must be !Ref and a function of the template"},
		{"function by name", "FunctionName: !Ref Edge", "FunctionName: edge", "EdgeStream.Properties.FunctionName: must be !Ref and a function of the template"},
		{"no function", "      FunctionName: !Ref Edge\n", "", "EdgeStream.Properties.FunctionName: must be !Ref and a function of the template"},
		{"another source", "{'Fn::GetAtt': [Table, StreamArn]}", "!GetAtt Queue.Arn", "EdgeStream.Properties.EventSourceArn: only the table's stream can be read locally"},
		{"position", "StartingPosition: LATEST", "StartingPosition: TRIM_HORIZON", "EdgeStream.Properties.StartingPosition: only LATEST can be done locally"},
		{"batch size", "BatchSize: 50", "BatchSize: 0", `EdgeStream.Properties.BatchSize: must be a whole number from 1 to 10000, not "0"`},
		{"retries", "MaximumRetryAttempts: 3", "MaximumRetryAttempts: -2", `MaximumRetryAttempts: must be a whole number from -1 to 10000, not "-2"`},
		{"mapping property", "BatchSize: 50", "ParallelizationFactor: 2", "EdgeStream.Properties.ParallelizationFactor: is not understood here"},
		{"filter property", "- Pattern: '{\"dynamodb\":{\"NewImage\"", "- Patterns: '{\"dynamodb\":{\"NewImage\"", "FilterCriteria.Filters[0].Patterns: is not understood here"},
		{"filter operator", `{"prefix":"B#"}`, `{"wildcard":"B#*"}`, "FilterCriteria.Filters[0].Pattern: the pattern dynamodb NewImage pk S: the operator wildcard is not understood here"},
		{"projection", "ProjectionType: KEYS_ONLY", "ProjectionType: INCLUDE", "only the projections ALL and KEYS_ONLY"},
		{"key type", "{AttributeName: sk, KeyType: RANGE}", "{AttributeName: sk, KeyType: LIST}", "unknown KeyType LIST"},
		{"no table", "Type: AWS::DynamoDB::Table", "Type: AWS::SNS::Topic", "a reference to Table is not understood here"},
		{"second table", "Type: AWS::SNS::Topic", "Type: AWS::DynamoDB::Table", "a second table can't be served locally"},
		{"a key twice", "Timeout: 10", "Timeout: 10\n      Timeout: 11", "line 38: Timeout stands there twice"},
		{"merged mapping", "Timeout: 10", "<<: {Timeout: 10}", "line 37: merging with << is not understood here"},
		{"not YAML", "Parameters:", "Parameters: ]", "did not find"},
		{"not a mapping", string(good), "just text", "must be a mapping"},
		{"empty", string(good), "", "no documents"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(string(good), test.old, test.new, 1)
			if text == string(good) {
				t.Fatalf("the template has no %q", test.old)
			}
			file := filepath.Join(t.TempDir(), "template.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := ReadTemplate(file, TemplateOptions{TableName: "things"})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one with %q", err, test.want)
			}
		})
	}
}

// What builds on itself is refused: read on, it would take for ever, or the stack.
func TestEndlessTemplates(t *testing.T) {
	variable := func(text string) string {
		return smallTemplate("Globals: {Function: {Environment: {Variables: {A: " + text + "}}}}")
	}
	doubled := func(first, next string) string {
		text := first
		for n := 1; n <= 60; n++ {
			text += strings.NewReplacer("NEW", strconv.Itoa(n), "OLD", strconv.Itoa(n-1)).Replace(next)
		}
		return text
	}
	substituted := "a"
	for range 60 {
		substituted = "!Sub ['${a}${a}', {a: " + substituted + "}]"
	}
	tests := []struct{ name, text, want string }{
		{"a parameter's default", "Parameters: {P: {Default: !Ref P}}\n" + variable("!Ref P"), "Parameters.P.Default: Ref is not understood here"},
		{"a parameter's default by a condition", "Parameters: {P: {Default: !If [C, a, b]}}\nConditions: {C: !Equals [!Ref P, a]}\n" + variable("!Ref P"), "the condition C depends on itself"},
		{"the choice of the conditions", "Conditions: !If [C, {C: !Equals [a, a]}, x]\n" + variable("!If [C, a, b]"), "Conditions: the condition C depends on itself"},
		{"the choice of the template", "!If [C, {Conditions: {C: !Equals [a, a]}}, x]", "the template: the condition C depends on itself"},
		{"a choice of itself", variable("&a !If [C, *a, b]") + "Conditions: {C: !Equals [a, a]}", "the template builds on itself too often"},
		{"a substitution of itself", variable("&a !Sub ['${a}', {a: *a}]"), "the template builds on itself too often"},
		{"doubled conditions", doubled("Conditions:\n  C0: !Equals [a, a]\n", "  CNEW: !And [!Condition COLD, !Condition COLD]\n") + variable("!If [C60, a, b]"), "the template builds on itself too often"},
		{"doubled aliases", doubled("Conditions:\n  C0: &c0 !Equals [a, a]\n", "  CNEW: &cNEW !And [*cOLD, *cOLD]\n") + variable("!If [C60, a, b]"), "the template builds on itself too often"},
		{"doubled substitutions", variable(substituted), "the template builds on itself too often"},
		{"a long substitution", "Parameters: {P: {Default: " + strings.Repeat("a", 10_000) + "}}\n" + variable("!Sub '"+strings.Repeat("${P}", 7)+"'"), "Fn::Sub gives more than 65536 bytes"},
	}
	for _, test := range tests {
		if _, err := parseTemplate([]byte(test.text), TemplateOptions{TableName: "things"}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error = %v, want one with %q", test.name, err, test.want)
		}
	}
}

func TestRates(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"rate(1 minute)": time.Minute, "rate(2 minutes)": 2 * time.Minute, "rate(1 hour)": time.Hour, "rate(36 hours)": 36 * time.Hour, "rate(1 day)": 24 * time.Hour,
	} {
		got, err := parseTemplate([]byte(smallTemplate("")+"  Ticker:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: x, Events: {Tick: {Type: ScheduleV2, Properties: {ScheduleExpression: "+text+"}}}}\n"), TemplateOptions{TableName: "things"})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if last := got.Functions[len(got.Functions)-1]; !slices.Equal(last.Schedules, []time.Duration{want}) {
			t.Errorf("%s: %v, want %s", text, last.Schedules, want)
		}
	}
}

func TestReadTemplateParameters(t *testing.T) {
	tests := []struct{ file, name, text, want string }{
		{"testdata/template.yaml", "SiteURL", "", "Parameters: there is no parameter SiteURL"},
		{"testdata/template.yaml", "Stage", "prod2", `Parameters.Stage: must be one of prod, test, not "prod2"`},
		{"testdata/template.yaml", "Level", "in fo", `Parameters.Level: must match ^[A-Z]+$, not "in fo"`},
		{"testdata/template.yaml", "SiteUrl", "status", `Parameters.SiteUrl: must be an address, not "status"`},
		{"testdata/template.yaml", "SiteUrl", "https://status.example.com", ""},
	}
	for _, test := range tests {
		_, err := ReadTemplate(test.file, TemplateOptions{Parameters: map[string]string{test.name: test.text}})
		if test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.file+": "+test.want) {
			t.Errorf("%s=%s: error = %v, want %s", test.name, test.text, err, test.want)
		}
	}
}

// TestReadOwnTemplate makes sure that the service's template is one that can be
// served.
func TestReadOwnTemplate(t *testing.T) {
	got, err := ReadTemplate("../../template.yaml", TemplateOptions{TableName: "tocsin", Region: "local"})
	if err != nil {
		t.Fatal(err)
	}
	routes := 0
	for _, f := range got.Functions {
		routes += len(f.Routes)
		want := map[string][]time.Duration{"minute": {time.Minute}, "publisher": {time.Minute}, "closer": {5 * time.Minute}}[f.Name]
		if !slices.Equal(f.Schedules, want) {
			t.Errorf("%s: schedules %v", f.ID, f.Schedules)
		}
		streams := 0
		if f.Name == "publisher" {
			streams = 1
		}
		if len(f.Streams) != streams {
			t.Errorf("%s: streams %+v", f.ID, f.Streams)
		}
		if f.Name == "closer" && (f.Environment["STALE_AFTER"] != "72h" || f.Environment["WARN_BEFORE"] != "24h") {
			t.Errorf("the closer's policy: %v", f.Environment)
		}
		if f.Environment["TABLE_NAME"] != "tocsin" {
			t.Errorf("%s: TABLE_NAME = %q", f.ID, f.Environment["TABLE_NAME"])
		}
	}
	if routes == 0 {
		t.Error("no routes")
	}
	off, err := ReadTemplate("../../template.yaml", TemplateOptions{TableName: "tocsin", Region: "local", Parameters: map[string]string{"CloserState": "DISABLED"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range off.Functions {
		if f.Name == "closer" && len(f.Schedules) > 0 {
			t.Errorf("the closer's schedule is on: %v", f.Schedules)
		}
	}
	if _, err := newRouter(got.Functions); err != nil {
		t.Error(err)
	}
}
