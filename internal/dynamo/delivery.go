package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const deliveryPrefix = "DELIVERY#"

// Attributes of a delivery, whose time is in UTC milliseconds.
const (
	attrDelivered = "delivered"
	attrCut       = "cut"
	attrAnswer    = "answer" // the status of HTTP
	attrReceived  = "received"
	attrOpened    = "opened_signals"
	attrEnded     = "resolved_signals"
	attrIgnored   = "ignored"
	attrReason    = "reason"
)

func deliveryItem(d statuspage.Delivery, sk string) ddb.Item {
	it := ddb.Key{PK: integrationPK(d.Integration), SK: sk}.Item()
	it[ddb.AttrID] = ddb.Num(d.Integration)
	it[attrDelivered] = ddb.Num(d.Time)
	it[attrText] = ddb.Str(d.Body)
	ddb.PutFlag(it, attrCut, d.Cut)
	it[attrAnswer] = ddb.Num(int64(d.Outcome.Status))
	it[attrReceived] = ddb.Num(int64(d.Outcome.Received))
	it[attrOpened] = ddb.Num(int64(d.Outcome.Opened))
	it[attrEnded] = ddb.Num(int64(d.Outcome.Resolved))
	it[attrIgnored] = ddb.Num(int64(d.Outcome.Ignored))
	if d.Reason != "" {
		it[attrReason] = ddb.Str(d.Reason)
	}
	it[ddb.AttrTTL] = ddb.Num(d.Time/1000 + statuspage.DeliveryKept)
	return it
}

func readDelivery(it ddb.Item) (statuspage.Delivery, error) {
	r := ddb.Reader{Item: it}
	d := statuspage.Delivery{
		Integration: r.Num(ddb.AttrID),
		Time:        r.Num(attrDelivered),
		Body:        r.Str(attrText),
		Cut:         r.Has(attrCut),
		Outcome: statuspage.DeliveryOutcome{
			Status: int(r.Num(attrAnswer)), Received: int(r.Num(attrReceived)), Opened: int(r.Num(attrOpened)),
			Resolved: int(r.Num(attrEnded)), Ignored: int(r.Num(attrIgnored)),
		},
		Reason: r.StrOrEmpty(attrReason),
	}
	return d, r.Err
}

// deliveries are those of an integration, the newest first.
func deliveries(id int64) ddb.Query {
	return ddb.Query{PK: integrationPK(id), Low: deliveryPrefix, High: deliveryPrefix + "~", Newest: true}
}

// trimEach is after how many deliveries that a process keeps it removes older ones, so that a flood
// does not fill the table for a week. trimAtOnce is how many at most.
const (
	trimEach   = 32
	trimAtOnce = 100
)

// RecordDelivery keeps the delivery, in place of one with the same time and nonce. It waits
// throttling out until ctx ends.
func (s *Store) RecordDelivery(ctx context.Context, d statuspage.Delivery) error {
	sk := fmt.Sprintf("%s%015d#%s", deliveryPrefix, d.Time, d.Nonce)
	if err := s.table.BatchWrite(ctx, []types.WriteRequest{ddb.PutRequest(deliveryItem(d, sk))}); err != nil {
		return err
	}
	if s.deliveries.Add(1)%trimEach != 0 {
		return nil
	}
	q := deliveries(d.Integration)
	q.Fields, q.Limit = []string{}, statuspage.MaxDeliveries+trimAtOnce
	items, _, err := s.table.Page(ctx, q, nil)
	if err != nil || len(items) <= statuspage.MaxDeliveries {
		return err
	}
	return s.table.DeleteAll(ctx, keysOf(items[statuspage.MaxDeliveries:]))
}

// Deliveries implements apiv4.IntegrationStore.
func (s *Store) Deliveries(ctx context.Context, id, now int64) ([]statuspage.Delivery, error) {
	if _, err := s.Integration(ctx, id); err != nil {
		return nil, err
	}
	var all []statuspage.Delivery
	q := deliveries(id)
	q.Limit = statuspage.MaxDeliveries
	for it, err := range s.table.Items(ctx, q) {
		if err != nil {
			return nil, err
		}
		if ddb.Expired(it, now) || len(all) == statuspage.MaxDeliveries { // the others are older
			break
		}
		d, err := readDelivery(it)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}
