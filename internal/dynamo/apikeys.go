package dynamo

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

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
func (s *Store) CreateAPIKey(ctx context.Context, secret string, n statuspage.NewAPIKey, now int64) (statuspage.APIKey, error) {
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
	refused, err := s.transact(ctx, s.putNew(apiKeyItem(k)))
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
		k, err = s.CreateAPIKey(ctx, secret, n, now)
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
	it, refused, err := s.updateInPlace(ctx, apiKeyKey(hash), e)
	if err != nil {
		return statuspage.APIKey{}, err
	}
	if refused {
		return statuspage.APIKey{}, statuspage.ErrKeyNotFound
	}
	return readAPIKey(it)
}

const apiKeysQuery = attrGSI1PK + " = :pk AND " + attrGSI1SK + " BETWEEN :low AND :high"

// apiKeys returns the keys with ids from low to high, oldest first.
func (s *Store) apiKeys(ctx context.Context, low, high int64) ([]statuspage.APIKey, error) {
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: s.table, IndexName: aws.String(indexGSI1),
		KeyConditionExpression: aws.String(apiKeysQuery),
		ExpressionAttributeValues: item{
			":pk": str(allAPIKeys), ":low": str(padID(low)), ":high": str(padID(high)),
		},
	})
	var keys []statuspage.APIKey
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure("query API keys", err)
		}
		for _, it := range page.Items {
			k, err := readAPIKey(it)
			if err != nil {
				return nil, err
			}
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// APIKeys implements statuspage.KeyStore.
func (s *Store) APIKeys(ctx context.Context) ([]statuspage.APIKey, error) {
	return s.apiKeys(ctx, 0, statuspage.MaxID)
}

// RevokeAPIKey implements statuspage.KeyStore. The key is found by the index, which
// follows the making of a key within moments.
func (s *Store) RevokeAPIKey(ctx context.Context, id int64, now int64) (statuspage.APIKey, error) {
	if !statuspage.ValidID(id) {
		return statuspage.APIKey{}, statuspage.ErrKeyNotFound
	}
	keys, err := s.apiKeys(ctx, id, id)
	if err != nil {
		return statuspage.APIKey{}, err
	}
	if len(keys) == 0 {
		return statuspage.APIKey{}, statuspage.ErrKeyNotFound
	}
	it, refused, err := s.updateInPlace(ctx, apiKeyKey(keys[0].Hash), newExpr().ifExists().setIfAbsent(attrRevoked, num(now)))
	if err != nil {
		return statuspage.APIKey{}, err
	}
	if refused {
		return statuspage.APIKey{}, statuspage.ErrKeyNotFound
	}
	return readAPIKey(it)
}
