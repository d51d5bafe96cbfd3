package dynamo

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expr collects an update expression, a condition and the names and values that
// both refer to: #name and :name stand for the attribute called name.
type expr struct {
	names      map[string]string
	values     item
	sets       []string
	removes    []string
	conditions []string
}

func newExpr() *expr { return &expr{names: map[string]string{}, values: item{}} }

// clone returns an expression that can be added to without changing e.
func (e *expr) clone() *expr {
	return &expr{
		names: maps.Clone(e.names), values: maps.Clone(e.values),
		sets: slices.Clone(e.sets), removes: slices.Clone(e.removes), conditions: slices.Clone(e.conditions),
	}
}

func (e *expr) name(attr string) string {
	e.names["#"+attr] = attr
	return "#" + attr
}

func (e *expr) value(name string, v types.AttributeValue) string {
	e.values[":"+name] = v
	return ":" + name
}

func (e *expr) set(attr string, v types.AttributeValue) *expr {
	e.sets = append(e.sets, e.name(attr)+" = "+e.value(attr, v))
	return e
}

// setIfAbsent sets the attribute unless the item has it.
func (e *expr) setIfAbsent(attr string, v types.AttributeValue) *expr {
	n := e.name(attr)
	e.sets = append(e.sets, n+" = if_not_exists("+n+", "+e.value(attr, v)+")")
	return e
}

func (e *expr) increment(attr string) *expr {
	n := e.name(attr)
	e.sets = append(e.sets, n+" = "+n+" + "+e.value("one", num(1)))
	return e
}

// count is increment for an item that may not have the attribute, or not be there.
func (e *expr) count(attr string) *expr {
	n := e.name(attr)
	e.sets = append(e.sets, n+" = if_not_exists("+n+", "+e.value("zero", num(0))+") + "+e.value("one", num(1)))
	return e
}

func (e *expr) remove(attr string) *expr {
	e.removes = append(e.removes, e.name(attr))
	return e
}

// setOrRemove sets the attribute, or removes it when n is nil.
func (e *expr) setOrRemove(attr string, n *int64) *expr {
	if n == nil {
		return e.remove(attr)
	}
	return e.set(attr, num(*n))
}

// setIf sets the attribute to 1, or removes it.
func (e *expr) setIf(attr string, is bool) *expr {
	if !is {
		return e.remove(attr)
	}
	return e.set(attr, num(1))
}

func (e *expr) ifExists() *expr {
	e.conditions = append(e.conditions, "attribute_exists("+e.name(attrPK)+")")
	return e
}

func (e *expr) ifNew() *expr {
	e.conditions = append(e.conditions, "attribute_not_exists("+e.name(attrPK)+")")
	return e
}

func (e *expr) ifHas(attr string, has bool) *expr {
	f := "attribute_exists("
	if !has {
		f = "attribute_not_exists("
	}
	e.conditions = append(e.conditions, f+e.name(attr)+")")
	return e
}

// ifCompare adds the condition "attr op v"; param names the value.
func (e *expr) ifCompare(attr, op, param string, v types.AttributeValue) *expr {
	e.conditions = append(e.conditions, e.name(attr)+" "+op+" "+e.value(param, v))
	return e
}

// ifNotBegins adds the condition that the attribute is absent or begins otherwise;
// param names the value.
func (e *expr) ifNotBegins(attr, param, prefix string) *expr {
	n := e.name(attr)
	e.conditions = append(e.conditions, "(attribute_not_exists("+n+") OR NOT begins_with("+n+", "+e.value(param, str(prefix))+"))")
	return e
}

// raise sets the number, under the condition that the item has none or a lower one.
func (e *expr) raise(attr string, v types.AttributeValue) *expr {
	return e.set(attr, v).ifBelow(attr)
}

// ifBelow adds the condition that the item has none of the number or a lower one than
// the value of the same name.
func (e *expr) ifBelow(attr string) *expr {
	n := e.name(attr)
	e.conditions = append(e.conditions, "(attribute_not_exists("+n+") OR "+n+" < :"+attr+")")
	return e
}

func (e *expr) ifVersion(v int64) *expr { return e.ifCompare(attrVersion, "=", "seen", num(v)) }

// projection cuts what a read returns to the key and these fields.
func (e *expr) projection(fields ...string) *string {
	list := e.name(attrPK) + ", " + e.name(attrSK)
	for _, f := range fields {
		list += ", " + e.name(f)
	}
	return &list
}

func (e *expr) update() *string {
	var parts []string
	if len(e.sets) > 0 {
		parts = append(parts, "SET "+strings.Join(e.sets, ", "))
	}
	if len(e.removes) > 0 {
		parts = append(parts, "REMOVE "+strings.Join(e.removes, ", "))
	}
	return aws.String(strings.Join(parts, " "))
}

func (e *expr) condition() *string {
	if len(e.conditions) == 0 {
		return nil
	}
	return aws.String(strings.Join(e.conditions, " AND "))
}

// DynamoDB refuses empty maps of names and values.
func (e *expr) namesOrNil() map[string]string {
	if len(e.names) == 0 {
		return nil
	}
	return e.names
}

func (e *expr) valuesOrNil() item {
	if len(e.values) == 0 {
		return nil
	}
	return e.values
}
