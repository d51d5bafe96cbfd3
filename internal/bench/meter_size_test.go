package bench

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/dynamo/dump"
)

func TestItemSize(t *testing.T) {
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	number := func(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
	for _, tt := range []struct {
		name string
		item map[string]types.AttributeValue
		want int
	}{
		{"nothing", nil, 0},
		{"text counts in bytes", map[string]types.AttributeValue{"ä": text("ö1")}, 5},
		{"numbers by their digits", map[string]types.AttributeValue{"n": number("1763800000")}, 1 + 4}, // 17638
		{"minus and point", map[string]types.AttributeValue{"n": number("-12.5")}, 1 + 3},
		{"truth", map[string]types.AttributeValue{"b": &types.AttributeValueMemberBOOL{Value: true}}, 2},
		{"a list of maps", map[string]types.AttributeValue{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{
			&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"a": text("b")}}}}}, 1 + 3 + 1 + 3 + 1 + 2},
	} {
		if got := itemSize(tt.item); got != tt.want {
			t.Errorf("%s: %d bytes, want %d", tt.name, got, tt.want)
		}
	}
}

func TestIndexUnits(t *testing.T) {
	m := &meter{indexes: []dump.IndexDefinition{{Name: "i", PartitionKey: "p", SortKey: "s"}}}
	item := func(key, more string) map[string]types.AttributeValue {
		it := map[string]types.AttributeValue{"p": &types.AttributeValueMemberS{Value: "x"}, "more": &types.AttributeValueMemberS{Value: more}}
		if key != "" {
			it["s"] = &types.AttributeValueMemberS{Value: key}
		}
		return it
	}
	large := strings.Repeat("x", 1500)
	for _, tt := range []struct {
		name          string
		before, after map[string]types.AttributeValue
		want          float64
	}{
		{"never in it", item("", "a"), item("", "b"), 0},
		{"unchanged", item("1", "a"), item("1", "a"), 0},
		{"new", nil, item("1", "a"), 1},
		{"gone", item("1", "a"), nil, 1},
		{"leaves it", item("1", "a"), item("", "a"), 1},
		{"changed", item("1", "a"), item("1", "b"), 1},
		{"key changed", item("1", "a"), item("2", "a"), 2},
		{"large, key changed", item("1", large), item("2", large), 4},
		{"shrinks", item("1", large), item("1", "a"), 2},
	} {
		if got := m.indexUnits(tt.before, tt.after); got != tt.want {
			t.Errorf("%s: %v units, want %v", tt.name, got, tt.want)
		}
	}
}
