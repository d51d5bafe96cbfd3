package dynamo

import (
	"context"
	"strconv"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const idempotencyPrefix = "IDEMPOTENCY#"

// idempotencyKey is the record of a request by its API key's id and its own
// idempotency key, which may be anything: it comes last.
func idempotencyKey(apiKeyID int64, header string) ddb.Key {
	return ddb.Key{PK: idempotencyPrefix + strconv.FormatInt(apiKeyID, 10) + "#" + header, SK: meta}
}

// Attributes of an idempotency record.
const (
	attrDigest     = "digest"
	attrClaimed    = "claimed" // UTC seconds
	attrReply      = "reply"   // absent while the claim is open
	attrClaimToken = "request" // the Token of the claim
)

// Claim implements web.Store. It is one conditional write; a refusal returns the record
// that is there.
func (s *Store) Claim(ctx context.Context, r statuspage.IdempotentRequest, now int64) (statuspage.Claim, []byte, error) {
	claim := statuspage.Claim{APIKeyID: r.APIKeyID, Key: r.Key, Token: ddb.NewToken()}
	e := ifUnclaimed(now).Set(attrDigest, ddb.Str(r.Digest)).Set(attrClaimed, ddb.Num(now)).Set(attrClaimToken, ddb.Str(claim.Token)).
		Set(ddb.AttrTTL, ddb.Num(now+statuspage.ReplyKept)).Remove(attrReply)
	refused, err := s.table.Transact(ctx, s.table.Update(idempotencyKey(r.APIKeyID, r.Key), e))
	if err != nil {
		return statuspage.Claim{}, nil, err
	}
	if refused == nil {
		return claim, nil, nil
	}
	there := ddb.Reader{Item: refused.Item(0)}
	digest, reply := there.Str(attrDigest), there.OptBytes(attrReply)
	switch {
	case there.Err != nil:
		return statuspage.Claim{}, nil, there.Err
	case digest != r.Digest:
		return statuspage.Claim{}, nil, statuspage.ErrIdempotencyReused
	case reply == nil:
		return statuspage.Claim{}, nil, statuspage.ErrIdempotencyRunning
	}
	return statuspage.Claim{}, reply, nil
}

// ifUnclaimed asks that the idempotency record is not there, is past its time though not
// yet removed, or is a claim older than ClaimHeld.
func ifUnclaimed(now int64) *ddb.Expr {
	e := ddb.NewExpr()
	ttl, reply, claimed := e.Name(ddb.AttrTTL), e.Name(attrReply), e.Name(attrClaimed)
	return e.If("(attribute_not_exists(" + e.Name(ddb.AttrPK) + ")" +
		" OR " + ttl + " <= " + e.Value("now", ddb.Num(now)) +
		" OR (attribute_not_exists(" + reply + ") AND " + claimed + " <= " + e.Value("lapsed", ddb.Num(now-statuspage.ClaimHeld)) + "))")
}

// ifHeld asks that the idempotency record is the claim's and not completed.
func ifHeld(c statuspage.Claim) *ddb.Expr {
	return ddb.NewExpr().IfEqual(attrClaimToken, ddb.Str(c.Token)).IfHas(attrReply, false)
}

// Release implements web.Store.
func (s *Store) Release(ctx context.Context, c statuspage.Claim) error {
	_, err := s.table.Transact(ctx, s.table.Delete(idempotencyKey(c.APIKeyID, c.Key), ifHeld(c)))
	return err
}

// Complete implements web.Store.
func (s *Store) Complete(ctx context.Context, c statuspage.Claim, reply []byte) error {
	_, err := s.table.Transact(ctx, s.keepReply(c, reply))
	return err
}

// keepReply is the write that completes a claim, refused when it has ended.
func (s *Store) keepReply(c statuspage.Claim, reply []byte) ddb.Write {
	return s.table.Update(idempotencyKey(c.APIKeyID, c.Key), ifHeld(c).Set(attrReply, ddb.Bytes(reply)))
}

// completion is the write that keeps the reply to what is made together with it; none
// when once is nil.
func completion[T any](s *Store, once *statuspage.Once[T], made T) []ddb.Write {
	if once == nil {
		return nil
	}
	return []ddb.Write{s.keepReply(once.Claim, once.Reply(made))}
}
