package apitest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.yaml.in/yaml/v4"

	"tocsin/internal/local"
)

// An Action is what IAM has to allow for a call of DynamoDB.
type Action struct {
	Name  string // as in a policy, for instance dynamodb:Query
	Index string // the index it is for; "": the table
}

func (a Action) String() string {
	if a.Index == "" {
		return a.Name
	}
	return a.Name + " on " + a.Index
}

// A need is an action with what the conditions of a policy ask of it.
type need struct {
	Action
	keys       []string // dynamodb:LeadingKeys: the partition keys
	attributes []string // dynamodb:Attributes; nil: of a call that no such condition is about
}

func (n need) String() string { return n.Action.String() + " of " + strings.Join(n.keys, ", ") }

// A grant is a statement of a role about the table: its actions, on items whose partition
// keys are all like one of the patterns.
type grant struct {
	sid        string
	actions    []Action
	keys       []string // patterns, with * for any text
	attributes []string // that a call may name; nil: all
}

func (g grant) allows(n need) bool {
	all := func(texts []string, like func(text string) bool) bool {
		return !slices.ContainsFunc(texts, func(text string) bool { return !like(text) })
	}
	return slices.Contains(g.actions, n.Action) && len(n.keys) > 0 &&
		all(n.keys, func(key string) bool { return g.pattern(key) != "" }) &&
		(g.attributes == nil || n.attributes != nil && all(n.attributes, func(name string) bool { return slices.Contains(g.attributes, name) }))
}

// pattern returns the one that the key is like, "" for none.
func (g grant) pattern(key string) string {
	for _, p := range g.keys {
		prefix, open := strings.CutSuffix(p, "*")
		if open && strings.HasPrefix(key, prefix) || key == p {
			return p
		}
	}
	return ""
}

// Permissions are what the template's roles grant to each function, and what the
// functions have made use of. Every server of this package enforces them as IAM does, so
// that a test fails which needs one that is not granted.
//
// How IAM judges a transaction, or a batch, whose items have different partition keys is not
// written down. Here one statement must allow all items of the same action, which is right
// for every reading.
type Permissions struct {
	granted map[string][]grant // by the function's name

	mu   sync.Mutex
	used map[string]map[string]bool // what Unused names
}

// readPermissions reads the roles of the functions in the template.
func readPermissions(file string) (*Permissions, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var template struct {
		Resources map[string]struct {
			Type       string    `yaml:"Type"`
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	p := &Permissions{granted: map[string][]grant{}, used: map[string]map[string]bool{}}
	for id, resource := range template.Resources {
		if resource.Type != "AWS::Serverless::Function" {
			continue
		}
		var function struct {
			CodeUri string    `yaml:"CodeUri"`
			Role    yaml.Node `yaml:"Role"`
		}
		if err := resource.Properties.Decode(&function); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, id, err)
		}
		role, ok := strings.CutSuffix(function.Role.Value, ".Arn")
		if !ok || template.Resources[role].Type != "AWS::IAM::Role" {
			return nil, fmt.Errorf("%s: %s has no role of its own", file, id)
		}
		properties := template.Resources[role].Properties
		grants, err := tableGrants(&properties)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, role, err)
		}
		name := path.Base(function.CodeUri)
		p.granted[name], p.used[name] = grants, map[string]bool{}
	}
	return p, nil
}

// tableGrants returns what a role's policies allow of DynamoDB.
func tableGrants(role *yaml.Node) ([]grant, error) {
	var properties struct {
		Policies []struct {
			PolicyDocument struct {
				Statement []yaml.Node `yaml:"Statement"`
			} `yaml:"PolicyDocument"`
		} `yaml:"Policies"`
	}
	if err := role.Decode(&properties); err != nil {
		return nil, err
	}
	var grants []grant
	for _, policy := range properties.Policies {
		for _, node := range policy.PolicyDocument.Statement {
			g, err := tableGrant(&node)
			if err != nil {
				return nil, err
			}
			if len(g.actions) > 0 {
				grants = append(grants, g)
			}
		}
	}
	return grants, nil
}

// streamActions are what Lambda does with the rights of a function to call it with a stream's
// records. The function itself makes no use of them.
var streamActions = []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}

func isTableAction(text string) bool {
	return strings.HasPrefix(text, "dynamodb:") && !slices.Contains(streamActions, text)
}

// tableGrant returns what a statement allows of DynamoDB, without actions when that is
// nothing. It understands what the template has: whole names of actions, and the two
// conditions, of which that about the partition keys must be there.
func tableGrant(node *yaml.Node) (grant, error) {
	if !slices.ContainsFunc(local.Scalars(node), isTableAction) {
		return grant{}, nil
	}
	var s struct {
		Sid       string                          `yaml:"Sid"`
		Effect    string                          `yaml:"Effect"`
		Action    yaml.Node                       `yaml:"Action"`
		Resource  yaml.Node                       `yaml:"Resource"`
		Condition map[string]map[string]yaml.Node `yaml:"Condition"`
	}
	if err := node.Load(&s, yaml.WithKnownFields()); err != nil {
		return grant{}, err
	}
	if s.Effect != "Allow" {
		return grant{}, fmt.Errorf("%s: %q is not understood here, only Allow", s.Sid, s.Effect)
	}
	g := grant{sid: s.Sid}
	for operator, of := range s.Condition {
		for key, values := range of {
			switch operator + " " + key {
			case "ForAllValues:StringLike dynamodb:LeadingKeys":
				g.keys = local.Scalars(&values)
			case "ForAllValues:StringEquals dynamodb:Attributes":
				g.attributes = local.Scalars(&values)
			default:
				return grant{}, fmt.Errorf("%s: the condition %s %s is not understood here", s.Sid, operator, key)
			}
		}
	}
	if len(g.keys) == 0 {
		return grant{}, fmt.Errorf("%s: it is granted for every partition of the table", s.Sid)
	}
	for _, pattern := range g.keys {
		if strings.Contains(strings.TrimSuffix(pattern, "*"), "*") || strings.Contains(pattern, "?") || pattern == "*" {
			return grant{}, fmt.Errorf("%s: the pattern %s is not understood here", s.Sid, pattern)
		}
	}
	for _, name := range local.Scalars(&s.Action) {
		if !strings.HasPrefix(name, "dynamodb:") || strings.Contains(name, "*") {
			return grant{}, fmt.Errorf("%s: only whole names of actions of DynamoDB are understood here, not %s", s.Sid, name)
		}
		for _, resource := range resources(&s.Resource) {
			if strings.Contains(resource, "*") {
				return grant{}, fmt.Errorf("%s is granted on %s", name, resource)
			}
			_, index, _ := strings.Cut(resource, "/index/")
			index, _, _ = strings.Cut(index, " ")
			g.actions = append(g.actions, Action{name, index})
		}
	}
	return g, nil
}

// resources returns the text of each resource that a statement is for; of an intrinsic
// function the texts in it, parted by blanks.
func resources(n *yaml.Node) []string {
	each := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode && !strings.HasPrefix(n.Tag, "!If") && !strings.HasPrefix(n.Tag, "!Sub") {
		each = n.Content
	}
	var out []string
	for _, r := range each {
		out = append(out, strings.Join(local.Scalars(r), " "))
	}
	return out
}

// Unused returns the parts of what is granted to the function of which no use was made so
// far: actions, patterns of partition keys, attributes.
func (p *Permissions) Unused(function string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var unused []string
	for _, g := range p.granted[function] {
		for _, part := range g.parts(g.actions, g.keys, g.attributes) {
			if !p.used[function][part] {
				unused = append(unused, part)
			}
		}
	}
	return unused
}

// parts names parts of the grant.
func (g grant) parts(actions []Action, keys, attributes []string) []string {
	var parts []string
	for _, a := range actions {
		parts = append(parts, g.sid+": "+a.String())
	}
	for _, text := range slices.Concat(keys, attributes) {
		parts = append(parts, g.sid+": "+text)
	}
	return parts
}

// Functions returns the functions' names.
func (p *Permissions) Functions() []string {
	var names []string
	for name := range p.granted {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// client returns what the function calls DynamoDB with: base, as far as the function
// is allowed to.
func (p *Permissions) client(function string, base aws.HTTPClient) aws.HTTPClient {
	return enforcer{p, function, base}
}

type enforcer struct {
	permissions *Permissions
	function    string
	base        aws.HTTPClient
}

// Do implements aws.HTTPClient. A call that is not allowed gets DynamoDB's answer for
// that, and does not reach it.
func (e enforcer) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	needs, err := needsOf(operation, body)
	if err != nil {
		return nil, err
	}
	if denied, ok := e.permissions.use(e.function, needs); !ok {
		return accessDenied(fmt.Sprintf("the function %s is not authorized to perform: %s", e.function, denied)), nil
	}
	return e.base.Do(r)
}

// use notes what the function makes use of, or returns what it must not do.
func (p *Permissions) use(function string, needs []need) (denied need, ok bool) {
	var parts []string
	for _, n := range needs {
		i := slices.IndexFunc(p.granted[function], func(g grant) bool { return g.allows(n) })
		if i < 0 {
			return n, false
		}
		g := p.granted[function][i]
		var keys, attributes []string
		for _, key := range n.keys {
			keys = append(keys, g.pattern(key))
		}
		if g.attributes != nil {
			attributes = n.attributes
		}
		parts = append(parts, g.parts([]Action{n.Action}, keys, attributes)...)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range parts {
		p.used[function][part] = true
	}
	return need{}, true
}

// An item is the part of a call, or of a transaction, that is about one item or one
// partition.
type item struct {
	IndexName                 string
	Key, Item                 map[string]struct{ S string }
	KeyConditionExpression    string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]struct{ S string }
}

// partitionIs is the beginning of every condition about a key that package ddb writes.
var partitionIs = regexp.MustCompile(`^\w+ = (:\w+)( |$)`)

// leadingKey returns the partition key, "" when there is none.
func (i item) leadingKey() string {
	if m := partitionIs.FindStringSubmatch(i.KeyConditionExpression); m != nil {
		return i.ExpressionAttributeValues[m[1]].S
	}
	return cmp.Or(i.Key["pk"].S, i.Item["pk"].S)
}

// transactionParts are the actions of the parts of a transaction.
var transactionParts = map[string]string{
	"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem", "Get": "GetItem",
}

// needsOf returns what a call needs: a transaction the actions of its parts, each with the
// keys of all of its items.
func needsOf(operation string, body []byte) ([]need, error) {
	var in struct {
		item
		TransactItems []map[string]item
		RequestItems  map[string]json.RawMessage // by the table's name
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("a body of %s: %w", operation, err)
	}
	byAction := map[Action][]item{}
	add := func(operation string, items ...item) {
		a := Action{"dynamodb:" + operation, in.IndexName}
		byAction[a] = append(byAction[a], items...)
	}
	switch operation {
	case "TransactWriteItems", "TransactGetItems":
		for _, parts := range in.TransactItems {
			for part, it := range parts {
				if transactionParts[part] == "" {
					return nil, fmt.Errorf("a transaction with the part %s", part)
				}
				add(transactionParts[part], it)
			}
		}
	case "BatchGetItem":
		for _, raw := range in.RequestItems {
			var reads struct {
				Keys []map[string]struct{ S string }
			}
			if err := json.Unmarshal(raw, &reads); err != nil {
				return nil, err
			}
			for _, key := range reads.Keys {
				add(operation, item{Key: key})
			}
		}
	case "BatchWriteItem":
		for _, raw := range in.RequestItems {
			var writes []struct{ PutRequest, DeleteRequest item }
			if err := json.Unmarshal(raw, &writes); err != nil {
				return nil, err
			}
			for _, w := range writes {
				add(operation, item{Key: w.DeleteRequest.Key, Item: w.PutRequest.Item})
			}
		}
	default:
		add(operation, in.item)
	}
	var needs []need
	for action, items := range byAction {
		n := need{Action: action}
		for _, it := range items {
			n.keys = append(n.keys, it.leadingKey())
		}
		if action.Name == "dynamodb:UpdateItem" {
			for _, it := range items {
				n.attributes = slices.AppendSeq(append(n.attributes, slices.Collect(maps.Keys(it.Key))...), maps.Values(it.ExpressionAttributeNames))
			}
		}
		needs = append(needs, n)
	}
	return needs, nil
}

func accessDenied(message string) *http.Response {
	body := fmt.Sprintf(`{"__type":"com.amazon.coral.service#AccessDeniedException","Message":%q}`, message)
	return &http.Response{
		StatusCode: http.StatusBadRequest, Status: "400 Bad Request", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Errortype": {"AccessDeniedException"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}
