package dynamo

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/statuspage"
)

// APIKeyByHash implements statuspage.KeyStore.
func (s *Store) APIKeyByHash(ctx context.Context, hash string) (statuspage.APIKey, error) {
	it, err := s.get(ctx, apiKeyKey(hash))
	if err != nil {
		return statuspage.APIKey{}, err
	}
	if it == nil {
		return statuspage.APIKey{}, statuspage.ErrKeyNotFound
	}
	return readAPIKey(it)
}

// CreateAPIKey implements statuspage.KeyStore.
func (s *Store) CreateAPIKey(ctx context.Context, secret string, n statuspage.NewAPIKey, now int64, once *statuspage.Once[statuspage.APIKey]) (statuspage.APIKey, error) {
	if !statuspage.ValidSecret(secret) {
		return statuspage.APIKey{}, errors.New("an API key is kener_ and 64 lower-case hexadecimal digits")
	}
	id, err := s.nextID(ctx, apiKeyIDs)
	if err != nil {
		return statuspage.APIKey{}, err
	}
	k := statuspage.APIKey{
		ID: id, Hash: statuspage.HashSecret(secret), Name: n.Name, Scopes: n.Scopes, Created: now, Expires: n.Expires,
	}
	refused, err := transactOnce(ctx, s, once, k, s.putNew(apiKeyItem(k)))
	if err != nil {
		return statuspage.APIKey{}, err
	}
	if refused != nil {
		return statuspage.APIKey{}, errKeyExists
	}
	return k, nil
}

var errKeyExists = errors.New("this API key exists already")

// EnsureAPIKey makes the key exist, active and with exactly these scopes and this
// expiry, whether it was there before, revoked or not.
func (s *Store) EnsureAPIKey(ctx context.Context, secret string, n statuspage.NewAPIKey, now int64) (statuspage.APIKey, error) {
	hash := statuspage.HashSecret(secret)
	k, err := s.APIKeyByHash(ctx, hash)
	if errors.Is(err, statuspage.ErrKeyNotFound) {
		k, err = s.CreateAPIKey(ctx, secret, n, now, nil)
		if errors.Is(err, errKeyExists) { // somebody else made it since
			k, err = s.APIKeyByHash(ctx, hash)
		}
	}
	if err != nil {
		return statuspage.APIKey{}, err
	}
	if k.Revoked == nil && slices.Equal(k.Scopes, n.Scopes) && k.Expires == nil && n.Expires == nil {
		return k, nil
	}
	e := newExpr().ifExists().remove(attrRevoked).setOrRemove(attrExpires, n.Expires)
	if len(n.Scopes) > 0 {
		e.set(attrScopes, scopeSet(n.Scopes))
	} else {
		e.remove(attrScopes)
	}
	it, refused, err := s.updateInPlace(ctx, apiKeyKey(hash), e, attrRequest, newToken())
	if err != nil {
		return statuspage.APIKey{}, err
	}
	if refused {
		return statuspage.APIKey{}, statuspage.ErrKeyNotFound
	}
	return readAPIKey(it)
}

const (
	apiKeysQuery = attrGSI1PK + " = :pk AND " + attrGSI1SK + " < :before"
	apiKeyQuery  = attrGSI1PK + " = :pk AND " + attrGSI1SK + " = :id"
)

// APIKeys implements statuspage.KeyStore.
func (s *Store) APIKeys(ctx context.Context, q statuspage.KeyQuery, take func(statuspage.APIKey) bool) (int64, error) {
	before := "~"
	if q.After != 0 {
		before = padID(q.After)
	}
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: s.table, IndexName: aws.String(indexGSI1), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression:    aws.String(apiKeysQuery),
		ExpressionAttributeValues: item{":pk": str(allAPIKeys), ":before": str(before)},
		Limit:                     limitOf(q.Limit + 1),
	})
	last := q.After
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, failure("query API keys", err)
		}
		for _, it := range page.Items {
			k, err := readAPIKey(it)
			if err != nil {
				return 0, err
			}
			if !take(k) {
				return last, nil
			}
			last = k.ID
		}
	}
	return 0, nil
}

// RevokeAPIKey implements statuspage.KeyStore.
func (s *Store) RevokeAPIKey(ctx context.Context, id int64, now int64) (statuspage.APIKey, error) {
	if !statuspage.ValidID(id) {
		return statuspage.APIKey{}, statuspage.KeyNotFound(id)
	}
	out, err := s.client.Query(ctx, &dynamodb.QueryInput{
		TableName: s.table, IndexName: aws.String(indexGSI1),
		KeyConditionExpression:    aws.String(apiKeyQuery),
		ExpressionAttributeValues: item{":pk": str(allAPIKeys), ":id": str(padID(id))},
	})
	if err != nil {
		return statuspage.APIKey{}, failure("query API keys", err)
	}
	if len(out.Items) == 0 {
		return statuspage.APIKey{}, statuspage.KeyNotFound(id)
	}
	it, refused, err := s.updateInPlace(ctx, keyOf(out.Items[0]), newExpr().ifExists().setIfAbsent(attrRevoked, num(now)), attrRequest, newToken())
	if err != nil {
		return statuspage.APIKey{}, err
	}
	if refused {
		return statuspage.APIKey{}, statuspage.KeyNotFound(id)
	}
	return readAPIKey(it)
}

// MarkAPIKeyUsed implements statuspage.KeyStore.
func (s *Store) MarkAPIKeyUsed(ctx context.Context, hash string, hour int64) error {
	e := newExpr().ifExists().raise(attrLastUsed, num(hour))
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: apiKeyKey(hash).attributes(),
		UpdateExpression: e.update(), ConditionExpression: e.condition(),
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
	})
	if _, noted := errors.AsType[*types.ConditionalCheckFailedException](err); noted {
		return nil
	}
	if err != nil {
		return failure("mark an API key as used", err)
	}
	return nil
}
