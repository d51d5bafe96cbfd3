package function

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"tocsin/internal/lambdajob"
	"tocsin/internal/local"
)

// operations is what these tests look at of template.yaml.
type operations struct {
	Parameters map[string]any `yaml:"Parameters"`
	Resources  map[string]struct {
		Type       string    `yaml:"Type"`
		Properties yaml.Node `yaml:"Properties"`
	} `yaml:"Resources"`
}

func readOperations(t *testing.T) (operations, string) {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var o operations
	if err := yaml.Load(text, &o); err != nil {
		t.Fatal(err)
	}
	return o, string(text)
}

// property returns the node at the path of mappings and, by "0", first elements.
func property(n *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		if name == "0" {
			n = n.Content[0]
			continue
		}
		i := slices.IndexFunc(n.Content, func(c *yaml.Node) bool { return c.Value == name })
		if i < 0 {
			return &yaml.Node{}
		}
		n = n.Content[i+1]
	}
	return n
}

// CloudWatch bills each custom metric by the month.
func TestCustomMetrics(t *testing.T) {
	o, _ := readOperations(t)
	names := map[string]bool{}
	for _, name := range lambdajob.CustomMetrics() {
		names[name] = true
	}
	for _, r := range o.Resources {
		if r.Type == "AWS::Logs::MetricFilter" {
			names[property(&r.Properties, "MetricTransformations", "0", "MetricName").Value] = true
		}
	}
	if len(names) != 7 || names[""] {
		t.Errorf("custom metrics %v, want 7, and never more than 10", names)
	}
}

// Every alarm says in its description where to read what to do.
func TestAlarmDescriptions(t *testing.T) {
	o, _ := readOperations(t)
	alarms := 0
	for id, r := range o.Resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		alarms++
		if d := property(&r.Properties, "AlarmDescription").Value; !strings.Contains(d, "(docs/operate.md, "+id+")") || len(d) > 1024 {
			t.Errorf("%s: description %q", id, d)
		}
	}
	if alarms != 12 {
		t.Errorf("%d alarms, want 12, one of them for gradual deployments only", alarms)
	}
}

// The dashboard is JSON, with no more metrics than are free, whether or not the stack
// has alarms and metrics of its own.
func TestDashboard(t *testing.T) {
	o, _ := readOperations(t)
	r := o.Resources["ServiceDashboard"]
	sub := property(&r.Properties, "DashboardBody")
	widget := func(name string) string {
		made := property(sub.Content[1], name).Content[1] // of If: the condition, what there is then, and else
		if made.Kind == yaml.SequenceNode {
			made = made.Content[0]
		}
		return made.Value
	}
	for _, tt := range []struct {
		alarms, closer string
		widgets        int
	}{
		{widget("AlarmWidget"), widget("CloserWidget"), 14},
		{"", widget("CloserWidget"), 13},
		{widget("AlarmWidget"), "", 13},
		{"", "", 12},
	} {
		body := strings.NewReplacer("${AlarmWidget}", tt.alarms, "${CloserWidget}", tt.closer).Replace(property(sub, "0").Value)
		var d struct {
			Widgets []struct {
				Properties struct{ Metrics, Alarms []any }
			}
		}
		if err := json.Unmarshal([]byte(strings.ReplaceAll(body, "${More}", "")), &d); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, w := range d.Widgets {
			n += len(w.Properties.Metrics)
			if len(w.Properties.Metrics)+len(w.Properties.Alarms) == 0 {
				t.Error("a widget shows nothing")
			}
		}
		if len(d.Widgets) != tt.widgets || n < 40 || n > 50 {
			t.Errorf("%d widgets with %d metrics, want %d with at most 50", len(d.Widgets), n, tt.widgets)
		}
	}
}

// A parameter that a function behind the API gets is in the description of its
// version: else a new value would not reach the alias. So is how much Lambda itself logs.
func TestVersionDescription(t *testing.T) {
	o, text := readOperations(t)
	globals := text[strings.Index(text, "\nGlobals:"):strings.Index(text, "\nResources:")]
	for name := range o.Parameters {
		if name == "Architecture" || name == "DynamoDBEndpoint" || name == "SiteDir" {
			continue // another architecture is another binary; the others are for this machine
		}
		// By name, or by the condition that says all that the function takes from it.
		by := map[string]string{
			"AllowedOrigins": "WithCors", "Tracing": "Traced", "ExistingTableName": "ExistingTableName", "ApiDocs": "WithoutDocs", "OriginHeaderName": "WithOrigin",
			"SystemLogLevel": "SystemLogs",
			"SiteUrl":        "WithSiteUrl", "PageDomainName": "WithPageDomain",
			"OriginSecretSHA256": "OriginHeaderName", // which a new secret needs a new one of
		}[name]
		for _, id := range []string{"IncidentsFunction", "CommentsFunction", "MonitorsFunction", "EdgeFunction", "PageFunction"} {
			r := o.Resources[id]
			var own []byte
			for _, of := range []string{"Environment", "LoggingConfig"} {
				text, err := yaml.Marshal(property(&r.Properties, of))
				if err != nil {
					t.Fatal(err)
				}
				own = append(own, text...)
			}
			// A variable that the function does not get, though all others do.
			without := globals
			for _, variable := range regexp.MustCompile(`(\w+): !Ref AWS::NoValue`).FindAllStringSubmatch(string(own), -1) {
				without = regexp.MustCompile(`\n +`+variable[1]+`: .*`).ReplaceAllString(without, "")
			}
			if !regexp.MustCompile(`(!Ref |\$\{)` + name + `\b`).MatchString(without + string(own)) {
				continue
			}
			d, err := yaml.Marshal(property(&r.Properties, "VersionDescription"))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(d), "${"+name+"}") && (by == "" || !strings.Contains(string(d), by)) {
				t.Errorf("%s: the version's description lacks %s: %s", id, name, d)
			}
		}
	}
}

// Lambda takes 256 characters of a version's description.
func TestLongestVersionDescription(t *testing.T) {
	o, _ := readOperations(t)
	parameters, err := yaml.Marshal(o.Parameters)
	if err != nil {
		t.Fatal(err)
	}
	var limits map[string]struct {
		AllowedPattern string   `yaml:"AllowedPattern"`
		AllowedValues  []string `yaml:"AllowedValues"`
		MaxLength      int      `yaml:"MaxLength"`
		MaxValue       int      `yaml:"MaxValue"`
	}
	if err := yaml.Unmarshal(parameters, &limits); err != nil {
		t.Fatal(err)
	}
	// The most characters of a parameter's value, the last number of its pattern if nothing else says it.
	most := func(name string) int {
		p := limits[name]
		if name == "OriginHeaderName" || name == "ExistingTableName" { // what the stack makes has no longer name
			digits := regexp.MustCompile(`\{\d+,(\d+)\}`).FindStringSubmatch(p.AllowedPattern)
			if digits == nil {
				t.Fatalf("%s has no limit: %s", name, p.AllowedPattern)
			}
			n, _ := strconv.Atoi(digits[1])
			return n
		}
		n := p.MaxLength
		if p.MaxValue > 0 {
			n = len(strconv.Itoa(p.MaxValue))
		}
		for _, v := range p.AllowedValues {
			n = max(n, len(v))
		}
		if n == 0 {
			t.Fatalf("%s has no limit", name)
		}
		return n
	}
	found := 0
	for id, r := range o.Resources {
		d := property(&r.Properties, "VersionDescription")
		if r.Type != "AWS::Serverless::Function" || d.Kind != yaml.SequenceNode {
			continue
		}
		found++
		variables, longest := d.Content[1], 0
		rest := regexp.MustCompile(`\$\{\w+\}`).ReplaceAllStringFunc(d.Content[0].Value, func(v string) string {
			name := strings.Trim(v, "${}")
			switch of := property(variables, name); {
			case of.Kind == 0:
				longest += most(name)
			case name == "Name":
				longest += most("ExistingTableName")
			case name == "Site":
				longest += max(most("SiteUrl"), len("https://")+most("PageDomainName"))
			case name == "Origin":
				longest += most("OriginHeaderName")
			default: // a letter or nothing
				longest += len(of.Content[1].Value)
			}
			return ""
		})
		if longest += len(rest); longest > 256 {
			t.Errorf("%s: the version's description can have %d characters", id, longest)
		}
	}
	if found != 5 {
		t.Errorf("%d functions with a description of their version", found)
	}
}

// The access log has no value that a client chooses: nothing escapes them there.
func TestAccessLogIsTheGatewaysOwn(t *testing.T) {
	o, _ := readOperations(t)
	r := o.Resources["HttpApi"]
	settings := property(&r.Properties, "AccessLogSettings")
	format := property(settings.Content[1], "Format").Value
	var fields map[string]string
	if err := json.Unmarshal([]byte(format), &fields); err != nil {
		t.Fatalf("a line is no JSON: %v: %s", err, format)
	}
	// What the gateway counts, measures and names itself. The route is the template's text, and the
	// error of an integration AWS Lambda's.
	safe := []string{
		"requestId", "requestTime", "identity.sourceIp", "routeKey", "status", "responseLength", "responseLatency",
		"integrationLatency", "integration.integrationStatus", "error.responseType", "integrationErrorMessage",
	}
	used := 0
	for name, value := range fields {
		variable, ok := strings.CutPrefix(value, "$context.")
		if !ok || !slices.Contains(safe, variable) {
			t.Errorf("%s: %s is none of %v", name, value, safe)
		}
		used++
	}
	if used != len(safe) || strings.Count(format, "$") != used {
		t.Errorf("%d fields, want %d: %s", used, len(safe), format)
	}
}

// Each route of what other tools send has limits of its own, far above the API's: the gateway turns
// away with 429, which some tools take for the end.
func TestThrottlingOfHooks(t *testing.T) {
	o, _ := readOperations(t)
	api, inbound := o.Resources["HttpApi"], o.Resources["InboundFunction"]
	routes := 0
	events := property(&inbound.Properties, "Events")
	for i := 1; i < len(events.Content); i += 2 {
		event := events.Content[i]
		if property(event, "Type").Value != "HttpApi" || strings.HasPrefix(property(event, "Properties", "Path").Value, "/api/") {
			continue // what a client with an API key calls has the API's limits
		}
		routes++
		key := property(event, "Properties", "Method").Value + " " + property(event, "Properties", "Path").Value
		if rate := property(&api.Properties, "RouteSettings", key, "ThrottlingRateLimit").Value; rate != "2000" {
			t.Errorf("%s: %q requests a second", key, rate)
		}
	}
	if routes < 6 || routes >= 40 {
		t.Errorf("%d routes", routes)
	}
}

// Every queue and every bucket refuses what does not come over TLS.
func TestQueuesAndBucketsTakeTLSAlone(t *testing.T) {
	o, _ := readOperations(t)
	closed := map[string]bool{}
	for _, r := range o.Resources {
		if r.Type != "AWS::SQS::QueuePolicy" && r.Type != "AWS::S3::BucketPolicy" {
			continue
		}
		var p struct {
			Queues         []string `yaml:"Queues"`
			Bucket         string   `yaml:"Bucket"`
			PolicyDocument struct {
				Statement []yaml.Node `yaml:"Statement"`
			} `yaml:"PolicyDocument"`
		}
		if err := r.Properties.Load(&p); err != nil {
			t.Fatal(err)
		}
		var s struct {
			Effect    string                       `yaml:"Effect"`
			Principal string                       `yaml:"Principal"`
			Action    string                       `yaml:"Action"`
			Resource  yaml.Node                    `yaml:"Resource"`
			Condition map[string]map[string]string `yaml:"Condition"`
		}
		if err := p.PolicyDocument.Statement[0].Load(&s); err != nil {
			t.Fatal(err)
		}
		denies := s.Effect == "Deny" && s.Principal == "*" && s.Condition["Bool"]["aws:SecureTransport"] == "false"
		for _, queue := range p.Queues {
			closed[queue] = denies && s.Action == "sqs:*" && slices.Equal(local.Scalars(&s.Resource), []string{queue + ".Arn"})
		}
		if p.Bucket != "" {
			closed[p.Bucket] = denies && s.Action == "s3:*" && slices.Equal(local.Scalars(&s.Resource), []string{p.Bucket + ".Arn", "${" + p.Bucket + ".Arn}/*"})
		}
	}
	for id, r := range o.Resources {
		switch r.Type {
		case "AWS::SQS::Queue", "AWS::S3::Bucket":
			if !closed[id] {
				t.Errorf("%s takes what is not encrypted on its way", id)
			}
		case "AWS::SNS::Topic":
			t.Errorf("%s: this test does not look at the policy of a %s", id, r.Type)
		}
	}
}
