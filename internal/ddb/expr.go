package ddb

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Expr collects an update expression, a condition and the names and values that
// both refer to: #name and :name stand for the attribute called name.
type Expr struct {
	names                           map[string]string
	values                          Item
	sets, adds, removes, conditions []string
}

// NewExpr returns an expression without anything in it.
func NewExpr() *Expr { return &Expr{names: map[string]string{}, values: Item{}} }

// Clone returns an expression that can be added to without changing e.
func (e *Expr) Clone() *Expr {
	return &Expr{
		names: maps.Clone(e.names), values: maps.Clone(e.values),
		sets: slices.Clone(e.sets), adds: slices.Clone(e.adds), removes: slices.Clone(e.removes), conditions: slices.Clone(e.conditions),
	}
}

// Name returns the placeholder of the attribute.
func (e *Expr) Name(attr string) string {
	e.names["#"+attr] = attr
	return "#" + attr
}

// Value returns the placeholder of the value.
func (e *Expr) Value(name string, v types.AttributeValue) string {
	e.values[":"+name] = v
	return ":" + name
}

// Set sets the attribute.
func (e *Expr) Set(attr string, v types.AttributeValue) *Expr {
	e.sets = append(e.sets, e.Name(attr)+" = "+e.Value(attr, v))
	return e
}

// SetIfAbsent sets the attribute unless the item has it.
func (e *Expr) SetIfAbsent(attr string, v types.AttributeValue) *Expr {
	n := e.Name(attr)
	e.sets = append(e.sets, n+" = if_not_exists("+n+", "+e.Value(attr, v)+")")
	return e
}

// SetOrRemove sets the attribute, or removes it when v is nil.
func (e *Expr) SetOrRemove(attr string, v types.AttributeValue) *Expr {
	if v == nil {
		return e.Remove(attr)
	}
	return e.Set(attr, v)
}

// Increment adds 1 to a number that the item has.
func (e *Expr) Increment(attr string) *Expr {
	n := e.Name(attr)
	e.sets = append(e.sets, n+" = "+n+" + "+e.Value("one", Num(1)))
	return e
}

// Add adds to a number; an item without it, and an absent item, count as 0.
func (e *Expr) Add(attr string, n int64) *Expr {
	e.adds = append(e.adds, e.Name(attr)+" "+e.Value("add_"+attr, Num(n)))
	return e
}

// Remove removes the attribute.
func (e *Expr) Remove(attr string) *Expr {
	e.removes = append(e.removes, e.Name(attr))
	return e
}

// IfExists asks that there is an item.
func (e *Expr) IfExists() *Expr { return e.IfHas(AttrPK, true) }

// IfNew asks that there is no item.
func (e *Expr) IfNew() *Expr { return e.IfHas(AttrPK, false) }

// IfHas asks that the item has the attribute, or that it has not.
func (e *Expr) IfHas(attr string, has bool) *Expr {
	f := "attribute_exists("
	if !has {
		f = "attribute_not_exists("
	}
	return e.If(f + e.Name(attr) + ")")
}

// If asks for a condition whose names and values are in e.
func (e *Expr) If(condition string) *Expr {
	e.conditions = append(e.conditions, condition)
	return e
}

// IfCompare asks for "attr op v"; param names the value.
func (e *Expr) IfCompare(attr, op, param string, v types.AttributeValue) *Expr {
	return e.If(e.Name(attr) + " " + op + " " + e.Value(param, v))
}

// IfEqual asks that the attribute is v.
func (e *Expr) IfEqual(attr string, v types.AttributeValue) *Expr {
	return e.IfCompare(attr, "=", "was_"+attr, v)
}

// IfSame asks that the item has the id and the version of the one that was read. A key
// can be used again, so that the version alone is not enough.
func (e *Expr) IfSame(read Item) *Expr {
	return e.IfEqual(AttrID, read[AttrID]).IfEqual(AttrVersion, read[AttrVersion])
}

// IfLive asks that the item's time to live has not passed at now (UTC seconds). DynamoDB
// removes an item some time after that; until then a write would bring its old attributes
// back.
func (e *Expr) IfLive(now int64) *Expr {
	ttl := e.Name(AttrTTL)
	return e.If("(attribute_not_exists(" + ttl + ") OR " + ttl + " > " + e.Value("now", Num(now)) + ")")
}

// IfGone asks that there is no item, or one that is past its time to live.
func (e *Expr) IfGone(now int64) *Expr {
	ttl := e.Name(AttrTTL)
	return e.If("(attribute_not_exists(" + e.Name(AttrPK) + ") OR " + ttl + " <= " + e.Value("now", Num(now)) + ")")
}

// Raise sets the number, under the condition that the item has none or a lower one.
func (e *Expr) Raise(attr string, n int64) *Expr {
	name := e.Name(attr)
	return e.Set(attr, Num(n)).If("(attribute_not_exists(" + name + ") OR " + name + " < :" + attr + ")")
}

// projection cuts what a read returns to the key and these fields.
func (e *Expr) projection(fields ...string) *string {
	list := e.Name(AttrPK) + ", " + e.Name(AttrSK)
	for _, f := range fields {
		list += ", " + e.Name(f)
	}
	return &list
}

func (e *Expr) update() *string {
	var parts []string
	for _, p := range []struct {
		word  string
		terms []string
	}{{"SET ", e.sets}, {"ADD ", e.adds}, {"REMOVE ", e.removes}} {
		if len(p.terms) > 0 {
			parts = append(parts, p.word+strings.Join(p.terms, ", "))
		}
	}
	return aws.String(strings.Join(parts, " "))
}

func (e *Expr) condition() *string {
	if len(e.conditions) == 0 {
		return nil
	}
	return aws.String(strings.Join(e.conditions, " AND "))
}

// DynamoDB refuses empty maps of names and values.
func (e *Expr) namesOrNil() map[string]string {
	if len(e.names) == 0 {
		return nil
	}
	return e.names
}

func (e *Expr) valuesOrNil() Item {
	if len(e.values) == 0 {
		return nil
	}
	return e.values
}
