package dynamo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const signalPrefix = "SIGNAL#"

// signalKey is the mark of a problem of an integration.
func signalKey(integrationID int64, key string) ddb.Key {
	sum := sha256.Sum256([]byte(key))
	return ddb.Key{PK: integrationPK(integrationID), SK: signalPrefix + hex.EncodeToString(sum[:])}
}

const (
	incidentSignals = "SIGNALS"    // partition of gsi1: marks whose alert has an incident
	dueSignals      = "SIGNALSDUE" // partition of gsi2: marks about which something is to be done
)

const openSignalPrefix = openAlertPrefix + "SIGNAL#"

// openSignalKey is the mark under a monitor of an integration's alert that shares the outage.
func openSignalKey(monitorID, alertID int64) ddb.Key {
	return ddb.Key{PK: monitorPK(monitorID), SK: openSignalPrefix + padID(alertID)}
}

// openSignalItem has the rule 0, so that an older program reads it as a mark.
func openSignalItem(monitorID, alertID, incidentID int64) ddb.Item {
	it := openSignalKey(monitorID, alertID).Item()
	it[attrAlert] = ddb.Num(alertID)
	it[attrIncidentID] = ddb.Num(incidentID)
	it[attrRuleID], it[attrRuleVersion] = ddb.Num(0), ddb.Num(0)
	return it
}

// Attributes of a mark, and of an alert of an integration.
const (
	attrIntegrationID = "integration_id"
	attrSignalKey     = "dedup_key"
	attrOpen          = "open"
	attrLinked        = "linked"
	attrEpisode       = "episode"
	attrLastAt        = "last_at" // UTC milliseconds
	attrNoted         = "noted"   // UTC milliseconds
	attrCount         = "count"
	attrSeen          = "seen"
	attrTrouble       = "trouble"
	attrOpens         = "opens"
	attrStale         = "stale"
	attrOver          = "over"
	attrOverSince     = "over_since"

	attrMessage        = "message"
	attrLink           = "link"
	attrSignalSeverity = "signal_severity"
	attrLabels         = "labels"
	attrBegan          = "began"
)

// signalItem is the item of a mark as it is written at now (UTC seconds). One without an open alert
// has a time to live.
func signalItem(m statuspage.SignalMark, now int64) ddb.Item {
	it := signalKey(m.Integration, m.Key).Item()
	it[ddb.AttrID] = ddb.Num(m.AlertID)
	it[attrIntegrationID] = ddb.Num(m.Integration)
	it[attrSignalKey] = ddb.Str(m.Key)
	ddb.PutFlag(it, attrOpen, m.Open)
	ddb.PutNum(it, attrIncidentID, m.IncidentID)
	ddb.PutFlag(it, attrLinked, m.Linked)
	for name, n := range map[string]int64{attrMonitorID: m.MonitorID, attrLastAt: m.LastAt, attrNoted: m.Noted} {
		if n != 0 {
			it[name] = ddb.Num(n)
		}
	}
	for name, text := range map[string]string{attrImpact: string(m.Impact), attrEpisode: m.Episode, attrTrouble: m.Trouble} {
		if text != "" {
			it[name] = ddb.Str(text)
		}
	}
	it[attrCount], it[attrSeen] = ddb.Num(m.Count), ddb.Num(m.LastSeen)
	ddb.PutNum(it, attrOpens, m.Opens)
	ddb.PutNum(it, attrStale, m.Stale)
	ddb.PutNum(it, attrOver, m.Over)
	ddb.PutNum(it, attrOverSince, m.Ended)
	it[ddb.AttrVersion] = ddb.Num(m.Version)
	if m.Open && m.Linked {
		it[ddb.AttrGSI1PK], it[ddb.AttrGSI1SK] = ddb.Str(incidentSignals), ddb.Str(padID(*m.IncidentID)+"#"+padID(m.AlertID))
	}
	if due := m.Due(); due != nil {
		it[ddb.AttrGSI2PK], it[ddb.AttrGSI2SK] = ddb.Str(dueSignals), ddb.Str(timeAndID(*due, 0))
	}
	if !m.Open {
		it[ddb.AttrTTL] = ddb.Num(now + statuspage.SignalKept)
	}
	return it
}

func readSignal(it ddb.Item) (statuspage.SignalMark, error) {
	r := ddb.Reader{Item: it}
	m := statuspage.SignalMark{
		Integration: r.Num(attrIntegrationID),
		Key:         r.Str(attrSignalKey),
		Open:        r.Has(attrOpen),
		AlertID:     r.Num(ddb.AttrID),
		IncidentID:  r.OptNum(attrIncidentID),
		Linked:      r.Has(attrLinked),
		MonitorID:   r.NumOrZero(attrMonitorID),
		Impact:      statuspage.Impact(r.StrOrEmpty(attrImpact)),
		Episode:     r.StrOrEmpty(attrEpisode),
		LastAt:      r.NumOrZero(attrLastAt),
		Noted:       r.NumOrZero(attrNoted),
		Count:       r.Num(attrCount),
		LastSeen:    r.Num(attrSeen),
		Trouble:     r.StrOrEmpty(attrTrouble),
		Opens:       r.OptNum(attrOpens),
		Stale:       r.OptNum(attrStale),
		Over:        r.OptNum(attrOver),
		Ended:       r.OptNum(attrOverSince),
		Version:     r.Num(ddb.AttrVersion),
	}
	return m, r.Err
}

// readLiveSignal is readSignal at now (UTC seconds): nil for no item, and for one that is past its
// time to live.
func readLiveSignal(it ddb.Item, now int64) (*statuspage.SignalMark, error) {
	if it == nil || ddb.Expired(it, now) {
		return nil, nil
	}
	m, err := readSignal(it)
	return &m, err
}

// writeSignal makes the mark that was read, nil for none, the next one.
func (s *Store) writeSignal(was *statuspage.SignalMark, next statuspage.SignalMark, now int64) ddb.Write {
	is := signalItem(next, now)
	if was == nil {
		return s.table.PutIf(is, ddb.NewExpr().IfGone(now))
	}
	old := signalItem(*was, now)
	if old[ddb.AttrTTL] != nil {
		old[ddb.AttrTTL] = ddb.Num(0) // another one than the next has
	}
	return s.table.Change(old, is)
}

// putSignalAlert gives the item of an alert what an integration's has. (Of one that is open the
// mark has the count and when it was last heard of.)
func putSignalAlert(it ddb.Item, a statuspage.SignalAlert) {
	it[attrIntegrationID] = ddb.Num(a.IntegrationID)
	it[attrSignalKey] = ddb.Str(a.Key)
	for name, text := range map[string]string{
		attrTitle: a.Title, attrMessage: a.Message, attrLink: a.Link, attrSignalSeverity: a.Severity, attrImpact: string(a.Impact),
	} {
		if text != "" {
			it[name] = ddb.Str(text)
		}
	}
	if len(a.Labels) > 0 {
		labels := ddb.Item{}
		for name, value := range a.Labels {
			labels[name] = ddb.Str(value)
		}
		it[attrLabels] = ddb.Map(labels)
	}
	if len(a.Monitors) > 0 {
		it[attrMonitors] = affectedList(a.Monitors)
	}
	it[attrBegan] = ddb.Num(a.Started)
	it[attrCount], it[attrSeen] = ddb.Num(a.Count), ddb.Num(a.LastSeen)
}

func readSignalAlert(r *ddb.Reader) *statuspage.SignalAlert {
	a := &statuspage.SignalAlert{
		IntegrationID: r.Num(attrIntegrationID),
		Key:           r.Str(attrSignalKey),
		Title:         r.StrOrEmpty(attrTitle),
		Message:       r.StrOrEmpty(attrMessage),
		Link:          r.StrOrEmpty(attrLink),
		Severity:      r.StrOrEmpty(attrSignalSeverity),
		Impact:        statuspage.Impact(r.StrOrEmpty(attrImpact)),
		Monitors:      ddb.ReadOptList(r, attrMonitors, readAffected),
		Started:       r.Num(attrBegan),
		Count:         r.Num(attrCount),
		LastSeen:      r.Num(attrSeen),
	}
	if r.Has(attrLabels) {
		a.Labels = ddb.ReadMap(r, attrLabels, readLabels)
	}
	return a
}

func readLabels(it ddb.Item) (map[string]string, error) {
	labels := map[string]string{}
	r := ddb.Reader{Item: it}
	for name, v := range it {
		if text, is := v.(*types.AttributeValueMemberS); is {
			labels[name] = text.Value
		} else {
			r.Fail(name)
		}
	}
	return labels, r.Err
}

// repetition is the update of a mark whose alert is open by a firing signal that says nothing new.
func repetition(i statuspage.Integration, s statuspage.Signal, impact statuspage.Impact, now int64) *ddb.Expr {
	next := i.Repeated(statuspage.SignalMark{Open: true}, s, impact, now)
	e := ddb.NewExpr().IfHas(attrOpen, true).IfHas(attrOpens, false)
	switch impact {
	case statuspage.Down:
		e.IfEqual(attrImpact, ddb.Str(string(statuspage.Down)))
	case statuspage.Degraded:
		e.IfHas(attrImpact, true) // which is this or worse
	}
	if next.LastAt != 0 {
		last := e.Name(attrLastAt)
		e.Set(attrLastAt, ddb.Num(next.LastAt)).If("(attribute_not_exists(" + last + ") OR " + last + " <= " + e.Value(attrLastAt, ddb.Num(next.LastAt)) + ")")
	}
	if next.Episode != "" {
		e.Set(attrEpisode, ddb.Str(next.Episode))
	}
	e.Add(attrCount, 1).Set(attrSeen, ddb.Num(now)).Increment(ddb.AttrVersion)
	for name, t := range map[string]*int64{attrStale: next.Stale, attrOver: next.Over} {
		if t != nil {
			e.Set(name, ddb.Num(*t))
		} else {
			e.Remove(name)
		}
	}
	if due := next.Due(); due != nil {
		return e.Set(ddb.AttrGSI2PK, ddb.Str(dueSignals)).Set(ddb.AttrGSI2SK, ddb.Str(timeAndID(*due, 0)))
	}
	return e.Remove(ddb.AttrGSI2PK).Remove(ddb.AttrGSI2SK)
}

// heardOf returns the alerts, those of integrations that are open with what their marks know.
func (s *Store) heardOf(ctx context.Context, alerts []statuspage.Alert) ([]statuspage.Alert, error) {
	var keys []ddb.Key
	keyOf := func(a statuspage.Alert) ddb.Key { return signalKey(a.Signal.IntegrationID, a.Signal.Key) }
	open := func(a statuspage.Alert) bool { return a.Signal != nil && a.State == statuspage.Triggered }
	for _, a := range alerts {
		if open(a) && !slices.Contains(keys, keyOf(a)) {
			keys = append(keys, keyOf(a))
		}
	}
	if keys == nil {
		return alerts, nil
	}
	found, err := s.table.BatchGet(ctx, keys)
	if err != nil {
		return alerts, err
	}
	for n, a := range alerts {
		if !open(a) || found[keyOf(a)] == nil {
			continue
		}
		m, err := readSignal(found[keyOf(a)])
		if err != nil {
			return alerts, err
		}
		if m.AlertID == a.ID {
			alerts[n] = m.HeardOf(a)
		}
	}
	return alerts, nil
}

// endsAs ends the open alert of the mark, with what that knows of it.
func endsAs(m statuspage.SignalMark, now int64) *ddb.Expr {
	return alertEnds(now).Set(attrCount, ddb.Num(m.Count)).Set(attrSeen, ddb.Num(m.LastSeen))
}

// endSignal ends the open alert of a mark of an integration that is deleted, and takes the mark
// away. Its incident stays as it is.
func (s *Store) endSignal(ctx context.Context, mark ddb.Key, now int64) error {
	return ddb.Retry(ctx, func() (done bool, err error) {
		it, err := s.table.Get(ctx, mark)
		if err != nil || it == nil {
			return true, err
		}
		m, err := readSignal(it)
		if err != nil || !m.Open {
			return true, err
		}
		var on openings
		if m.MonitorID != 0 {
			if on, err = s.openOn(ctx, m.MonitorID); err != nil {
				return false, err
			}
		}
		writes := []ddb.Write{s.table.Delete(mark, ddb.NewExpr().IfSame(signalItem(m, now))), s.table.Update(alertKey(m.AlertID), endsAs(m, now))}
		if m.MonitorID != 0 {
			writes = append(writes, s.table.Delete(openSignalKey(m.MonitorID, m.AlertID), nil))
			writes = append(writes, s.leaveOutage(m.MonitorID, m.AlertID, on, 0)...)
		}
		refused, err := s.table.Transact(ctx, writes...)
		return refused == nil, err
	})
}
