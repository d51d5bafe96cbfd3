package local

import (
	"encoding/json"
	"testing"
)

// A record as Lambda sends it; what a function's filter looks at.
const sampleRecord = `{
	"eventName": "MODIFY", "eventSource": "aws:dynamodb", "awsRegion": "local",
	"dynamodb": {
		"ApproximateCreationDateTime": 1796048580, "SizeBytes": 51, "SequenceNumber": "7", "StreamViewType": "NEW_AND_OLD_IMAGES",
		"Keys": {"pk": {"S": "CHANGES#2026-11-30"}},
		"NewImage": {
			"pk": {"S": "CHANGES#2026-11-30"}, "n": {"N": "101"}, "on": {"BOOL": true}, "empty": {"S": ""},
			"tags": {"SS": ["a", "b"]}, "list": {"L": [{"S": "x"}, {"M": {"k": {"N": "1"}}}]}, "none": {"L": []}
		}
	}
}`

func TestPattern(t *testing.T) {
	var record any
	if err := json.Unmarshal([]byte(sampleRecord), &record); err != nil {
		t.Fatal(err)
	}
	image := func(inner string) string { return `{"dynamodb":{"NewImage":{` + inner + `}}}` }
	tests := []struct {
		name, pattern string
		want          bool
	}{
		{"a text", image(`"pk":{"S":["CHANGES#2026-11-30"]}`), true},
		{"another text", image(`"pk":{"S":["CHANGES"]}`), false},
		{"one of two texts", image(`"pk":{"S":["x","CHANGES#2026-11-30"]}`), true},
		{"an empty text", image(`"empty":{"S":[""]}`), true},
		{"a text in another case", image(`"pk":{"S":["changes#2026-11-30"]}`), false},
		{"a text without its type", image(`"pk":["CHANGES#2026-11-30"]`), false},
		{"a text of another type", image(`"n":{"S":["101"]}`), false},
		{"a number is a text", image(`"n":{"N":["101"]}`), true},
		{"true", image(`"on":{"BOOL":[true]}`), true},
		{"false", image(`"on":{"BOOL":[false]}`), false},
		{"the text true", image(`"on":{"BOOL":["true"]}`), false},
		{"a prefix", image(`"pk":{"S":[{"prefix":"CHANGES#"}]}`), true},
		{"another prefix", image(`"pk":{"S":[{"prefix":"HANGES#"}]}`), false},
		{"a text or a prefix", image(`"pk":{"S":["x",{"prefix":"CHANGES#"}]}`), true},
		{"a prefix of what is no text", image(`"on":{"BOOL":[{"prefix":"t"}]}`), false},
		{"two fields", image(`"pk":{"S":[{"prefix":"C"}]},"on":{"BOOL":[true]}`), true},
		{"two fields, one other", image(`"pk":{"S":[{"prefix":"C"}]},"on":{"BOOL":[false]}`), false},
		{"an image that is not there", `{"dynamodb":{"OldImage":{"pk":{"S":[{"prefix":"C"}]}}}}`, false},
		{"both of two images", `{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"C"}]}},"NewImage":{"n":{"N":["101"]}}}}`, true},
		{"there", image(`"pk":{"S":[{"exists":true}]}`), true},
		{"empty is there", image(`"empty":{"S":[{"exists":true}]}`), true},
		{"not there", image(`"other":{"S":[{"exists":true}]}`), false},
		{"not to be there", image(`"other":{"S":[{"exists":false}]}`), true},
		{"there, and not to be", image(`"pk":{"S":[{"exists":false}]}`), false},
		{"an attribute is no end", image(`"pk":[{"exists":true}]`), false},
		{"so it is never there", image(`"pk":[{"exists":false}]`), true},
		{"in no image", `{"dynamodb":{"OldImage":{"pk":{"S":[{"exists":false}]}}}}`, true},
		{"anything but", image(`"pk":{"S":[{"anything-but":"x"}]}`), true},
		{"anything but this", image(`"pk":{"S":[{"anything-but":["x","CHANGES#2026-11-30"]}]}`), false},
		{"anything but, and nothing there", image(`"other":{"S":[{"anything-but":"x"}]}`), false},
		{"the size", `{"dynamodb":{"SizeBytes":[{"numeric":["=",51]}]}}`, true},
		{"a range", `{"dynamodb":{"SizeBytes":[{"numeric":[">",50,"<=",51]}]}}`, true},
		{"the end of a range", `{"dynamodb":{"SizeBytes":[{"numeric":[">=",50,"<",51]}]}}`, false},
		{"the time", `{"dynamodb":{"ApproximateCreationDateTime":[{"numeric":[">",0]}]}}`, true},
		{"smaller", `{"dynamodb":{"SizeBytes":[{"numeric":["<",51]}]}}`, false},
		{"numbers of DynamoDB are texts", image(`"n":{"N":[{"numeric":[">",100]}]}`), false},
		{"a number, or anything but", image(`"n":{"N":[{"numeric":[">",100]},{"anything-but":"7"}]}`), true},
		{"one of a set", image(`"tags":{"SS":["b"]}`), true},
		{"none of a set", image(`"tags":{"SS":["c"]}`), false},
		{"in a list", image(`"list":{"L":{"S":["x"]}}`), true},
		{"deep in a list", image(`"list":{"L":{"M":{"k":{"N":["1"]}}}}`), true},
		{"in an empty list", image(`"none":{"L":[{"exists":true}]}`), false},
		{"nothing in an empty list", image(`"none":{"L":[{"exists":false}]}`), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := parsePattern(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.matches(record); got != tt.want {
				t.Errorf("%s matches: %t", tt.pattern, got)
			}
		})
	}
}

func TestPatternRefused(t *testing.T) {
	const test = "a test must be a text, true, false, or an object with one operator"
	const numeric = `numeric takes a comparison like ["=", 5], or a range like [">", 0, "<=", 5]`
	size := func(test string) string { return `{"dynamodb":{"SizeBytes":[` + test + `]}}` }
	for pattern, want := range map[string]string{
		"":                      "the pattern is not JSON: unexpected end of JSON input",
		"{}":                    "the pattern must have the field dynamodb and no other, and in it an object",
		`"dynamodb"`:            "the pattern must have the field dynamodb and no other, and in it an object",
		`{"dynamodb":["x"]}`:    "the pattern must have the field dynamodb and no other, and in it an object",
		`{"dynamodb":{}}`:       "the pattern dynamodb: must be an object or a list with something in it",
		`{"dynamodb":{"a":[]}}`: "the pattern dynamodb a: must be an object or a list with something in it",
		`{"dynamodb":{"a":{}}}`: "the pattern dynamodb a: must be an object or a list with something in it",
		`{"dynamodb":{"a":1}}`:  "the pattern dynamodb a: must be an object or a list with something in it",
		`{"dynamodb":{"a":["x"]},"eventName":["INSERT"]}`: "the pattern must have the field dynamodb and no other, and in it an object",
		`{"dynamodb":{"a":{"$or":[{"b":["x"]}]}}}`:        "the pattern dynamodb a: $or is not understood here",
		size(`5`):                             "the pattern dynamodb SizeBytes: " + test,
		size(`null`):                          "the pattern dynamodb SizeBytes: " + test,
		size(`["x"]`):                         "the pattern dynamodb SizeBytes: " + test,
		size(`{}`):                            "the pattern dynamodb SizeBytes: " + test,
		size(`{"prefix":"a","exists":true}`):  "the pattern dynamodb SizeBytes: " + test,
		size(`{"suffix":"a"}`):                "the pattern dynamodb SizeBytes: the operator suffix is not understood here",
		size(`{"prefix":""}`):                 "the pattern dynamodb SizeBytes: prefix takes a text",
		size(`{"prefix":["a"]}`):              "the pattern dynamodb SizeBytes: prefix takes a text",
		size(`{"exists":"true"}`):             "the pattern dynamodb SizeBytes: exists takes true or false",
		size(`{"anything-but":[]}`):           "the pattern dynamodb SizeBytes: anything-but takes a text or a list of texts here",
		size(`{"anything-but":[1]}`):          "the pattern dynamodb SizeBytes: anything-but takes a text or a list of texts here",
		size(`{"anything-but":{"prefix":1}}`): "the pattern dynamodb SizeBytes: anything-but takes a text or a list of texts here",
		size(`{"numeric":5}`):                 "the pattern dynamodb SizeBytes: " + numeric,
		size(`{"numeric":[]}`):                "the pattern dynamodb SizeBytes: " + numeric,
		size(`{"numeric":["="]}`):             "the pattern dynamodb SizeBytes: " + numeric,
		size(`{"numeric":["=","5"]}`):         "the pattern dynamodb SizeBytes: " + numeric,
		size(`{"numeric":["!=",5]}`):          "the pattern dynamodb SizeBytes: " + numeric,
		size(`{"numeric":["<",5,">",1]}`):     "the pattern dynamodb SizeBytes: " + numeric,
		size(`{"numeric":[">",5,"<",5]}`):     "the pattern dynamodb SizeBytes: " + numeric,
		size(`{"numeric":[">",5,"<",6,"x"]}`): "the pattern dynamodb SizeBytes: " + numeric,
	} {
		p, err := parsePattern(pattern)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %+v, %v, want %s", pattern, p, err, want)
		}
	}
}
