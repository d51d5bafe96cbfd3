package apiv4

import (
	"slices"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// DecodeMonitor reads a monitor as POST /api/v4/monitors takes it, for a program that
// makes monitors or brings them up to date without HTTP: m is the monitor where there
// is none of its tag, p what to change where there is one. The errors are the API's.
func DecodeMonitor(body []byte) (m statuspage.Monitor, p statuspage.MonitorPatch, err error) {
	f, err := web.DecodeBody(body)
	if err != nil {
		return m, p, err
	}
	if m, err = newMonitor(f); err != nil {
		return m, p, err
	}
	if p, err = monitorPatch(f); err != nil {
		return m, p, err
	}
	p.Name = opt.Value(m.Name)
	return m, p, nil
}

// EncodeMonitor returns the monitor as the API shows it.
func EncodeMonitor(m statuspage.Monitor) []byte { return web.Encode(toMonitorJSON(m)) }

// DecodeAlertRule is DecodeMonitor for a rule as POST /api/v4/alert-rules takes it. The
// monitors are not in p.
func DecodeAlertRule(body []byte) (n statuspage.NewAlertRule, p statuspage.AlertRulePatch, err error) {
	f, err := web.DecodeBody(body)
	if err != nil {
		return n, p, err
	}
	if n, err = newAlertRule(f); err != nil {
		return n, p, web.Worded(err)
	}
	delete(f, "monitor_tags")
	p, err = alertRulePatch(f, false)
	return n, p, err
}

// DecodeMaintenance is DecodeMonitor for a maintenance as POST /api/v4/maintenances takes it,
// and its status as PATCH does. The status and the monitors are in p, and of a new one the
// status is not in n.
func DecodeMaintenance(body []byte) (n statuspage.NewMaintenance, p statuspage.MaintenancePatch, err error) {
	f, err := web.DecodeBody(body)
	if err != nil {
		return n, p, err
	}
	if n, err = newMaintenance(f); err != nil {
		return n, p, web.Worded(err)
	}
	p, err = patchOfMaintenance(f)
	if p.Description.IsSet() && n.Description == nil { // as of a new one, an empty text is none
		p.Description = opt.Null[string]()
	}
	return n, p, err
}

// EncodeMaintenance returns the maintenance as the API shows it, without its link.
func EncodeMaintenance(m statuspage.Maintenance) []byte {
	shown := toMaintenanceJSON(m, "")
	shown.URL = ""
	return web.Encode(shown)
}

// EncodeAlertRule returns the rule as the API shows it.
func EncodeAlertRule(r statuspage.AlertRule) []byte { return web.Encode(toAlertRuleJSON(r)) }

// DecodePage is DecodeMonitor for a page as POST /api/v4/pages takes it. With the path ~home
// it is home: that is there always, so that n has nothing, and p is what to change, as PATCH takes
// it. The path is not in p; the monitors are, where the body has any.
func DecodePage(body []byte) (n statuspage.NewPage, p statuspage.PagePatch, err error) {
	f, err := web.DecodeBody(body)
	if err != nil {
		return n, p, err
	}
	if path, _ := f.Text("page_path"); path != statuspage.HomePath {
		if n, err = newPage(f); err != nil {
			return n, p, err
		}
	}
	delete(f, "page_path")
	p, err = patchOfPage(n.Path, f)
	return n, p, err
}

// EncodePage returns the page as the API shows it.
func EncodePage(p statuspage.Page) []byte { return web.Encode(toPageJSON(p)) }

// DecodeSetting reads the value of a setting of the site as PATCH /api/v4/site/{key} takes it,
// JSON, and returns it as it is kept, see statuspage.SiteSetting. The errors are the API's.
func DecodeSetting(key string, value []byte) (string, error) {
	k, there := statuspage.SiteKeyOf(key)
	if !there {
		return "", statuspage.SiteKeyUnknown(key)
	}
	f, err := web.DecodeBody(slices.Concat([]byte(`{"value":`), value, []byte("}")))
	if err != nil {
		return "", err
	}
	return settingValue(k, f)
}

// EncodeSetting returns the setting, which somebody has set, as the API shows it.
func EncodeSetting(s statuspage.SiteSetting) []byte { return web.Encode(toSettingJSON(s)) }

// DecodeIntegration is DecodeMonitor for an integration as POST /api/v4/integrations takes it.
func DecodeIntegration(body []byte) (n statuspage.NewIntegration, p statuspage.IntegrationPatch, err error) {
	f, err := web.DecodeBody(body)
	if err != nil {
		return n, p, err
	}
	if n, err = newIntegration(f); err != nil {
		return n, p, err
	}
	p, err = patchOfIntegration(f)
	return n, p, err
}

// EncodeIntegration returns the integration as the API shows it, but for what its deliveries change.
func EncodeIntegration(i statuspage.Integration) []byte {
	i.Tokens, i.LastSeen, i.LastError, i.LastErrorAt = nil, nil, nil, nil
	return web.Encode(toIntegrationJSON(i, 0))
}
