package dynamo

import (
	"context"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const allSettings = "SITE"

func settingKey(key string) ddb.Key { return ddb.Key{PK: allSettings, SK: key} }

const attrValue = "value"

// SettingItem is the item of a setting of the site.
func SettingItem(v statuspage.SiteSetting) ddb.Item {
	it := settingKey(v.Key).Item()
	it[attrValue] = ddb.Str(v.Value)
	it[attrCreated] = ddb.Num(v.Created)
	it[attrUpdated] = ddb.Num(v.Updated)
	it[ddb.AttrVersion] = ddb.Num(v.Version)
	return it
}

func readSetting(it ddb.Item) (statuspage.SiteSetting, error) {
	r := ddb.Reader{Item: it}
	v := statuspage.SiteSetting{
		Key: r.Str(ddb.AttrSK), Value: r.Str(attrValue),
		Created: r.Num(attrCreated), Updated: r.Num(attrUpdated), Version: r.Num(ddb.AttrVersion),
	}
	return v, r.Err
}

// SiteSettings implements apiv4.SiteStore.
func (s *Store) SiteSettings(ctx context.Context) ([]statuspage.SiteSetting, error) {
	var all []statuspage.SiteSetting
	for it, err := range s.table.Items(ctx, ddb.Query{PK: allSettings}) {
		if err != nil {
			return nil, err
		}
		v, err := readSetting(it)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// SiteSetting implements apiv4.SiteStore.
func (s *Store) SiteSetting(ctx context.Context, key string) (statuspage.SiteSetting, error) {
	it, err := s.table.Get(ctx, settingKey(key))
	if err != nil || it == nil {
		return statuspage.SiteSetting{Key: key}, err
	}
	return readSetting(it)
}

// SetSiteSetting implements apiv4.SiteStore.
func (s *Store) SetSiteSetting(ctx context.Context, key, value string, now int64, expected statuspage.SitePrecondition) (statuspage.SiteSetting, error) {
	var next statuspage.SiteSetting
	err := ddb.Retry(ctx, func() (done bool, err error) {
		old, err := s.SiteSetting(ctx, key)
		if err != nil {
			return false, err
		}
		if expected != nil && !expected(old) {
			return false, statuspage.ErrSettingChanged
		}
		next = old
		next.Value, next.Updated = value, now
		next.Version++
		as := ddb.NewExpr().IfEqual(ddb.AttrVersion, ddb.Num(old.Version))
		if old.Version == 0 {
			next.Created, as = now, ddb.NewExpr().IfNew()
		}
		writes := []ddb.Write{s.table.PutIf(SettingItem(next), as)}
		if value != old.Value || old.Version == 0 {
			writes = append(writes, s.changeRow(ctx, statuspage.Change{
				Record: statuspage.RecordSiteSetting, Tag: key, Version: next.Version, What: statuspage.Updated, Fields: []string{attrValue},
			}, now))
		}
		refused, err := s.table.Transact(ctx, writes...)
		return err == nil && refused == nil, err
	})
	if err != nil {
		return statuspage.SiteSetting{}, err
	}
	return next, nil
}
