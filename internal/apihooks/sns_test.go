package apihooks_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apihooks"
	"tocsin/internal/delivery"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

func TestMain(m *testing.M) { dynamotest.Main(m) }

const now = 1795598100 // 2026-11-25T09:15:00Z

// sns stands in for SNS: it signs, has the certificate, and keeps which addresses were visited.
type sns struct {
	key     *rsa.PrivateKey
	cert    *x509.Certificate
	visited []string
}

func newSNS(t *testing.T) *sns {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(now-3600, 0), NotAfter: time.Unix(now+3600, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &sns{key: key, cert: cert}
}

func (s *sns) Certificate(context.Context, string) (*x509.Certificate, error) { return s.cert, nil }

func (s *sns) Visit(_ context.Context, address string) error {
	s.visited = append(s.visited, address)
	return nil
}

const (
	topic     = "arn:aws:sns:eu-central-1:210987654321:status-alarms"
	subscribe = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=t&Token=2336"
	alarm     = `{"AlarmName":"checkout","AlarmDescription":"tocsin-monitor: checkout","AWSAccountId":"210987654321","NewStateValue":"ALARM","NewStateReason":"r","StateChangeTime":"2026-11-25T09:14:03.121+0000",` +
		`"Region":"EU (Frankfurt)","AlarmArn":"arn:aws:cloudwatch:eu-central-1:210987654321:alarm:checkout","OldStateValue":"OK","OKActions":["a"],"AlarmActions":["a"],"InsufficientDataActions":[],"Trigger":{}}`
)

// message is what SNS posts. A confirmation has an address to visit.
func (s *sns) message(t *testing.T, kind, topic, text string) string {
	t.Helper()
	fields := map[string]string{
		"Type": kind, "MessageId": "id", "TopicArn": topic, "Message": text, "Timestamp": "2026-11-25T09:14:03.602Z", "SignatureVersion": "2",
		"SigningCertURL": "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0f1e2d3c4b5a69788796a5b4c3d2e1f0.pem",
	}
	names := []string{"Message", "MessageId", "Timestamp", "TopicArn", "Type"}
	if kind != "Notification" {
		fields["SubscribeURL"], fields["Token"] = subscribe, "2336"
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	signed := ""
	for _, name := range names {
		signed += name + "\n" + fields[name] + "\n"
	}
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	fields["Signature"] = base64.StdEncoding.EncodeToString(signature)
	body, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestTopic has a topic of SNS subscribe, send an alarm and unsubscribe. Another topic and a forged
// message are refused, and nothing that they name is visited.
func TestTopic(t *testing.T) {
	store := dynamotest.NewTable(t).Store(nil)
	tag := statuspage.Monitor{Tag: "checkout", Name: "Checkout"}
	if _, err := store.CreateMonitor(t.Context(), tag, now, nil); err != nil {
		t.Fatal(err)
	}
	token := statuspage.NewIntegrationToken()
	made, err := store.CreateIntegration(t.Context(), statuspage.NewIntegration{Name: "SNS", Kind: statuspage.KindCloudWatch, Active: true}, token, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newSNS(t)
	server := web.New(web.Inbound, web.Config{Store: store, Now: func() time.Time { return time.Unix(now, 0) }},
		apihooks.Routes(store, delivery.Receiver{Store: store, Log: slog.New(slog.DiscardHandler)}, s))
	post := func(kind, topic, body string, status int, answer string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, "/hooks/"+token, strings.NewReader(body))
		r.Header.Set("X-Amz-Sns-Message-Type", kind)
		r.Header.Set("Content-Type", "text/plain; charset=UTF-8")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != status || !strings.Contains(w.Body.String(), answer) {
			t.Fatalf("%s of %s: %d %s, want %d %s", kind, topic, w.Code, w.Body, status, answer)
		}
	}
	const notification, confirmation, end, other = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation", topic + "-other"
	nothing := `{"received":1,"opened":0,"resolved":0,"ignored":1}`
	post(notification, topic, s.message(t, notification, topic, alarm), 403, "takes no messages of this topic")
	forged := strings.Replace(s.message(t, confirmation, topic, "m"), `"Token":"2336"`, `"Token":"2337"`, 1)
	post(confirmation, topic, forged, 403, "The signature is not that of SNS")
	if len(s.visited) > 0 {
		t.Fatalf("visited %q", s.visited)
	}
	post(confirmation, topic, s.message(t, confirmation, topic, "m"), 200, nothing)
	post(notification, topic, s.message(t, notification, topic, alarm), 200, `"opened":1`)
	post(confirmation, other, s.message(t, confirmation, other, "m"), 403, "takes no messages of this topic")
	post(notification, other, s.message(t, notification, other, alarm), 403, "takes no messages of this topic")
	post(end, topic, s.message(t, end, topic, "m"), 200, nothing)
	if diff := cmp.Diff([]string{subscribe}, s.visited); diff != "" {
		t.Errorf("visited (-want +got):\n%s", diff)
	}
	i, err := store.Integration(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	type kept struct {
		Topics []string
		Error  *string
	}
	want := kept{[]string{topic}, new("The topic " + topic + " sends no more: its subscription was deleted")}
	if diff := cmp.Diff(want, kept{i.Topics, i.LastError}); diff != "" {
		t.Errorf("the integration (-want +got):\n%s", diff)
	}

	// Topics that the options name need no confirmation to be known, and leave no other one a way in.
	patch := statuspage.IntegrationPatch{Options: opt.Value(statuspage.JSONObject(`{"topics":["` + other + `"]}`))}
	if _, err := store.UpdateIntegration(t.Context(), made.ID, patch, now, nil); err != nil {
		t.Fatal(err)
	}
	post(confirmation, topic, s.message(t, confirmation, topic, "m"), 403, "takes no messages of this topic")
	post(confirmation, other, s.message(t, confirmation, other, "m"), 200, nothing)
	post(notification, other, s.message(t, notification, other, alarm), 200, nothing[:len(`{"received":1,"opened":0`)])
}
