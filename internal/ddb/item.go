package ddb

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/opt"
)

// The table's key attributes and those of its indexes, as template.yaml defines them.
const (
	AttrPK     = "pk"
	AttrSK     = "sk"
	AttrLSI1SK = "lsi1sk"
	AttrGSI1PK = "gsi1pk"
	AttrGSI1SK = "gsi1sk"
	AttrGSI2PK = "gsi2pk"
	AttrGSI2SK = "gsi2sk"
)

// Attributes that mean the same in every item that has them.
const (
	AttrID      = "id"
	AttrVersion = "version" // rises with every change, see Expr.IfSame
	AttrTTL     = "expires" // UTC seconds; from then on the item counts as absent, and DynamoDB removes it
)

// Item is a DynamoDB item. Items are built and read by hand: reflection costs
// three to ten times the allocations on every request.
type Item = map[string]types.AttributeValue

// Key is the key of an item.
type Key struct{ PK, SK string }

// Item returns an item that has nothing but the key.
func (k Key) Item() Item { return Item{AttrPK: Str(k.PK), AttrSK: Str(k.SK)} }

// KeyOf returns the key of an item.
func KeyOf(it Item) Key {
	r := Reader{Item: it}
	return Key{r.Str(AttrPK), r.Str(AttrSK)}
}

// Str is a text.
func Str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// Num is a whole number.
func Num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// Bytes are bytes.
func Bytes(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

// Map is a map.
func Map(it Item) types.AttributeValue { return &types.AttributeValueMemberM{Value: it} }

// ListOf is a list of the values that one makes of the members.
func ListOf[T any](members []T, one func(T) types.AttributeValue) types.AttributeValue {
	list := make([]types.AttributeValue, len(members))
	for i, m := range members {
		list[i] = one(m)
	}
	return &types.AttributeValueMemberL{Value: list}
}

// Set is a set of texts, which must not be empty: DynamoDB knows no empty set. They are
// sorted, so that Differences finds none between two that are the same.
func Set[T ~string](members []T) types.AttributeValue {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = string(m)
	}
	slices.Sort(names)
	return &types.AttributeValueMemberSS{Value: names}
}

// OptNum is the number of a field that is set, or NULL.
func OptNum(f opt.Field[int64]) types.AttributeValue {
	if n, ok := f.Get(); ok {
		return Num(n)
	}
	return &types.AttributeValueMemberNULL{Value: true}
}

// PutNum gives the item the attribute unless n is nil.
func PutNum(it Item, name string, n *int64) {
	if n != nil {
		it[name] = Num(*n)
	}
}

// PutStr gives the item the attribute unless s is nil.
func PutStr(it Item, name string, s *string) {
	if s != nil {
		it[name] = Str(*s)
	}
}

// PutFlag gives the item the attribute when on. A flag that is off is absent.
func PutFlag(it Item, name string, on bool) {
	if on {
		it[name] = &types.AttributeValueMemberBOOL{Value: true}
	}
}

// Expired reports whether the item is past its time to live at now (UTC seconds), and
// so counts as absent.
func Expired(it Item, now int64) bool {
	if it[AttrTTL] == nil {
		return false
	}
	r := Reader{Item: it}
	return r.Num(AttrTTL) <= now
}

// Differences are the names of the attributes in which two items differ, sorted.
func Differences(a, b Item) []string {
	var names []string
	for name, v := range b {
		if !reflect.DeepEqual(a[name], v) {
			names = append(names, name)
		}
	}
	for name := range a {
		if b[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// A Reader takes attributes out of an item and remembers the first that is missing
// or of the wrong type.
type Reader struct {
	Item Item
	Err  error
}

// Fail notes that the attribute is missing or malformed.
func (r *Reader) Fail(name string) {
	if r.Err == nil {
		r.Err = fmt.Errorf("item %v: attribute %q is missing or malformed", r.Item[AttrPK], name)
	}
}

// Has reports whether the item has the attribute.
func (r *Reader) Has(name string) bool { return r.Item[name] != nil }

// Str returns a text.
func (r *Reader) Str(name string) string {
	v, ok := r.Item[name].(*types.AttributeValueMemberS)
	if !ok {
		r.Fail(name)
		return ""
	}
	return v.Value
}

// OptStr returns a text, nil when the item has none.
func (r *Reader) OptStr(name string) *string {
	if !r.Has(name) {
		return nil
	}
	s := r.Str(name)
	return &s
}

// StrOrEmpty returns a text, or "" when the item has none.
func (r *Reader) StrOrEmpty(name string) string {
	if !r.Has(name) {
		return ""
	}
	return r.Str(name)
}

// Num returns a whole number.
func (r *Reader) Num(name string) int64 {
	v, ok := r.Item[name].(*types.AttributeValueMemberN)
	if !ok {
		r.Fail(name)
		return 0
	}
	n, err := strconv.ParseInt(v.Value, 10, 64)
	if err != nil {
		r.Fail(name)
	}
	return n
}

// OptNum returns a whole number, nil when the item has none.
func (r *Reader) OptNum(name string) *int64 {
	if !r.Has(name) {
		return nil
	}
	n := r.Num(name)
	return &n
}

// NumOrZero returns a whole number, or 0 when the item has none.
func (r *Reader) NumOrZero(name string) int64 {
	if !r.Has(name) {
		return 0
	}
	return r.Num(name)
}

// Field undoes the function OptNum; it is absent when the item has no such attribute.
func (r *Reader) Field(name string) opt.Field[int64] {
	switch r.Item[name].(type) {
	case nil:
		return opt.Field[int64]{}
	case *types.AttributeValueMemberNULL:
		return opt.Null[int64]()
	}
	return opt.Value(r.Num(name))
}

// Float returns a number that is kept as a text, since DynamoDB's are not a float64's.
func (r *Reader) Float(name string) float64 {
	n, err := strconv.ParseFloat(r.Str(name), 64)
	if err != nil {
		r.Fail(name)
	}
	return n
}

// Float is the text that Reader.Float reads.
func Float(n float64) types.AttributeValue { return Str(strconv.FormatFloat(n, 'g', -1, 64)) }

// OptBytes returns bytes, nil when the item has none.
func (r *Reader) OptBytes(name string) []byte {
	if !r.Has(name) {
		return nil
	}
	v, ok := r.Item[name].(*types.AttributeValueMemberB)
	if !ok {
		r.Fail(name)
		return nil
	}
	return v.Value
}

// Set returns the members of a set of texts, in no order; none when the item has none.
func (r *Reader) Set(name string) []string {
	if !r.Has(name) {
		return nil
	}
	v, ok := r.Item[name].(*types.AttributeValueMemberSS)
	if !ok {
		r.Fail(name)
		return nil
	}
	return v.Value
}

// ReadMap returns what one makes of a map. It is given an item, not a Reader: that would be
// on the heap.
func ReadMap[T any](r *Reader, name string, one func(Item) (T, error)) T {
	m, ok := r.Item[name].(*types.AttributeValueMemberM)
	if !ok {
		r.Fail(name)
		return *new(T)
	}
	v, err := one(m.Value)
	if err != nil {
		r.Fail(name)
	}
	return v
}

// ReadList returns what one makes of each member, a map, of a list.
func ReadList[T any](r *Reader, name string, one func(Item) (T, error)) []T {
	v, ok := r.Item[name].(*types.AttributeValueMemberL)
	if !ok {
		r.Fail(name)
		return nil
	}
	all := make([]T, len(v.Value))
	for i, member := range v.Value {
		m, ok := member.(*types.AttributeValueMemberM)
		if !ok {
			r.Fail(name)
			break
		}
		var err error
		if all[i], err = one(m.Value); err != nil {
			r.Fail(name)
		}
	}
	return all
}

// ReadOptList is ReadList that returns nil when the item has no such attribute.
func ReadOptList[T any](r *Reader, name string, one func(Item) (T, error)) []T {
	if !r.Has(name) {
		return nil
	}
	return ReadList(r, name, one)
}
