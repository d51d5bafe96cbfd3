// Package alertmanager tests the service with a real Alertmanager, which tells of the same alerts by
// a webhook, as PagerDuty and as Opsgenie at once. make test-alertmanager runs it.
package alertmanager
