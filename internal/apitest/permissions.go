package apitest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
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

// Permissions are the actions that the template's roles grant to each function, and
// those that the functions have made use of. Every server of this package enforces
// them as IAM does, so that a test fails which needs one that is not granted.
type Permissions struct {
	granted map[string][]Action // by the function's name

	mu   sync.Mutex
	used map[string]map[Action]bool
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
	p := &Permissions{granted: map[string][]Action{}, used: map[string]map[Action]bool{}}
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
		actions, err := tableActions(&properties)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, role, err)
		}
		name := path.Base(function.CodeUri)
		p.granted[name], p.used[name] = actions, map[Action]bool{}
	}
	return p, nil
}

// tableActions returns the DynamoDB actions that a role's policies allow.
func tableActions(role *yaml.Node) ([]Action, error) {
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
	var actions []Action
	for _, policy := range properties.Policies {
		for _, node := range policy.PolicyDocument.Statement {
			var statement struct {
				Effect   string    `yaml:"Effect"`
				Action   yaml.Node `yaml:"Action"`
				Resource yaml.Node `yaml:"Resource"`
			}
			if node.Decode(&statement) != nil || statement.Effect == "" {
				continue // Fn::If around a statement about something else
			}
			for _, name := range local.Scalars(&statement.Action) {
				if !strings.HasPrefix(name, "dynamodb:") {
					continue
				}
				if statement.Effect != "Allow" || strings.Contains(name, "*") {
					return nil, fmt.Errorf("only Allow and whole names of actions are understood here, not %s %s", statement.Effect, name)
				}
				for _, resource := range resources(&statement.Resource) {
					if strings.Contains(resource, "*") {
						return nil, fmt.Errorf("%s is granted on %s", name, resource)
					}
					_, index, _ := strings.Cut(resource, "/index/")
					index, _, _ = strings.Cut(index, " ")
					actions = append(actions, Action{name, index})
				}
			}
		}
	}
	slices.SortFunc(actions, compareActions)
	return slices.Compact(actions), nil
}

func compareActions(a, b Action) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Index, b.Index))
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

// Unused returns what is granted to the function and was not made use of so far.
func (p *Permissions) Unused(function string) []Action {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.granted[function]), func(a Action) bool { return p.used[function][a] })
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
	actions, err := actionsOf(operation, body)
	if err != nil {
		return nil, err
	}
	if denied, ok := e.permissions.use(e.function, actions); !ok {
		return accessDenied(fmt.Sprintf("the function %s is not authorized to perform: %s", e.function, denied)), nil
	}
	return e.base.Do(r)
}

// use notes that the function makes use of the actions, or returns one that it must
// not.
func (p *Permissions) use(function string, actions []Action) (denied Action, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range actions {
		if !slices.Contains(p.granted[function], a) {
			return a, false
		}
	}
	for _, a := range actions {
		p.used[function][a] = true
	}
	return Action{}, true
}

// actionsOf returns the actions that a call needs: a transaction those of its parts.
func actionsOf(operation string, body []byte) ([]Action, error) {
	var in struct {
		IndexName     string
		TransactItems []map[string]json.RawMessage
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("a body of %s: %w", operation, err)
	}
	if !strings.HasPrefix(operation, "Transact") {
		return []Action{{"dynamodb:" + operation, in.IndexName}}, nil
	}
	parts := map[string]string{
		"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem", "Get": "GetItem",
	}
	var actions []Action
	for _, item := range in.TransactItems {
		for part := range item {
			name, ok := parts[part]
			if !ok {
				return nil, fmt.Errorf("a transaction with the part %s", part)
			}
			actions = append(actions, Action{Name: "dynamodb:" + name})
		}
	}
	return actions, nil
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
