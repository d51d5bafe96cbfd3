// Package opt holds the three states a field of a partial update can have:
// absent, null, or a value. A PATCH body needs all three: an absent field stays
// as it is, a null one is cleared, a value replaces what was there.
package opt

import "reflect"

// Field is one field of a partial update. Its zero value is absent.
type Field[T any] struct {
	value T
	set   bool
	null  bool
}

// Value returns a field that carries v.
func Value[T any](v T) Field[T] { return Field[T]{value: v, set: true} }

// Null returns a field that was sent as null.
func Null[T any]() Field[T] { return Field[T]{set: true, null: true} }

// IsSet reports whether the field was sent at all, null included.
func (f Field[T]) IsSet() bool { return f.set }

// IsNull reports whether the field was sent as null.
func (f Field[T]) IsNull() bool { return f.null }

// Equal reports whether both fields are absent, or null, or carry the same value.
func (f Field[T]) Equal(other Field[T]) bool { return reflect.DeepEqual(f, other) }

// Get returns the value and true, or the zero value and false when the field is
// absent or null.
func (f Field[T]) Get() (T, bool) { return f.value, f.set && !f.null }

// Or returns the value, or fallback when the field is absent or null.
func (f Field[T]) Or(fallback T) T {
	if v, ok := f.Get(); ok {
		return v
	}
	return fallback
}

// Ptr returns the pointer that the field turns old into: old itself when the
// field is absent, nil when it is null.
func (f Field[T]) Ptr(old *T) *T {
	switch {
	case !f.set:
		return old
	case f.null:
		return nil
	default:
		return &f.value
	}
}
