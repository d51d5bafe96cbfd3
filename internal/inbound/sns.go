package inbound

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/internal/statuspage"
)

// An SNSMessage is a message of an SNS topic that is known to come from SNS.
type SNSMessage struct {
	Type    SNSType
	ID      string  // the same when SNS sends it again
	Topic   string  // ARN
	Content Message // of a notification: what was published to the topic

	confirm string // address that confirms the subscription
}

// SNSType is what an SNSMessage is for.
type SNSType string

// The types.
const (
	SNSNotification SNSType = "Notification"
	SNSSubscribed   SNSType = "SubscriptionConfirmation" // the topic waits for Confirm
	SNSUnsubscribed SNSType = "UnsubscribeConfirmation"  // no message follows
)

// maxSNSAge is for how many seconds SNS goes on trying to deliver a message, at most.
const maxSNSAge = 3600

// Errors of messages of SNS.
var (
	errSNSRaw       = statuspage.Invalid("Raw message delivery has no signature: turn it off for this subscription")
	errSNSVersion   = statuspage.Invalid("SignatureVersion must be 1 or 2")
	errSNSNotV2     = statuspage.Invalid("SignatureVersion must be 2: set the topic's attribute SignatureVersion")
	errSNSOld       = statuspage.Invalid("Timestamp must be within the last hour")
	errSNSSignature = &statuspage.Error{Code: statuspage.CodeForbidden, Message: "The signature is not that of SNS"}
	errSNSTopic     = &statuspage.Error{Code: statuspage.CodeForbidden, Message: "This integration takes no messages of this topic"}
)

// IsSNS reports whether SNS says that it sends the message.
func IsSNS(m Message) bool {
	return m.Header.Get("X-Amz-Sns-Message-Type") != "" || m.Header.Get("X-Amz-Sns-Rawdelivery") != ""
}

// OpenSNS returns the message of SNS in m after it has checked that SNS signed it at most an hour
// before now (UTC seconds), and that the integration takes messages of the topic: of those in its
// options, else of the one that was confirmed. Before there is one it only takes confirmations. Its
// error is a *statuspage.Error: 503 if SNS could not be asked for its certificate.
//
// A message that comes twice is opened twice: its signals do no harm the second time.
func OpenSNS(ctx context.Context, m Message, i statuspage.Integration, fetch Fetcher, now int64) (SNSMessage, error) {
	if strings.EqualFold(m.Header.Get("X-Amz-Sns-Rawdelivery"), "true") {
		return SNSMessage{}, errSNSRaw
	}
	var e snsEnvelope
	if err := json.Unmarshal(m.Body, &e); err != nil {
		return SNSMessage{}, statuspage.Invalid("The body must be a message of SNS")
	}
	options := i.Settings()
	signed, err := e.signed()
	algorithm := x509.SHA256WithRSA
	sent, timeErr := time.Parse(time.RFC3339, e.Timestamp)
	age := now - sent.Unix()
	signature, signatureErr := base64.StdEncoding.DecodeString(e.Signature)
	switch {
	case err != nil:
		return SNSMessage{}, err
	case e.SignatureVersion == "1" && options.SignatureV2:
		return SNSMessage{}, errSNSNotV2
	case e.SignatureVersion == "1": // what topics still have by default
		algorithm = x509.SHA1WithRSA
	case e.SignatureVersion != "2":
		return SNSMessage{}, errSNSVersion
	}
	switch {
	case timeErr != nil || age > maxSNSAge || age < -maxSNSAge:
		return SNSMessage{}, errSNSOld
	case signatureErr != nil || !isSNSCertificate(e.SigningCertURL):
		return SNSMessage{}, errSNSSignature
	case !takesTopic(i, options, e):
		return SNSMessage{}, errSNSTopic
	}
	cert, err := fetch.Certificate(ctx, e.SigningCertURL)
	switch {
	case errors.Is(err, errSNSSignature):
		return SNSMessage{}, err
	case err != nil:
		return SNSMessage{}, statuspage.Unavailable(err)
	case now < cert.NotBefore.Unix() || now > cert.NotAfter.Unix() || cert.CheckSignature(algorithm, []byte(signed), signature) != nil:
		return SNSMessage{}, errSNSSignature
	}
	return SNSMessage{
		Type: e.Type, ID: e.MessageID, Topic: e.TopicArn, Content: Message{Body: []byte(e.Message)}, confirm: e.SubscribeURL,
	}, nil
}

// Confirm tells SNS that the subscription is wanted. Of a message that asks for no confirmation it
// is an error, above all of SNSUnsubscribed, whose address would subscribe again.
func (m SNSMessage) Confirm(ctx context.Context, fetch Fetcher) error {
	if m.Type != SNSSubscribed {
		return fmt.Errorf("a message of the type %s is not confirmed", m.Type)
	}
	if u, is := snsAddress(m.confirm); !is || u.Query().Get("Action") != "ConfirmSubscription" {
		return errSNSSignature
	}
	if err := fetch.Visit(ctx, m.confirm); err != nil {
		return statuspage.Unavailable(err)
	}
	return nil
}

// InsideSNS returns what was published to a topic, of a message of SNS that nobody has checked, or
// m itself: for looks that change nothing.
func InsideSNS(m Message) Message {
	var e snsEnvelope
	if json.Unmarshal(m.Body, &e) != nil || e.Type != SNSNotification || e.TopicArn == "" || e.Message == "" {
		return m
	}
	return Message{Body: []byte(e.Message)}
}

// snsEnvelope is what SNS posts.
type snsEnvelope struct {
	Type             SNSType
	MessageID        string `json:"MessageId"`
	TopicArn         string
	Subject          *string
	Message          string
	Timestamp        string
	Token            string
	SubscribeURL     string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
}

// signed returns the text that SNS signs: names and values of these fields, each in a line.
func (e snsEnvelope) signed() (string, error) {
	var lines []string
	add := func(name, value string) { lines = append(lines, name, value) }
	add("Message", e.Message)
	add("MessageId", e.MessageID)
	switch e.Type {
	case SNSNotification:
		if e.Subject != nil {
			add("Subject", *e.Subject)
		}
		add("Timestamp", e.Timestamp)
	case SNSSubscribed, SNSUnsubscribed:
		add("SubscribeURL", e.SubscribeURL)
		add("Timestamp", e.Timestamp)
		add("Token", e.Token)
	default:
		return "", statuspage.Invalid("Type must be one of: %s, %s, %s", SNSNotification, SNSSubscribed, SNSUnsubscribed)
	}
	add("TopicArn", e.TopicArn)
	add("Type", string(e.Type))
	return strings.Join(lines, "\n") + "\n", nil
}

func takesTopic(i statuspage.Integration, o statuspage.IntegrationOptions, e snsEnvelope) bool {
	topics := o.Topics
	if len(topics) == 0 {
		topics = i.Topics
	}
	return slices.Contains(topics, e.TopicArn) || len(topics) == 0 && e.Type == SNSSubscribed
}

// snsHost is a host of SNS. What stands for the region has the form of one: sns.s3-eu-west-1 would be
// somebody's bucket.
var (
	snsHost        = regexp.MustCompile(`^sns\.[a-z]{2,4}(-[a-z]+)+-[0-9]+\.amazonaws\.com(\.cn)?$`)
	snsCertificate = regexp.MustCompile(`^/SimpleNotificationService-[0-9a-f]{32}\.pem$`)
	snsName        = regexp.MustCompile(`^sns[a-z0-9.-]*\.amazonaws\.com(\.cn)?$`)
)

// snsAddress returns an address, if it is one of SNS itself.
func snsAddress(address string) (*url.URL, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Fragment != "" || !snsHost.MatchString(u.Host) {
		return nil, false
	}
	return u, true
}

func isSNSCertificate(address string) bool {
	u, is := snsAddress(address)
	return is && snsCertificate.MatchString(u.Path) && u.RawQuery == "" && !u.ForceQuery
}

// A Fetcher gets what OpenSNS and SNSMessage.Confirm need of SNS. It is only given addresses of SNS.
type Fetcher interface {
	// Certificate returns the certificate at the address. Its error is that of a wrong signature
	// if SNS has none there, else one of the network or of SNS.
	Certificate(ctx context.Context, address string) (*x509.Certificate, error)
	// Visit gets the address.
	Visit(ctx context.Context, address string) error
}

// NewFetcher returns a Fetcher that asks SNS by the transport, follows no redirects, and remembers
// certificates: another one has another address.
func NewFetcher(transport http.RoundTripper) Fetcher { return &fetcher{transport: transport} }

const (
	fetchTimeout = 3 * time.Second
	maxFetched   = 64 * 1024 // bytes
	maxCerts     = 100       // that are remembered; SNS has one for each region
)

type fetcher struct {
	transport http.RoundTripper
	roots     *x509.CertPool // nil: those of the system

	mu    sync.Mutex
	certs map[string]*x509.Certificate
}

// Certificate implements Fetcher. Its dates are OpenSNS' business.
func (f *fetcher) Certificate(ctx context.Context, address string) (*x509.Certificate, error) {
	f.mu.Lock()
	cert := f.certs[address]
	f.mu.Unlock()
	if cert != nil {
		return cert, nil
	}
	cert, err := f.certificate(ctx, address)
	switch {
	case err != nil:
		return nil, err
	case !slices.ContainsFunc(append(cert.DNSNames, cert.Subject.CommonName), snsName.MatchString):
		return nil, errSNSSignature
	}
	if err := f.verify(ctx, cert); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.certs == nil || len(f.certs) >= maxCerts {
		f.certs = map[string]*x509.Certificate{}
	}
	f.certs[address] = cert
	return cert, nil
}

// verify returns an error unless somebody whom the system trusts made the certificate. SNS gives
// it without that of its issuer, whose address is in it.
func (f *fetcher) verify(ctx context.Context, cert *x509.Certificate) error {
	issuers := x509.NewCertPool()
	for _, address := range cert.IssuingCertificateURL[:min(1, len(cert.IssuingCertificateURL))] {
		issuer, err := f.certificate(ctx, address)
		if err != nil {
			return err
		}
		issuers.AddCert(issuer)
	}
	_, err := cert.Verify(x509.VerifyOptions{
		Roots: f.roots, Intermediates: issuers, CurrentTime: cert.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return errSNSSignature
	}
	return nil
}

// certificate gets the certificate at the address, as PEM or as it is.
func (f *fetcher) certificate(ctx context.Context, address string) (*x509.Certificate, error) {
	status, body, err := f.get(ctx, address)
	switch {
	case err != nil:
		return nil, err
	case status >= 500:
		return nil, fmt.Errorf("the certificate of SNS: status %d", status)
	case status != http.StatusOK:
		return nil, errSNSSignature
	}
	if block, _ := pem.Decode(body); block != nil {
		body = block.Bytes
	}
	cert, err := x509.ParseCertificate(body)
	if err != nil {
		return nil, errSNSSignature
	}
	return cert, nil
}

// Visit implements Fetcher.
func (f *fetcher) Visit(ctx context.Context, address string) error {
	status, _, err := f.get(ctx, address)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the confirmation of a subscription: status %d", status)
	}
	return err
}

// get does not follow redirects: it asks the transport alone.
func (f *fetcher) get(ctx context.Context, address string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := f.transport.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxFetched))
	return resp.StatusCode, body, err
}
