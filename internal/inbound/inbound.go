// Package inbound reads what other tools tell of their alarms: a file a tool, each of which is a
// pure function from a message to signals, see Adapter. It knows no table, and of HTTP only
// the names of headers.
package inbound

import (
	"net/http"
	"net/url"

	"tocsin/internal/statuspage"
)

// A Message is what a tool sends.
type Message struct {
	Header http.Header
	Query  url.Values
	Body   []byte
}

// An Adapter reads the signals of a message in the format of one tool, in the order in which the
// message has them, with texts as the tool has them, see tidied. Its error is a *statuspage.Error
// that says what the message is not; a message that is understood and asks for nothing is no error.
type Adapter func(Message, statuspage.IntegrationOptions) ([]statuspage.Signal, error)

// adapters are those of all kinds but heartbeats, which are no messages.
var adapters = map[statuspage.IntegrationKind]Adapter{
	statuspage.KindAlertmanager: alertmanager,
	statuspage.KindGrafana:      grafana,
	statuspage.KindDatadog:      datadog,
	statuspage.KindPagerDuty:    pagerDuty,
	statuspage.KindOpsgenie:     opsgenie,
	statuspage.KindUptimeKuma:   uptimeKuma,
	statuspage.KindGeneric:      generic,
	statuspage.KindFieldMap:     fieldMap,
	statuspage.KindCloudWatch:   cloudWatch,
	statuspage.KindAWSHealth:    awsHealth,
	statuspage.KindUptimeRobot:  uptimeRobot,
	statuspage.KindBetterStack:  betterStack,
	statuspage.KindPingdom:      pingdom,
	statuspage.KindSentry:       sentry,
	statuspage.KindNewRelic:     newRelic,
	statuspage.KindAzure:        azure,
	statuspage.KindGCP:          googleCloud,
	statuspage.KindGitHub:       gitHub,
}

// Signals reads a message of the kind of integration. It returns the error of the Adapter.
func Signals(kind statuspage.IntegrationKind, m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	read, there := adapters[kind]
	if !there {
		return nil, statuspage.Invalid("An integration of the kind '%s' takes no messages here", kind)
	}
	signals, err := read(m, o)
	for n, s := range signals {
		signals[n] = tidied(s)
	}
	return signals, err
}
