package ddb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

func TestMain(m *testing.M) { dynamotest.Main(m) }

func table(t *testing.T, client *dynamotest.Client) *ddb.Table {
	t.Helper()
	tb := dynamotest.NewTable(t)
	if client == nil {
		return ddb.New(tb.DynamoDB(nil), tb.Name)
	}
	return ddb.New(tb.DynamoDB(client), tb.Name)
}

// record is an item with an id and a version.
func record(id, version int64, more ddb.Item) ddb.Item {
	it := ddb.Key{PK: "p", SK: "s"}.Item()
	it[ddb.AttrID], it[ddb.AttrVersion] = ddb.Num(id), ddb.Num(version)
	for name, v := range more {
		it[name] = v
	}
	return it
}

func put(t *testing.T, tb *ddb.Table, it ddb.Item) {
	t.Helper()
	if refused, err := tb.Transact(t.Context(), tb.Put(it)); refused != nil || err != nil {
		t.Fatal(refused, err)
	}
}

// A change writes what differs and leaves what it does not know. It is refused with the item
// as it is when its id or its version is another one.
func TestChange(t *testing.T) {
	t.Parallel()
	tb := table(t, nil)
	old := record(1, 1, ddb.Item{"kept": ddb.Str("a"), "changed": ddb.Str("a"), "gone": ddb.Str("a")})
	next := record(1, 2, ddb.Item{"kept": ddb.Str("a"), "changed": ddb.Str("b"), "new": ddb.Num(1)})
	there := record(1, 1, ddb.Item{"kept": ddb.Str("a"), "changed": ddb.Str("a"), "gone": ddb.Str("a"), "of a newer program": ddb.Str("x")})
	put(t, tb, there)
	refused, err := tb.Transact(t.Context(), tb.Change(old, next))
	if refused != nil || err != nil {
		t.Fatal(refused, err)
	}
	want := record(1, 2, ddb.Item{"kept": ddb.Str("a"), "changed": ddb.Str("b"), "new": ddb.Num(1), "of a newer program": ddb.Str("x")})
	got, err := tb.Get(t.Context(), ddb.Key{PK: "p", SK: "s"})
	if d := ddb.Differences(want, got); d != nil || err != nil {
		t.Errorf("the item differs in %v, %v", d, err)
	}
	for name, read := range map[string]ddb.Item{"an older version": old, "another id": record(2, 2, nil)} {
		refused, err := tb.Transact(t.Context(), tb.Change(read, record(1, 3, nil)))
		if err != nil || refused == nil || !refused.Failed(0) || ddb.Differences(want, refused.Item(0)) != nil {
			t.Errorf("%s: %+v, %v", name, refused, err)
		}
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	list := func(n int64) types.AttributeValue { return ddb.ListOf([]int64{1, n}, ddb.Num) }
	a := ddb.Item{"s": ddb.Str("x"), "n": ddb.Num(1), "l": list(2), "set": ddb.Set([]string{"a", "b"}), "only a": ddb.Str("")}
	b := ddb.Item{"s": ddb.Str("1"), "n": ddb.Num(1), "l": list(3), "set": ddb.Set([]string{"b", "a"}), "only b": ddb.Str("")}
	if d := cmp.Diff([]string{"l", "only a", "only b", "s"}, ddb.Differences(a, b)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := ddb.Differences(a, a); d != nil {
		t.Errorf("of itself: %v", d)
	}
}

// The pages of a list hold every record once, in order, wherever they end.
func TestList(t *testing.T) {
	t.Parallel()
	tb := table(t, nil)
	for n := range 10 {
		it := ddb.Key{PK: "p", SK: fmt.Sprint(n)}.Item()
		it["n"] = ddb.Num(int64(n))
		put(t, tb, it)
	}
	read := func(it ddb.Item) (int, error) {
		r := ddb.Reader{Item: it}
		return int(r.Num("n")), r.Err
	}
	for _, tt := range []struct {
		name          string
		limit, most   int
		pageSize      int
		matches       func(int) bool
		want          []int
		pages, atMost int
	}{
		{"all at once", 0, 0, 20, nil, []int{9, 8, 7, 6, 5, 4, 3, 2, 1}, 1, 1},
		{"three a page", 4, 0, 3, nil, []int{9, 8, 7, 6, 5, 4, 3, 2, 1}, 3, 4},
		{"a call for each", 1, 0, 3, nil, []int{9, 8, 7, 6, 5, 4, 3, 2, 1}, 3, 4},
		{"even ones", 3, 0, 2, func(n int) bool { return n%2 == 0 }, []int{8, 6, 4, 2}, 2, 3},
		{"few read a page", 2, 2, 9, func(n int) bool { return n%2 == 0 }, []int{8, 6, 4, 2}, 4, 6},
	} {
		var got []int
		pages := 0
		for after := 10; after != 0; pages++ {
			taken := 0
			next, err := ddb.List(t.Context(), tb, ddb.Listing[int, int]{
				Query: ddb.Query{PK: "p", Low: "1", High: fmt.Sprint(after - 1), Newest: true, Limit: tt.limit}, Most: tt.most,
				Read: ddb.Each(read), Matches: tt.matches, After: after, Position: func(n int) int { return n },
				Take: func(n int) bool {
					if taken == tt.pageSize {
						return false
					}
					taken++
					got = append(got, n)
					return true
				},
			})
			if err != nil || next >= after {
				t.Fatalf("%s: after %d comes %d, %v", tt.name, after, next, err)
			}
			after = next
		}
		if !slices.Equal(got, tt.want) || pages < tt.pages || pages > tt.atMost {
			t.Errorf("%s: %v on %d pages, want %v on %d to %d", tt.name, got, pages, tt.want, tt.pages, tt.atMost)
		}
	}
}

// What is in conflict for ever ends in time, as Unavailable, and so does what others change
// at every try.
func TestEndOfTime(t *testing.T) {
	t.Parallel()
	tb := table(t, &dynamotest.Client{Inject: func(string, []byte) dynamotest.Fault { return dynamotest.Conflict }})
	for name, f := range map[string]func(context.Context) error{
		"transaction": func(ctx context.Context) error { _, err := tb.Transact(ctx, tb.Put(record(1, 1, nil))); return err },
		"update": func(ctx context.Context) error {
			_, _, err := tb.UpdateAtLeastOnce(ctx, ddb.Key{PK: "p", SK: "s"}, ddb.NewExpr().Add("n", 1))
			return err
		},
		"retry": func(ctx context.Context) error { return ddb.Retry(ctx, func() (bool, error) { return false, nil }) },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if e, ok := errors.AsType[*statuspage.Error](f(ctx)); !ok || e.Code != statuspage.CodeUnavailable || e.Err == nil {
			t.Errorf("%s: %v, want Unavailable with its cause", name, e)
		}
	}
}
