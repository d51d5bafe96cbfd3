package web

import "context"

// Acts returns the handler of a request that reads or changes something: read looks at
// the request alone, do uses the table, and show words what came of it.
func Acts[In, Out any](read func(*Request) (In, error), do func(*Request, In) (Out, error), show func(*Request, Out) Answer) Handler {
	return func(r *Request) (Action, error) {
		in, err := read(r)
		if err != nil {
			return nil, err
		}
		return func() (Answer, error) {
			out, err := do(r, in)
			if err != nil {
				return Answer{}, err
			}
			return show(r, out), nil
		}, nil
	}
}

// Gets returns the handler of a GET of one record: id finds out which one, get is the
// repository's.
func Gets[ID, T any](id func(*Request) (ID, error), get func(context.Context, ID) (T, error), show func(*Request, T) Answer) Handler {
	return Acts(id, func(r *Request, id ID) (T, error) { return get(r.Context(), id) }, show)
}

// Deletes returns the handler of a DELETE of the record with an id. message says that it
// is gone, with a verb for the id.
func Deletes(id func(*Request) (int64, error), remove func(*Request, int64) error, message string) Handler {
	return Acts(id, func(r *Request, id int64) (int64, error) { return id, remove(r, id) },
		func(_ *Request, id int64) Answer { return Message(message, id) })
}

// A List is what the handler of a list is made of. Q is the question, T the records and
// P the place in their order.
type List[Q, T, P any] struct {
	Name   string // of the list in the answer
	Query  func(*Request) (q Q, limit int, err error)
	Read   func(ctx context.Context, q Q, take func(T) bool) (next P, err error) // the repository's
	Show   func(*Request, T) any
	Cursor func(next P) string // "" when the list has ended
	Whole  func(Q) error       // why a list that goes on after its page is refused, nil: it is not; nil for none
}

// Handler returns the handler of the list.
func (l List[Q, T, P]) Handler() Handler {
	return func(r *Request) (Action, error) {
		q, limit, err := l.Query(r)
		if err != nil {
			return nil, err
		}
		return func() (Answer, error) {
			p := r.Page(l.Name, limit)
			next, err := l.Read(r.Context(), q, func(record T) bool { return p.Add(l.Show(r, record)) })
			if err != nil {
				return Answer{}, err
			}
			cursor := l.Cursor(next)
			if cursor != "" && l.Whole != nil {
				if err := l.Whole(q); err != nil {
					return Answer{}, err
				}
			}
			return p.Answer(cursor), nil
		}, nil
	}
}

// Existing returns what reads the id in the path that is called name. An id that no
// record can have is missing; what is none is notID.
func Existing(name string, notID error, missing func(id string) error) func(*Request) (int64, error) {
	return func(r *Request) (int64, error) {
		id, err := ParseID(r.PathValue(name), notID)
		if err == nil && !id.Exists() {
			err = missing(id.Text)
		}
		return id.N, err
	}
}
