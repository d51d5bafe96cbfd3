package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/internal/statuspage"
)

// Monitor implements statuspage.MonitorStore.
func (s *Store) Monitor(ctx context.Context, tag string) (statuspage.Monitor, error) {
	if !statuspage.ValidTag(tag) {
		return statuspage.Monitor{}, statuspage.MonitorNotFound(tag)
	}
	it, err := s.get(ctx, monitorKey(tag))
	if err != nil {
		return statuspage.Monitor{}, err
	}
	if it == nil {
		return statuspage.Monitor{}, statuspage.MonitorNotFound(tag)
	}
	return readMonitor(it)
}

// monitorItems reads the monitors with these tags, cut to the fields; a tag without a
// monitor is missing from the result. A tag that no monitor can have is not looked
// up: DynamoDB would refuse it as a key.
func (s *Store) monitorItems(ctx context.Context, tags []string, fields ...string) (map[key]item, error) {
	seen := map[string]bool{}
	var keys []key
	for _, tag := range tags {
		if statuspage.ValidTag(tag) && !seen[tag] {
			seen[tag] = true
			keys = append(keys, monitorKey(tag))
		}
	}
	return s.batchGet(ctx, keys, fields...)
}

// monitorIDs returns the ids of the monitors with these tags.
func (s *Store) monitorIDs(ctx context.Context, tags []string) (map[string]int64, error) {
	found, err := s.monitorItems(ctx, tags, attrID)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]int64, len(found))
	for k, it := range found {
		r := reader{item: it}
		ids[k.sk] = r.num(attrID)
		if r.err != nil {
			return nil, r.err
		}
	}
	return ids, nil
}

const monitorsQuery = attrPK + " = :pk AND " + attrLSI1SK + " < :before"

// Monitors implements statuspage.MonitorStore.
func (s *Store) Monitors(ctx context.Context, q statuspage.MonitorQuery, take func(statuspage.Monitor) bool) (int64, error) {
	before := "~"
	if q.After != 0 {
		before = padID(q.After)
	}
	limit := q.Limit + 1
	if q.Status != "" || q.Category != "" || q.Type != "" || q.Hidden != "" {
		limit = maxRowsRead
	}
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: s.table, IndexName: aws.String(indexLSI1), ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression:    aws.String(monitorsQuery),
		ExpressionAttributeValues: item{":pk": str(allMonitors), ":before": str(before)},
		Limit:                     limitOf(limit),
	})
	last, read := q.After, 0
	for pages.HasMorePages() {
		if read >= maxRowsRead {
			return last, nil
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, failure("query monitors", err)
		}
		for _, it := range page.Items {
			m, err := readMonitor(it)
			if err != nil {
				return 0, err
			}
			if read == maxRowsRead || q.Matches(m) && !take(m) {
				return last, nil
			}
			last = m.ID
			read++
		}
	}
	return 0, nil
}

// CreateMonitor implements statuspage.MonitorStore.
func (s *Store) CreateMonitor(ctx context.Context, m statuspage.Monitor, now int64, once *statuspage.Once[statuspage.Monitor]) (statuspage.Monitor, error) {
	var err error
	if m.ID, err = s.nextID(ctx, monitorIDs); err != nil {
		return statuspage.Monitor{}, err
	}
	m.Created, m.Updated, m.Version = now, now, 1
	refused, err := transactOnce(ctx, s, once, m, s.putNew(monitorItem(m)))
	if err != nil {
		return statuspage.Monitor{}, err
	}
	if refused != nil {
		return statuspage.Monitor{}, statuspage.MonitorExists(m.Tag)
	}
	return m, nil
}

// UpdateMonitor implements statuspage.MonitorStore. The whole item is written, to
// the version that was read.
func (s *Store) UpdateMonitor(ctx context.Context, tag string, p statuspage.MonitorPatch, now int64) (statuspage.Monitor, error) {
	for attempt := 0; ; attempt++ {
		old, err := s.Monitor(ctx, tag)
		if err != nil {
			return statuspage.Monitor{}, err
		}
		m, err := old.Apply(p, now)
		if err != nil {
			return statuspage.Monitor{}, err
		}
		e := newExpr().ifVersion(old.Version).ifCompare(attrID, "=", attrID, num(old.ID))
		refused, err := s.transact(ctx, s.putIf(monitorItem(m), e))
		if err != nil {
			return statuspage.Monitor{}, err
		}
		if refused == nil {
			return m, nil
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return statuspage.Monitor{}, err
		}
	}
}

// DeleteMonitor implements statuspage.MonitorStore. The monitor goes in one
// transaction that leaves a CLEANUP row; its links and rows follow.
func (s *Store) DeleteMonitor(ctx context.Context, tag string, now int64) error {
	for attempt := 0; ; attempt++ {
		m, err := s.Monitor(ctx, tag)
		if err != nil {
			return err
		}
		refused, err := s.transact(ctx,
			s.remove(monitorKey(tag), newExpr().ifCompare(attrID, "=", attrID, num(m.ID))),
			s.put(cleanupItem(cleanupMonitor, m.ID, now)))
		if err != nil {
			return err
		}
		if refused == nil {
			_, err := s.finishMonitor(ctx, m.ID, rowsAtOnce)
			s.finishLater(ctx, err)
			return nil
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return err
		}
	}
}
