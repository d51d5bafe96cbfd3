package local

import (
	"slices"
	"strings"
	"time"
)

// Stream is an event source mapping of a function: which records of the table's stream it is
// called with, and how often.
type Stream struct {
	ID        string        // logical id of the mapping
	BatchSize int           // records that a call has at most
	Filters   []Pattern     // a record must match one of them; without, every record goes
	Retries   int           // how often a batch is tried again after a failure; -1: until it succeeds
	MaxAge    time.Duration // how old a batch may be that is tried again; 0: any age
}

// Limits of Lambda, and what it takes when the template says nothing.
const (
	defaultBatchSize = 100
	maxBatchSize     = 10_000
	maxRetries       = 10_000
	maxRecordAge     = 7 * 24 * time.Hour
	forEver          = -1
)

// readMapping reads a resource of type AWS::Lambda::EventSourceMapping. What becomes of a batch
// that is given up, DestinationConfig, has no meaning locally, where that is logged.
func (t *Template) readMapping(resource value) {
	properties := resource.get("Properties")
	properties.allow("FunctionName", "EventSourceArn", "StartingPosition", "BatchSize", "FilterCriteria", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "DestinationConfig")
	if source := properties.get("EventSourceArn"); !source.isTableStream() {
		source.fail("only the table's stream can be read locally")
	}
	if v := properties.get("StartingPosition"); v.text() != "LATEST" {
		v.fail("only LATEST can be done locally")
	}
	s := Stream{ID: resource.name, BatchSize: defaultBatchSize, Retries: forEver}
	if v := properties.get("BatchSize"); v.exists() {
		s.BatchSize = v.number(1, maxBatchSize)
	}
	if v := properties.get("MaximumRetryAttempts"); v.exists() {
		s.Retries = v.number(forEver, maxRetries)
	}
	if v := properties.get("MaximumRecordAgeInSeconds"); v.exists() {
		if seconds := v.number(forEver, int(maxRecordAge/time.Second)); seconds != forEver {
			s.MaxAge = time.Duration(seconds) * time.Second
		}
	}
	criteria := properties.get("FilterCriteria")
	criteria.allow("Filters")
	for _, filter := range criteria.get("Filters").items() {
		filter.allow("Pattern")
		text := filter.get("Pattern")
		pattern, err := parsePattern(text.text())
		if err != nil {
			text.fail("%s", err)
		}
		s.Filters = append(s.Filters, pattern)
	}
	name := properties.get("FunctionName")
	id := name.referenced()
	i := slices.IndexFunc(t.Functions, func(f Function) bool { return f.ID == id })
	if i < 0 {
		name.fail("must be !Ref and a function of the template")
		return
	}
	t.Functions[i].Streams = append(t.Functions[i].Streams, s)
}

// referenced returns the logical id in the !Ref that stands here, or "".
func (v value) referenced() string {
	if v = v.chosen(); v.node == nil {
		return ""
	}
	name, argument := v.intrinsic()
	if name != "Ref" {
		return ""
	}
	return argument.text()
}

// isTableStream reports whether !GetAtt of the table's StreamArn stands here.
func (v value) isTableStream() bool {
	if v = v.chosen(); v.node == nil {
		return false
	}
	name, argument := v.intrinsic()
	return name == "Fn::GetAtt" && strings.Join(Scalars(argument.node), ".") == v.r.tableID+".StreamArn"
}
