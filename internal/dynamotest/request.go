package dynamotest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"tocsin/internal/ddb"
)

// A Request is what a call asks of items, by their keys.
type Request struct {
	Reads   []ddb.Key // a query's key is its partition with a bound of the sort key, "" for none
	Writes  []ddb.Key // what it puts or updates
	Deletes []ddb.Key
	Checks  []ddb.Key // what a transaction has a condition on, and leaves as it is
}

// keyed is a part of a request that is about one item.
type keyed struct{ Item, Key map[string]struct{ S string } }

// key is the item's key; ok is false when there is no such part.
func (k *keyed) key() (key ddb.Key, ok bool) {
	if k == nil {
		return key, false
	}
	it := k.Key
	if it == nil {
		it = k.Item
	}
	return ddb.Key{PK: it[ddb.AttrPK].S, SK: it[ddb.AttrSK].S}, it != nil
}

// ParseRequest reads the body of a call.
func ParseRequest(operation string, body []byte) (Request, error) {
	var r Request
	var in struct {
		keyed
		ExpressionAttributeValues map[string]struct{ S string }
		TransactItems             []struct{ Put, Update, Delete, ConditionCheck *keyed }
		RequestItems              map[string]json.RawMessage
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return r, fmt.Errorf("a body of %s: %w", operation, err)
	}
	add := func(to *[]ddb.Key, part *keyed) {
		if k, ok := part.key(); ok {
			*to = append(*to, k)
		}
	}
	var err error
	switch operation {
	case "GetItem":
		add(&r.Reads, &in.keyed)
	case "Query":
		pk := in.ExpressionAttributeValues[":pk"].S
		for _, bound := range []string{":low", ":high"} {
			r.Reads = append(r.Reads, ddb.Key{PK: pk, SK: in.ExpressionAttributeValues[bound].S})
		}
	case "BatchGetItem":
		for _, raw := range in.RequestItems {
			var asked struct {
				Keys []map[string]struct{ S string }
			}
			err = json.Unmarshal(raw, &asked)
			for _, k := range asked.Keys {
				add(&r.Reads, &keyed{Key: k})
			}
		}
	case "PutItem", "UpdateItem":
		add(&r.Writes, &in.keyed)
	case "DeleteItem":
		add(&r.Deletes, &in.keyed)
	case "BatchWriteItem":
		for _, raw := range in.RequestItems {
			var asked []struct{ PutRequest, DeleteRequest *keyed }
			err = json.Unmarshal(raw, &asked)
			for _, i := range asked {
				add(&r.Writes, i.PutRequest)
				add(&r.Deletes, i.DeleteRequest)
			}
		}
	case "TransactWriteItems":
		for _, i := range in.TransactItems {
			add(&r.Writes, i.Put)
			add(&r.Writes, i.Update)
			add(&r.Deletes, i.Delete)
			add(&r.Checks, i.ConditionCheck)
		}
	default:
		err = fmt.Errorf("no test knows the call %s", operation)
	}
	return r, err
}

// A Match says which calls are meant, by what they ask for and not by how.
type Match func(operation string, body []byte) bool

// Reads matches a call that reads an item whose partition or sort key begins with one of
// the prefixes.
func Reads(prefixes ...string) Match {
	return matching(func(r Request) []ddb.Key { return r.Reads }, prefixes)
}

// Writes matches a call that puts or updates such an item.
func Writes(prefixes ...string) Match {
	return matching(func(r Request) []ddb.Key { return r.Writes }, prefixes)
}

// Deletes matches a call that deletes such an item.
func Deletes(prefixes ...string) Match {
	return matching(func(r Request) []ddb.Key { return r.Deletes }, prefixes)
}

func matching(keys func(Request) []ddb.Key, prefixes []string) Match {
	return func(operation string, body []byte) bool {
		r, err := ParseRequest(operation, body)
		return err == nil && slices.ContainsFunc(keys(r), func(k ddb.Key) bool {
			return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(k.PK, p) || strings.HasPrefix(k.SK, p) })
		})
	}
}

// Before returns an Inject that runs f before the first call that matches.
func Before(m Match, f func()) func(operation string, body []byte) Fault {
	var once sync.Once
	return func(operation string, body []byte) Fault {
		if m(operation, body) {
			once.Do(f)
		}
		return None
	}
}

// On returns an Inject that gives every call that matches the fault.
func On(m Match, f Fault) func(operation string, body []byte) Fault {
	return func(operation string, body []byte) Fault {
		if m(operation, body) {
			return f
		}
		return None
	}
}

// While returns an Inject that does what On does, while on is true.
func While(on *atomic.Bool, m Match, f Fault) func(operation string, body []byte) Fault {
	return On(func(operation string, body []byte) bool { return on.Load() && m(operation, body) }, f)
}
