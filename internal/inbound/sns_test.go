package inbound_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/inbound"
	"tocsin/internal/statuspage"
)

const (
	snsTopic = "arn:aws:sns:eu-central-1:210987654321:status-alarms"
	snsHost  = "sns.eu-central-1.amazonaws.com"
	snsNow   = 1795598050 // seven seconds after the alarm of testdata
)

// certPath is where the SNS of the tests has its certificates: the good one and bad ones.
func certPath(digit string) string {
	return "/SimpleNotificationService-" + strings.Repeat(digit, 32) + ".pem"
}

func certURL(digit string) string { return "https://" + snsHost + certPath(digit) }

func payload(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// snsMessage returns a message of testdata with the changes, signed after them.
func (s *snsServer) message(t *testing.T, file string, changes map[string]any) map[string]any {
	t.Helper()
	var message map[string]any
	if err := json.Unmarshal(payload(t, file), &message); err != nil {
		t.Fatal(err)
	}
	message["SigningCertURL"] = certURL("a")
	message["Timestamp"] = time.Unix(snsNow-1, 0).UTC().Format("2006-01-02T15:04:05.000Z")
	for name, value := range changes {
		if message[name] = value; value == nil {
			delete(message, name)
		}
	}
	s.sign(t, s.key, message)
	return message
}

func post(t *testing.T, message map[string]any) inbound.Message {
	t.Helper()
	body, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return inbound.Message{Body: body, Header: http.Header{
		"X-Amz-Sns-Message-Type": {message["Type"].(string)}, "Content-Type": {"text/plain; charset=UTF-8"},
	}}
}

var pinned = statuspage.Integration{ID: 2, Kind: statuspage.KindCloudWatch, Topics: []string{snsTopic}}

func withOptions(o string) statuspage.Integration {
	return statuspage.Integration{ID: 2, Kind: statuspage.KindCloudWatch, Options: statuspage.JSONObject(o)}
}

// codeOf returns the code of an error that a client is told of.
func codeOf(t *testing.T, err error) statuspage.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	e, is := errors.AsType[*statuspage.Error](err)
	if !is || e.Message == "" {
		t.Fatalf("the error is %#v", err)
	}
	return e.Code
}

func TestOpenSNS(t *testing.T) {
	s := newSNS(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	at := func(seconds int64) string {
		return time.Unix(snsNow+seconds, 0).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	const refused, bad, ours = statuspage.CodeForbidden, statuspage.CodeBadRequest, statuspage.CodeUnavailable
	for _, tt := range []struct {
		name    string
		changes map[string]any           // before the signature
		after   func(m map[string]any)   // changes after it
		of      *statuspage.Integration  // nil: the one with the topic
		header  func(header http.Header) // nil: as it is
		code    statuspage.Code          // "" it is opened
	}{
		{name: "version 2"},
		{name: "version 1", changes: map[string]any{"SignatureVersion": "1"}},
		{name: "without a subject", changes: map[string]any{"Subject": nil}},
		{name: "with an empty subject", changes: map[string]any{"Subject": ""}},
		{name: "ends of lines", changes: map[string]any{"Message": "a\nb\r\nSubject\nc"}},
		{name: "a region's certificate", changes: map[string]any{"SigningCertURL": certURL("0")}},
		{name: "topic of the options", of: new(withOptions(`{"topics":["` + snsTopic + `"]}`))},
		{name: "an hour old", changes: map[string]any{"Timestamp": at(-3600)}},

		{name: "version 1 where 2 is asked for", changes: map[string]any{"SignatureVersion": "1"}, of: new(withOptions(`{"topics":["` + snsTopic + `"],"signature_v2":true}`)), code: bad},
		{name: "version 3", changes: map[string]any{"SignatureVersion": "3"}, code: bad},
		{name: "no version", changes: map[string]any{"SignatureVersion": nil}, code: bad},
		{name: "other type", changes: map[string]any{"Type": "Other"}, code: bad},
		{name: "too old", changes: map[string]any{"Timestamp": at(-3601)}, code: bad},
		{name: "from the future", changes: map[string]any{"Timestamp": at(3601)}, code: bad},
		{name: "no time", changes: map[string]any{"Timestamp": "yesterday"}, code: bad},
		{name: "raw delivery", header: func(h http.Header) { h.Set("X-Amz-Sns-Rawdelivery", "true") }, code: bad},

		{name: "no topic yet", of: &statuspage.Integration{ID: 2}, code: refused},
		{name: "other topic", of: &statuspage.Integration{ID: 2, Topics: []string{snsTopic + "-other"}}, code: refused},
		{name: "the options' topics count", of: &statuspage.Integration{ID: 2, Topics: []string{snsTopic}, Options: `{"topics":["` + snsTopic + `-other"]}`}, code: refused},
		{name: "other topic after the signature", after: func(m map[string]any) { m["TopicArn"] = snsTopic + "-other" }, of: &statuspage.Integration{ID: 2, Topics: []string{snsTopic + "-other"}}, code: refused},
		{name: "wrong key", after: func(m map[string]any) { s.sign(t, other, m) }, code: refused},
		{name: "no signature", after: func(m map[string]any) { m["Signature"] = "" }, code: refused},
		{name: "signature that is no base64", after: func(m map[string]any) { m["Signature"] = "*" }, code: refused},
		{name: "version 2's signature as version 1", after: func(m map[string]any) { m["SignatureVersion"] = "1" }, code: refused},
		{name: "changed message", after: func(m map[string]any) { m["Message"] = "{}" }, code: refused},
		{name: "changed subject", after: func(m map[string]any) { m["Subject"] = "OK" }, code: refused},
		{name: "subject taken away", after: func(m map[string]any) { delete(m, "Subject") }, code: refused},
		{name: "changed time", after: func(m map[string]any) { m["Timestamp"] = at(0) }, code: refused},
		{name: "changed id", after: func(m map[string]any) { m["MessageId"] = "1" }, code: refused},

		{name: "expired certificate", changes: map[string]any{"SigningCertURL": certURL("b")}, code: refused},
		{name: "certificate of tomorrow", changes: map[string]any{"SigningCertURL": certURL("c")}, code: refused},
		{name: "certificate of somebody else", changes: map[string]any{"SigningCertURL": certURL("d")}, code: refused},
		{name: "no certificate", changes: map[string]any{"SigningCertURL": certURL("e")}, code: refused},
		{name: "redirecting certificate", changes: map[string]any{"SigningCertURL": certURL("f")}, code: refused},
		{name: "certificate that is not there", changes: map[string]any{"SigningCertURL": certURL("1")}, code: refused},
		{name: "certificate of an issuer whom nobody trusts", changes: map[string]any{"SigningCertURL": certURL("2")}, code: refused},
		{name: "certificate whose issuer is not to be found", changes: map[string]any{"SigningCertURL": certURL("3")}, code: refused},
		{name: "the issuer has trouble", changes: map[string]any{"SigningCertURL": certURL("4")}, code: ours},
		{name: "SNS has trouble", changes: map[string]any{"SigningCertURL": certURL("5")}, code: ours},
	} {
		t.Run(tt.name, func(t *testing.T) {
			message := s.message(t, "cloudwatch-sns-firing.json", tt.changes)
			if tt.after != nil {
				tt.after(message)
			}
			m := post(t, message)
			if tt.header != nil {
				tt.header(m.Header)
			}
			if !inbound.IsSNS(m) {
				t.Error("it is not seen to be of SNS")
			}
			i := pinned
			if tt.of != nil {
				i = *tt.of
			}
			got, err := inbound.OpenSNS(t.Context(), m, i, s.fetcher, snsNow)
			if code := codeOf(t, err); code != tt.code {
				t.Fatalf("the error is %v, want %q", err, tt.code)
			}
			if err != nil {
				if !cmp.Equal(got, inbound.SNSMessage{}, cmp.AllowUnexported(inbound.SNSMessage{})) {
					t.Errorf("refused, and yet %+v", got)
				}
				return
			}
			if got.Type != inbound.SNSNotification || got.Topic != snsTopic || got.ID != message["MessageId"] || string(got.Content.Body) != message["Message"] {
				t.Errorf("opened as %+v", got)
			}
			if got.Confirm(t.Context(), s.fetcher) == nil {
				t.Error("a notification is confirmed")
			}
		})
	}
}

// TestSNSAddresses looks that nothing is fetched from elsewhere, and nothing is taken that
// was signed with a certificate from there.
func TestSNSAddresses(t *testing.T) {
	s := newSNS(t)
	good := certPath("a")
	for _, address := range []string{
		"", "x", good, "http://" + snsHost + good,
		"https://sns.evil.com" + good, "https://sns.eu-central-1.amazonaws.com.evil.com" + good, "https://sns.eu-central-1.amazonaws.com@evil.com" + good,
		"https://evil@sns.eu-central-1.amazonaws.com" + good, "https://sns.eu-central-1.amazonaws.com:8443" + good, "https://sns.eu-central-1.amazonaws.com:443" + good,
		"https://evil.sns.eu-central-1.amazonaws.com" + good, "https://snsxeu-central-1.amazonaws.com" + good, "https://sns.s3-eu-west-1.amazonaws.com" + good,
		"https://sns.s3.amazonaws.com" + good, "https://s3.eu-central-1.amazonaws.com/sns" + good, "https://sns.eu-central-1.amazonaws.com.cn.evil.com" + good,
		"https://sns.eu-central-1.amazonaws.com" + good + "?x=1", "https://sns.eu-central-1.amazonaws.com" + good + "?", "https://sns.eu-central-1.amazonaws.com" + good + "#x",
		"https://sns.eu-central-1.amazonaws.com/x" + good, "https://sns.eu-central-1.amazonaws.com/../x.pem", "https://sns.eu-central-1.amazonaws.com" + good + ".txt",
		"https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-A.pem", "https://sns.eu-central-1.amazonaws.com\n.evil.com" + good, "https://sns.169.amazonaws.com" + good,
		"https://127.0.0.1" + good, "//sns.eu-central-1.amazonaws.com" + good, "https:sns.eu-central-1.amazonaws.com" + good,
	} {
		message := s.message(t, "cloudwatch-sns-firing.json", map[string]any{"SigningCertURL": address})
		if got, err := inbound.OpenSNS(t.Context(), post(t, message), pinned, s.fetcher, snsNow); codeOf(t, err) != statuspage.CodeForbidden {
			t.Errorf("%q: %+v, %v", address, got, err)
		}
	}
	if asked := s.asked(); len(asked) > 0 {
		t.Errorf("asked for %q", asked)
	}
	for _, region := range []string{"us-east-1", "us-gov-west-1", "ap-southeast-5", "us-isob-east-1"} {
		message := s.message(t, "cloudwatch-sns-firing.json", map[string]any{"SigningCertURL": "https://sns." + region + ".amazonaws.com" + good})
		if _, err := inbound.OpenSNS(t.Context(), post(t, message), pinned, s.fetcher, snsNow); err != nil {
			t.Errorf("%s: %v", region, err)
		}
	}
}

// TestSNSCertificateIsRemembered sends many messages, some of them twice.
func TestSNSCertificateIsRemembered(t *testing.T) {
	s := newSNS(t)
	for _, file := range []string{"cloudwatch-sns-firing.json", "cloudwatch-sns-firing.json", "cloudwatch-sns-resolved.json"} {
		m := post(t, s.message(t, file, nil))
		first, err := inbound.OpenSNS(t.Context(), m, pinned, s.fetcher, snsNow)
		if err != nil {
			t.Fatal(err)
		}
		again, err := inbound.OpenSNS(t.Context(), m, pinned, s.fetcher, snsNow+1)
		if err != nil || !cmp.Equal(first, again, cmp.AllowUnexported(inbound.SNSMessage{})) {
			t.Errorf("again it is %+v, %v", again, err)
		}
	}
	if got, want := s.asked(), []string{certPath("a")}; !cmp.Equal(got, want) {
		t.Errorf("asked for %q, want %q", got, want)
	}
}

func TestSNSSubscription(t *testing.T) {
	const confirm = "https://" + snsHost + "/?Action=ConfirmSubscription&TopicArn=" + snsTopic + "&Token="
	s := newSNS(t)
	open := func(i statuspage.Integration, file string, changes map[string]any) (inbound.SNSMessage, error) {
		return inbound.OpenSNS(t.Context(), post(t, s.message(t, file, changes)), i, s.fetcher, snsNow)
	}

	for range 2 { // SNS may send it again
		m, err := open(statuspage.Integration{ID: 2}, "sns-subscription-confirmation.json", map[string]any{"SubscribeURL": confirm + "good"})
		if err != nil || m.Type != inbound.SNSSubscribed || m.Topic != snsTopic {
			t.Fatalf("%+v, %v", m, err)
		}
		if err := m.Confirm(t.Context(), s.fetcher); err != nil {
			t.Error(err)
		}
	}
	visit := "/?Action=ConfirmSubscription&TopicArn=" + snsTopic + "&Token=good"
	if got, want := s.asked(), []string{certPath("a"), visit, visit}; !cmp.Equal(got, want) {
		t.Errorf("asked for %q, want %q", got, want)
	}

	if _, err := open(statuspage.Integration{ID: 2, Topics: []string{"arn:other"}}, "sns-subscription-confirmation.json", nil); codeOf(t, err) != statuspage.CodeForbidden {
		t.Errorf("another topic after one was confirmed: %v", err)
	}
	if _, err := open(withOptions(`{"topics":["arn:other"]}`), "sns-subscription-confirmation.json", nil); codeOf(t, err) != statuspage.CodeForbidden {
		t.Errorf("another topic than that of the options: %v", err)
	}

	before := len(s.asked())
	for _, address := range []string{
		"", "https://evil.com/?Action=ConfirmSubscription", "http://" + snsHost + "/?Action=ConfirmSubscription", "https://" + snsHost + ".evil.com/?Action=ConfirmSubscription",
		"https://" + snsHost + "@evil.com/?Action=ConfirmSubscription", "https://" + snsHost + "/?Action=Unsubscribe", "https://" + snsHost + "/",
	} {
		m, err := open(pinned, "sns-subscription-confirmation.json", map[string]any{"SubscribeURL": address})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Confirm(t.Context(), s.fetcher); codeOf(t, err) != statuspage.CodeForbidden {
			t.Errorf("%q: %v", address, err)
		}
	}
	m, err := open(pinned, "sns-unsubscribe-confirmation.json", map[string]any{"SubscribeURL": confirm + "back"})
	if err != nil || m.Type != inbound.SNSUnsubscribed {
		t.Fatalf("%+v, %v", m, err)
	}
	if m.Confirm(t.Context(), s.fetcher) == nil {
		t.Error("the end of a subscription is confirmed, which subscribes again")
	}
	if got := s.asked()[before:]; len(got) > 0 {
		t.Errorf("asked for %q", got)
	}

	m, err = open(pinned, "sns-subscription-confirmation.json", map[string]any{"SubscribeURL": confirm + "moved"})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Confirm(t.Context(), s.fetcher); codeOf(t, err) != statuspage.CodeUnavailable {
		t.Errorf("a redirect: %v", err)
	}
}

// TestInsideSNS looks into messages that nobody has checked.
func TestInsideSNS(t *testing.T) {
	s := newSNS(t)
	message := s.message(t, "cloudwatch-sns-firing.json", nil)
	if got := inbound.InsideSNS(post(t, message)); string(got.Body) != message["Message"] {
		t.Errorf("inside is %s", got.Body)
	}
	for _, body := range []string{"", "{}", `{"Type":"Notification"}`, `[]`, string(payload(t, "sns-subscription-confirmation.json"))} {
		if got := inbound.InsideSNS(inbound.Message{Body: []byte(body)}); string(got.Body) != body {
			t.Errorf("inside of %s is %s", body, got.Body)
		}
	}
}

// FuzzSNS opens any body. None is taken, because none is signed.
func FuzzSNS(f *testing.F) {
	for _, file := range []string{"cloudwatch-sns-firing.json", "sns-subscription-confirmation.json", "sns-unsubscribe-confirmation.json"} {
		body, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	cert := &x509.Certificate{PublicKey: &key.PublicKey, NotAfter: time.Unix(snsNow*2, 0)}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := inbound.OpenSNS(t.Context(), inbound.Message{Header: http.Header{}, Body: body}, pinned, certs{cert}, snsNow)
		if codeOf(t, err) == "" {
			t.Errorf("%q is opened as %+v", body, m)
		}
		inbound.InsideSNS(inbound.Message{Body: body})
	})
}

// certs has the same certificate at every address.
type certs struct{ cert *x509.Certificate }

func (c certs) Certificate(context.Context, string) (*x509.Certificate, error) { return c.cert, nil }
func (c certs) Visit(context.Context, string) error                            { return nil }
