package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

// The change rows have a partition for each UTC day. A partition takes about 1,000 write
// units a second, and a row in a transaction costs two: 500 changes a second are the limit.
const changesPrefix = "CHANGES#"

// Attributes of a change row.
const (
	attrRecord    = "record"
	attrWhat      = "what"
	attrFields    = "fields"
	attrCommentID = "comment_id"
	attrEventID   = "event_id"
	attrBy        = "by"
	attrByID      = "by_id"
)

// fieldNames are the names of fields in a Change, by attribute, where the two differ: the
// name that the v4 API has, or the legacy API for what it alone shows. No API shows the
// closer's warning.
var fieldNames = map[statuspage.RecordKind]map[string]string{
	statuspage.RecordIncident: {
		attrStart: "start_date_time", attrNoStart: "start_date_time", attrStartSeconds: "start_date_time",
		attrEnd: "end_date_time", attrEndSeconds: "end_date_time", attrNoImpact: "monitors", attrAutoClose: "auto_close_after",
		attrClosed: "closedAt", attrOrphan: "monitors", attrIdentified: "isIdentified", attrMaintenance: "isMaintenance",
		attrWarned: "warning", attrWarnedOf: "warning",
	},
	statuspage.RecordAlertRule: {
		attrLimit: "alert_value", attrStatusValue: "alert_value", attrFailures: "failure_threshold", attrSuccesses: "success_threshold",
		attrMonitors: "monitor_tags", attrActive: "is_active",
	},
	statuspage.RecordMaintenance: {attrStart: "start_date_time", attrOrphan: "monitors"},
	statuspage.RecordPage:        {ddb.AttrSK: "page_path", attrTitle: "page_title", attrAll: "monitors"},
	statuspage.RecordIntegration: {attrToken: "token", attrTopics: "pinned_topics", attrActive: "is_active"},
	statuspage.RecordAPIKey:      {attrRevoked: "revoked_at", attrScopesVersion: "scopes"},
}

// followsOthers are attributes that are in no Change: they change with each write, with the
// first one to what was there before anybody wrote it, or are made from others.
var followsOthers = map[string]bool{
	ddb.AttrVersion: true, ddb.AttrLSI1SK: true, ddb.AttrGSI1SK: true, ddb.AttrGSI2PK: true, ddb.AttrGSI2SK: true, attrUpdated: true, attrCreated: true,
	attrSince: true, attrFormer: true, attrChanged: true, attrMade: true, attrRecent: true, attrLastError: true, attrLastErrorAt: true, attrHandled: true,
}

// changedFields are the fields in which a record differs from what it was, nil when only
// its version and the time of its update do.
func changedFields(of statuspage.RecordKind, old, next ddb.Item) []string {
	var fields []string
	seen := map[string]bool{}
	for _, attr := range ddb.Differences(old, next) {
		if followsOthers[attr] {
			continue
		}
		name, other := fieldNames[of][attr]
		if !other {
			name = attr
		}
		if !seen[name] {
			seen[name] = true
			fields = append(fields, name)
		}
	}
	return fields
}

// changeRow is the write of the change row, at now (UTC seconds) and by the actor of ctx.
func (s *Store) changeRow(ctx context.Context, c statuspage.Change, now int64) ddb.Write {
	c.By, c.Time = statuspage.ActorFrom(ctx), now
	// The rows of one second are in no order; those of one record have versions.
	sk := fmt.Sprintf("%012d#%s", now, ddb.NewToken()[:12])
	it := ddb.Key{PK: changesPrefix + time.Unix(now, 0).UTC().Format(time.DateOnly), SK: sk}.Item()
	it[ddb.AttrGSI2PK] = ddb.Str(changesPrefix + string(c.Record) + "#" + strconv.FormatInt(c.ID, 10))
	it[ddb.AttrGSI2SK] = ddb.Str(sk)
	it[attrRecord] = ddb.Str(string(c.Record))
	it[ddb.AttrID] = ddb.Num(c.ID)
	if c.Tag != "" {
		it[attrTag] = ddb.Str(c.Tag)
	}
	if c.Version != 0 {
		it[ddb.AttrVersion] = ddb.Num(c.Version)
	}
	it[attrWhat] = ddb.Str(string(c.What))
	if len(c.Fields) > 0 {
		it[attrFields] = ddb.Set(c.Fields)
	}
	if c.CommentID != 0 {
		it[attrCommentID] = ddb.Num(c.CommentID)
	}
	if c.OccurrenceID != 0 {
		it[attrEventID] = ddb.Num(c.OccurrenceID)
	}
	putActor(it, c.By)
	it[attrTime] = ddb.Num(c.Time)
	it[ddb.AttrTTL] = ddb.Num(now + statuspage.ChangeKept)
	return s.table.Put(it)
}

// readChange undoes changeRow.
func readChange(it ddb.Item) (statuspage.Change, error) {
	r := ddb.Reader{Item: it}
	c := statuspage.Change{
		Record:       statuspage.RecordKind(r.Str(attrRecord)),
		ID:           r.Num(ddb.AttrID),
		Tag:          r.StrOrEmpty(attrTag),
		Version:      r.NumOrZero(ddb.AttrVersion),
		What:         statuspage.ChangeKind(r.Str(attrWhat)),
		Fields:       r.Set(attrFields),
		CommentID:    r.NumOrZero(attrCommentID),
		OccurrenceID: r.NumOrZero(attrEventID),
		Time:         r.Num(attrTime),
	}
	if r.Err != nil {
		return c, r.Err
	}
	var err error
	c.By, err = readActor(it)
	return c, err
}

// clockLead is for how many seconds the clock of a writer may be ahead of a reader's.
const clockLead = 60

// ChangesSince implements site.Store. The days' partitions are read at once, strongly
// consistent.
func (s *Store) ChangesSince(ctx context.Context, since, now int64) ([]statuspage.Change, error) {
	first, last := statuspage.FloorDay(since), statuspage.FloorDay(now+clockLead)
	days := make([][]statuspage.Change, (last-first)/daySeconds+1)
	var g errgroup.Group
	g.SetLimit(callsAtOnce)
	for n := range days {
		g.Go(func() error {
			day := time.Unix(first+int64(n)*daySeconds, 0).UTC().Format(time.DateOnly)
			q := ddb.Query{PK: changesPrefix + day, Low: fmt.Sprintf("%012d", since), High: "~"}
			for it, err := range s.table.Items(ctx, q) {
				if err != nil {
					return err
				}
				c, err := readChange(it)
				if err != nil {
					return err
				}
				days[n] = append(days[n], c)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(days...), nil
}

// putActor gives the item who does something; an operator has no attribute.
func putActor(it ddb.Item, a statuspage.Actor) {
	if a.Kind != statuspage.ByOperator {
		it[attrBy] = ddb.Str(string(a.Kind))
	}
	if a.ID != 0 {
		it[attrByID] = ddb.Num(a.ID)
	}
}

// readActor undoes putActor.
func readActor(it ddb.Item) (statuspage.Actor, error) {
	r := ddb.Reader{Item: it}
	a := statuspage.Actor{Kind: statuspage.ActorKind(r.StrOrEmpty(attrBy)), ID: r.NumOrZero(attrByID)}
	return a, r.Err
}
