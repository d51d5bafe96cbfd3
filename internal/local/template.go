package local

import (
	"fmt"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/dynamo/dump"
)

// Template is what the SAM template says about the parts that run locally.
type Template struct {
	Functions []Function // in the template's order
	Table     dump.TableDefinition
	CORS      *CORS // of the HTTP API; nil: none
}

// Function is a Lambda function of the template.
type Function struct {
	ID          string // logical id in the template
	Name        string // last element of CodeUri
	Timeout     time.Duration
	MemoryMB    int
	Environment map[string]string
	Routes      []Route         // its HttpApi events
	Schedules   []time.Duration // its schedules: how often each starts it
	Streams     []Stream        // its event source mappings: what of the table's stream it is called with
	Rules       []Pattern       // its rules of EventBridge: which events it is called with
}

// Route is a method and path of the HTTP API.
type Route struct {
	Method string // upper case; ANY for all
	Path   string // with {name} and {name+} as in the template; $default for what no other route matches
}

const (
	anyMethod    = "ANY"
	defaultRoute = "$default"
)

// TemplateOptions stands in for what the stack would give the template on AWS.
type TemplateOptions struct {
	Parameters map[string]string // override the parameters' defaults
	TableName  string            // what a reference to the table gives
	Region     string            // what AWS::Region gives
}

// What AWS takes when the template says nothing.
const (
	defaultTimeout  = 3 * time.Second
	defaultMemoryMB = 128
)

// Limits of Lambda.
const (
	maxTimeout  = 15 * time.Minute
	minMemoryMB = 128
	maxMemoryMB = 10240
)

// ReadTemplate reads the SAM template. What it reads it must understand: anything
// else there is an error that names the place, because a stand-in that overlooks
// what AWS does not is worse than none. What has no meaning locally (policies,
// logs, alarms) it does not look at.
func ReadTemplate(file string, o TemplateOptions) (*Template, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the template: %w", err)
	}
	t, err := parseTemplate(text, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}

func parseTemplate(text []byte, o TemplateOptions) (*Template, error) {
	root, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	r := newResolver(root, o)
	r.checkParameters() // before they are used, to say what is wrong where it is
	t := &Template{}
	globals := r.root.get("Globals").get("Function")
	checkGlobalAPI(r.root.get("Globals").get("HttpApi"))
	apiID := ""
	var mappings []value
	for _, resource := range r.root.get("Resources").fields() {
		if strings.ContainsFunc(resource.name, notAlphanumeric) || resource.name == "" {
			resource.fail("a logical id must be letters and digits")
		}
		if r.excluded(resource) {
			continue
		}
		properties := resource.get("Properties")
		switch resource.get("Type").text() {
		case "AWS::Serverless::Function":
			t.Functions = append(t.Functions, readFunction(resource, globals))
		case "AWS::Serverless::HttpApi":
			if apiID != "" {
				resource.fail("a second HTTP API can't be served locally")
			}
			apiID = resource.name
			checkAPI(properties)
			t.CORS = readCORS(properties.get("CorsConfiguration"))
		case "AWS::DynamoDB::Table":
			t.Table = readTable(properties)
		case "AWS::Lambda::EventSourceMapping":
			mappings = append(mappings, resource)
		}
	}
	for _, mapping := range mappings { // a function may stand after its mapping
		t.readMapping(mapping)
		if t.Table.StreamView == "" {
			mapping.fail("the table has no stream")
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	if r.tableID == "" {
		return nil, fmt.Errorf("the template has no AWS::DynamoDB::Table")
	}
	return t, nil
}

func notAlphanumeric(c rune) bool {
	return !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z')
}

func readFunction(resource, globals value) Function {
	properties := resource.get("Properties")
	f := Function{
		ID:          resource.name,
		Timeout:     defaultTimeout,
		MemoryMB:    defaultMemoryMB,
		Environment: map[string]string{},
	}
	for _, from := range []value{globals, properties} { // the function's own word comes last
		if v := from.get("CodeUri"); v.exists() {
			f.Name = path.Base(v.text())
		}
		if v := from.get("Timeout"); v.exists() {
			f.Timeout = time.Duration(v.number(1, int(maxTimeout/time.Second))) * time.Second
		}
		if v := from.get("MemorySize"); v.exists() {
			f.MemoryMB = v.number(minMemoryMB, maxMemoryMB)
		}
		for _, v := range from.get("Environment").get("Variables").fields() {
			f.Environment[v.name] = v.text()
		}
	}
	if f.Name == "" || f.Name == "." || f.Name == "/" {
		properties.fail("CodeUri must name the function's folder")
	}
	for _, event := range properties.get("Events").fields() {
		f.addEvent(event)
	}
	return f
}

func (f *Function) addEvent(event value) {
	switch kind := event.get("Type").text(); kind {
	case "HttpApi":
		f.Routes = append(f.Routes, readRoute(event.get("Properties")))
	case "ScheduleV2":
		if every, on := readSchedule(event.get("Properties")); on {
			f.Schedules = append(f.Schedules, every)
		}
	case "EventBridgeRule":
		f.Rules = append(f.Rules, readRule(event.get("Properties")))
	default:
		event.fail("an event of type %s can't be served locally", kind)
	}
}

// rates are the units of a schedule's rate; the singular goes with 1 and no other.
var rates = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

// readSchedule returns how often a schedule is due, and whether it is on. Of the ways
// to say how often, only rate(…) is understood.
func readSchedule(properties value) (every time.Duration, on bool) {
	properties.allow("ScheduleExpression", "Description", "Name", "OmitName", "State", "RetryPolicy", "DeadLetterConfig")
	on = true
	if state := properties.get("State"); state.exists() {
		switch state.text() {
		case "ENABLED":
		case "DISABLED":
			on = false
		default:
			state.fail("must be ENABLED or DISABLED, not %q", state.text())
		}
	}
	expression := properties.get("ScheduleExpression")
	text := expression.text()
	rate, ok := strings.CutPrefix(text, "rate(")
	rate, closed := strings.CutSuffix(rate, ")")
	count, unit, spaced := strings.Cut(rate, " ")
	n, err := strconv.Atoi(count)
	if n != 1 {
		var plural bool
		unit, plural = strings.CutSuffix(unit, "s")
		ok = ok && plural
	}
	if !ok || !closed || !spaced || err != nil || n < 1 || n > maxRate || rates[unit] == 0 {
		expression.fail("only rate(1 minute) and the like can be run locally, not %q", text)
		return 0, false
	}
	return time.Duration(n) * rates[unit], on
}

// maxRate keeps a rate within what a time.Duration holds.
const maxRate = 10_000

// routeMethods are the methods that a route of an HTTP API can have.
var routeMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, anyMethod,
}

func readRoute(properties value) Route {
	properties.allow("ApiId", "Path", "Method", "RouteSettings", "PayloadFormatVersion", "TimeoutInMillis")
	if v := properties.get("PayloadFormatVersion"); v.exists() && v.text() != "2.0" {
		v.fail("only payload format 2.0 can be served locally")
	}
	if v := properties.get("TimeoutInMillis"); v.exists() && v.text() != strconv.FormatInt(gatewayTimeout.Milliseconds(), 10) {
		v.fail("only the gateway's own timeout of %s can be served locally", gatewayTimeout)
	}
	r := Route{Method: anyMethod, Path: defaultRoute}
	if v := properties.get("Path"); v.exists() {
		r.Path = v.text()
	}
	if v := properties.get("Method"); v.exists() {
		if r.Method = strings.ToUpper(v.text()); r.Method == "X-AMAZON-APIGATEWAY-ANY-METHOD" {
			r.Method = anyMethod
		}
		if !slices.Contains(routeMethods, r.Method) {
			v.fail("must be one of %s, not %q", strings.Join(routeMethods, ", "), v.text())
		}
	}
	if r.Path == defaultRoute {
		r.Method = anyMethod // the default route has no method
	} else if err := checkPath(r.Path); err != nil {
		properties.get("Path").fail("%s", err)
	}
	return r
}

func checkPath(p string) error {
	if !strings.HasPrefix(p, "/") {
		return fmt.Errorf("a path must begin with a slash: %s", p)
	}
	segments := strings.Split(p[1:], "/")
	for i, s := range segments {
		name, variable := variableName(s)
		switch {
		case !variable && strings.ContainsAny(s, "{}"):
			return fmt.Errorf("a variable must be a whole segment: %s", p)
		case variable && strings.Trim(name, "+") == "":
			return fmt.Errorf("a variable must have a name: %s", p)
		case variable && strings.HasSuffix(name, "+") && i != len(segments)-1:
			return fmt.Errorf("a greedy variable must be the last segment: %s", p)
		}
	}
	return nil
}

// variableName returns the name in a segment like {id} or {proxy+}, the plus sign
// included.
func variableName(segment string) (name string, ok bool) {
	name, ok = strings.CutPrefix(segment, "{")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, "}")
}

// checkAPI refuses what would make the gateway on AWS answer differently from ours.
func checkAPI(properties value) {
	for _, unknown := range []string{"DefinitionBody", "DefinitionUri"} {
		if v := properties.get(unknown); v.exists() {
			v.fail("can't be served locally")
		}
	}
	// Without authorizers Auth changes nothing, which a template may say.
	for _, v := range properties.get("Auth").fields() {
		if v.name != "EnableIamAuthorizer" || v.text() != "false" {
			v.fail("can't be served locally")
		}
	}
	if v := properties.get("StageName"); v.exists() && v.text() != "$default" {
		v.fail("only the stage $default can be served locally")
	}
}

// checkGlobalAPI is checkAPI for what holds for all HTTP APIs.
func checkGlobalAPI(properties value) {
	checkAPI(properties)
	if v := properties.get("CorsConfiguration"); v.exists() {
		v.fail("must stand at the HTTP API itself to be served locally")
	}
}

// streamView is the only kind of stream that is read locally: records with an item as it was and
// as it is.
const streamView = "NEW_AND_OLD_IMAGES"

func readTable(properties value) dump.TableDefinition {
	if v := properties.get("BillingMode"); v.text() != "PAY_PER_REQUEST" {
		properties.fail("BillingMode must be PAY_PER_REQUEST")
	}
	d := dump.TableDefinition{Attributes: map[string]string{}}
	for _, a := range properties.get("AttributeDefinitions").items() {
		d.Attributes[a.get("AttributeName").text()] = a.get("AttributeType").text()
	}
	d.PartitionKey, d.SortKey = readKeys(properties)
	for _, i := range properties.get("LocalSecondaryIndexes").items() {
		d.Local = append(d.Local, readIndex(i))
	}
	for _, i := range properties.get("GlobalSecondaryIndexes").items() {
		d.Global = append(d.Global, readIndex(i))
	}
	if ttl := properties.get("TimeToLiveSpecification"); ttl.exists() && ttl.get("Enabled").text() == "true" {
		d.TTLAttribute = ttl.get("AttributeName").text()
	}
	if v := properties.get("StreamSpecification"); v.exists() {
		v.allow("StreamViewType")
		if d.StreamView = v.get("StreamViewType").text(); d.StreamView != streamView {
			v.fail("only a stream of %s can be read locally", streamView)
		}
	}
	if v := properties.get("PointInTimeRecoverySpecification"); v.exists() {
		d.PointInTimeRecovery = v.get("PointInTimeRecoveryEnabled").text() == "true"
	}
	if v := properties.get("DeletionProtectionEnabled"); v.exists() {
		d.DeletionProtection = v.text() == "true"
	}
	return d
}

func readKeys(v value) (partition, sort string) {
	schema := v.get("KeySchema")
	for _, k := range schema.items() {
		name := k.get("AttributeName").text()
		switch kind := k.get("KeyType").text(); kind {
		case "HASH":
			partition = name
		case "RANGE":
			sort = name
		default:
			k.fail("unknown KeyType %s", kind)
		}
	}
	if partition == "" {
		v.fail("KeySchema must name a HASH key")
	}
	return partition, sort
}

func readIndex(v value) dump.IndexDefinition {
	i := dump.IndexDefinition{Name: v.get("IndexName").text()}
	i.PartitionKey, i.SortKey = readKeys(v)
	projection := v.get("Projection").get("ProjectionType")
	if i.Projection = projection.text(); !slices.Contains([]string{"ALL", "KEYS_ONLY"}, i.Projection) {
		v.fail("only the projections ALL and KEYS_ONLY can be made locally")
	}
	return i
}
