package apitest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"tocsin/internal/dynamotest"
)

// key is an item's key as a call has it, with a sort key that does not matter.
func key(pk string) string { return fmt.Sprintf(`{"pk":{"S":%q},"sk":{"S":"META"}}`, pk) }

// TestKeysAreOutOfReach asks what the roles of the template allow of API keys, and what the
// role of the function that has them allows of all else.
func TestKeysAreOutOfReach(t *testing.T) {
	p, err := readPermissions(filepath.Join(dynamotest.Root(t), "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	query := func(index, pk, value string) string {
		return fmt.Sprintf(`{"IndexName":%q,"KeyConditionExpression":"%s = :pk AND sk BETWEEN :low AND :high","ExpressionAttributeValues":{":pk":{"S":%q}}}`, index, pk, value)
	}
	update := func(pk, attr string) string {
		return `{"Key":` + key(pk) + `,"UpdateExpression":"SET #x = :x","ExpressionAttributeNames":{"#x":"` + attr + `","#pk":"pk"}}`
	}
	const (
		api    = "incidents comments monitors"
		others = api + " minute closer"
		all    = others + " edge"
	)
	for _, tt := range []struct {
		name, operation, body string
		allowed               string // the functions
	}{
		{"one key by its hash", "GetItem", `{"Key":` + key("APIKEY#a") + `}`, api + " edge"},
		{"its last use", "UpdateItem", update("APIKEY#a", "last_used"), api + " edge"},
		{"its scopes", "UpdateItem", update("APIKEY#a", "scopes"), "edge"},
		{"its scopes in a transaction", "TransactWriteItems", `{"TransactItems":[{"Update":` + update("APIKEY#a", "scopes") + `}]}`, "edge"},
		{"a new key", "PutItem", `{"Item":` + key("APIKEY#a") + `}`, "edge"},
		{"a new key with its row", "TransactWriteItems", `{"TransactItems":[{"Put":{"Item":` + key("APIKEY#a") + `}},{"Put":{"Item":` + key("CHANGES#d") + `}}]}`, "edge"},
		{"a new key in a batch", "BatchWriteItem", `{"RequestItems":{"t":[{"PutRequest":{"Item":` + key("APIKEY#a") + `}}]}}`, ""},
		{"a key beside what is allowed", "BatchWriteItem", `{"RequestItems":{"t":[{"DeleteRequest":{"Key":` + key("MONITOR#1") + `}},{"DeleteRequest":{"Key":` + key("APIKEY#a") + `}}]}}`, ""},
		{"the end of a key", "DeleteItem", `{"Key":` + key("APIKEY#a") + `}`, ""},
		{"a question about a key", "TransactWriteItems", `{"TransactItems":[{"ConditionCheck":{"Key":` + key("APIKEY#a") + `}}]}`, ""},
		{"many keys", "BatchGetItem", `{"RequestItems":{"t":{"Keys":[` + key("APIKEY#a") + `,` + key("APIKEY#b") + `]}}}`, ""},
		{"a key's partition", "Query", `{"KeyConditionExpression":"pk = :pk","ExpressionAttributeValues":{":pk":{"S":"APIKEY#a"}}}`, ""},
		{"all keys", "Query", query("gsi1", "gsi1pk", "APIKEYS"), "edge"},
		{"all keys by another index", "Query", query("gsi2", "gsi2pk", "APIKEYS"), ""},
		{"the whole table", "Scan", `{}`, ""},

		{"an incident", "GetItem", `{"Key":` + key("INCIDENT#1") + `}`, others},
		{"a new incident", "PutItem", `{"Item":` + key("INCIDENT#1") + `}`, others},
		{"a monitor", "GetItem", `{"Key":` + key("MONITORS") + `}`, "incidents monitors minute"},
		{"a monitor's fields", "PutItem", `{"Item":` + key("MONITORS") + `}`, "monitors"},
		{"all incidents", "Query", query("gsi1", "gsi1pk", "INCIDENTS"), "incidents"},
		{"all alerts", "Query", query("gsi1", "gsi1pk", "ALERTS"), "monitors"},
		{"a claim", "UpdateItem", update("IDEMPOTENCY#1#k", "reply"), api + " edge"},
		{"a row about a change", "PutItem", `{"Item":` + key("CHANGES#2026-11-22") + `}`, all},
		{"another row in its place", "UpdateItem", update("CHANGES#2026-11-22", "by"), ""},
		{"the end of a row", "DeleteItem", `{"Key":` + key("CHANGES#2026-11-22") + `}`, ""},
		{"the rows", "Query", `{"KeyConditionExpression":"pk = :pk","ExpressionAttributeValues":{":pk":{"S":"CHANGES#2026-11-22"}}}`, ""},
		{"a counter", "UpdateItem", update("SYSTEM", "n"), all},
		{"another partition of that name", "GetItem", `{"Key":` + key("SYSTEMS") + `}`, ""},
	} {
		needs, err := needsOf(tt.operation, []byte(tt.body))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		for _, function := range strings.Fields(all) {
			want := strings.Contains(" "+tt.allowed+" ", " "+function+" ")
			if denied, got := p.use(function, needs); got != want {
				t.Errorf("%s by %s: allowed %t, want %t (%s)", tt.name, function, got, want, denied)
			}
		}
	}
}

// TestGrantsThatAreNotUnderstood reads statements that the evaluation here would judge in
// another way than IAM, or that are for the whole table.
func TestGrantsThatAreNotUnderstood(t *testing.T) {
	const (
		resource = "\nResource: !GetAtt Table.Arn"
		keys     = "\nCondition: {'ForAllValues:StringLike': {'dynamodb:LeadingKeys': [MONITORS]}}"
	)
	for statement, want := range map[string]string{
		"Sid: S\nEffect: Allow\nAction: dynamodb:GetItem" + resource + keys:                                                                                           "",
		"Sid: S\nEffect: Allow\nAction: sqs:SendMessage" + resource:                                                                                                   "",
		"Sid: S\nEffect: Allow\nAction: dynamodb:GetItem" + resource:                                                                                                  "every partition",
		"Sid: S\nEffect: Allow\nAction: dynamodb:*" + resource + keys:                                                                                                 "whole names",
		"Sid: S\nEffect: Deny\nAction: dynamodb:GetItem" + resource + keys:                                                                                            "only Allow",
		"Sid: S\nEffect: Allow\nNotAction: dynamodb:GetItem" + resource + keys:                                                                                        "NotAction",
		"Sid: S\nEffect: Allow\nAction: dynamodb:GetItem\nResource: '*'" + keys:                                                                                       "is granted on *",
		"Sid: S\nEffect: Allow\nAction: dynamodb:GetItem" + resource + "\nCondition: {'ForAnyValue:StringLike': {'dynamodb:LeadingKeys': [MONITORS]}}":                "not understood",
		"Sid: S\nEffect: Allow\nAction: dynamodb:GetItem" + resource + "\nCondition: {'ForAllValues:StringLike': {'dynamodb:LeadingKeys': ['*']}}":                    "not understood",
		"Sid: S\nEffect: Allow\nAction: dynamodb:GetItem" + resource + "\nCondition: {'ForAllValues:StringLike': {'dynamodb:LeadingKeys': ['A*B']}}":                  "not understood",
		"Sid: S\nEffect: Allow\nAction: dynamodb:GetItem" + resource + keys[:len(keys)-1] + ", StringEquals: {'aws:SourceVpc': x}}":                                   "not understood",
		"!If [C, {Sid: S, Effect: Allow, Action: 'dynamodb:GetItem', Resource: x, Condition: {'ForAllValues:StringLike': {'dynamodb:LeadingKeys': [MONITORS]}}}, {}]": "cannot construct",
	} {
		var node yaml.Node
		if err := yaml.Load([]byte(statement), &node); err != nil {
			t.Fatal(err)
		}
		_, err := tableGrant(node.Content[0])
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n%v, want %q", statement, err, want)
		}
	}
}
