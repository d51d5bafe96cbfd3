package opt_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/opt"
)

// seen is everything that can be asked of a field.
type seen struct {
	Set, Null bool
	Value     int
	Has       bool
	Or        int
	Ptr       *int // from a pointer to 7
	PtrOfNil  *int
}

func look(f opt.Field[int]) seen {
	s := seen{Set: f.IsSet(), Null: f.IsNull(), Or: f.Or(9), Ptr: f.Ptr(new(7)), PtrOfNil: f.Ptr(nil)}
	s.Value, s.Has = f.Get()
	return s
}

func TestField(t *testing.T) {
	tests := []struct {
		name  string
		field opt.Field[int]
		want  seen
	}{
		{"absent", opt.Field[int]{}, seen{Or: 9, Ptr: new(7)}},
		{"null", opt.Null[int](), seen{Set: true, Null: true, Or: 9}},
		{"value", opt.Value(3), seen{Set: true, Value: 3, Has: true, Or: 3, Ptr: new(3), PtrOfNil: new(3)}},
		{"zero value", opt.Value(0), seen{Set: true, Value: 0, Has: true, Or: 0, Ptr: new(0), PtrOfNil: new(0)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, look(tt.field)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What a pointer from Ptr points to is the caller's own.
func TestPtrDoesNotShare(t *testing.T) {
	f := opt.Value(3)
	*f.Ptr(nil) = 4
	if got, _ := f.Get(); got != 3 {
		t.Errorf("after a write through Ptr the field is %d, want 3", got)
	}
	old := new(7)
	if got := (opt.Field[int]{}).Ptr(old); got != old {
		t.Error("an absent field does not return the old pointer itself")
	}
}

func TestEqual(t *testing.T) {
	fields := []opt.Field[[]string]{{}, opt.Null[[]string](), opt.Value[[]string](nil), opt.Value([]string{"a"}), opt.Value([]string{"b"})}
	for i, a := range fields {
		for j, b := range fields {
			if a.Equal(b) != (i == j) {
				t.Errorf("field %d equal to field %d: %v", i, j, a.Equal(b))
			}
		}
	}
	if !opt.Value([]string{"a"}).Equal(opt.Value([]string{"a"})) {
		t.Error("the same values are not equal")
	}
}
