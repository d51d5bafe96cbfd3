package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"
)

func TestCertificate(t *testing.T) {
	const arn = "arn:aws:acm:us-east-1:1:certificate/c"
	s, d := example(nil), domain{about: "page", name: "status.example.com", certificate: arn, target: "d1.cloudfront.net", region: "us-east-1"}
	look := func(change func(*types.CertificateDetail), err error) Finding {
		c := &types.CertificateDetail{
			Status: types.CertificateStatusIssued, DomainName: aws.String("example.com"), SubjectAlternativeNames: []string{"*.example.com"},
			NotAfter: aws.Time(now.Add(100 * 24 * time.Hour)), Type: types.CertificateTypeAmazonIssued,
		}
		if change != nil {
			change(c)
		}
		return s.issued(d, now, &acm.DescribeCertificateOutput{Certificate: c}, err)
	}
	ends := func(in time.Duration, kind types.CertificateType) Finding {
		return look(func(c *types.CertificateDetail) { c.NotAfter, c.Type = aws.Time(now.Add(in)), kind }, nil)
	}
	const request = ". To do: aws acm request-certificate --domain-name status.example.com --validation-method DNS --region us-east-1 --profile work"
	const show = ". To do: aws acm describe-certificate --certificate-arn " + arn + " --region us-east-1 --profile work, which says "
	findings{
		{look(nil, nil), "ok       page's certificate: issued for status.example.com, until 2027-03-10"},
		{look(func(c *types.CertificateDetail) { c.NotAfter = nil }, nil), "ok       page's certificate: issued for status.example.com"},
		{look(func(c *types.CertificateDetail) { c.SubjectAlternativeNames = nil }, nil), "missing  page's certificate: it is for example.com, not for status.example.com" + request},
		{look(func(c *types.CertificateDetail) { c.Status = types.CertificateStatusRevoked }, nil), "missing  page's certificate: it is REVOKED" + show + "why"},
		{look(func(c *types.CertificateDetail) { c.Status = types.CertificateStatusPendingValidation }, nil), "missing  page's certificate: not issued yet: it waits for a record in the DNS" + show + "for what"},
		{look(func(c *types.CertificateDetail) {
			c.Status = types.CertificateStatusPendingValidation
			record := func(name string, status types.DomainStatus) types.DomainValidation {
				return types.DomainValidation{ValidationStatus: status, ResourceRecord: &types.ResourceRecord{Name: &name, Type: types.RecordTypeCname, Value: aws.String("v.acm-validations.aws.")}}
			}
			c.DomainValidationOptions = []types.DomainValidation{record("_1.example.com.", types.DomainStatusSuccess), record("_2.example.com.", types.DomainStatusPendingValidation)}
		}, nil), "missing  page's certificate: not issued yet: it waits for a record in the DNS. To do: put into the DNS: _2.example.com. CNAME v.acm-validations.aws."},
		{ends(-time.Second, types.CertificateTypeAmazonIssued), "missing  page's certificate: it ended on 2026-11-30" + show + "why it was not renewed"},
		{ends(29*24*time.Hour, types.CertificateTypeAmazonIssued), "warn     page's certificate: it ends on 2026-12-29" + show + "why it was not renewed"},
		{ends(29*24*time.Hour, types.CertificateTypeImported), "warn     page's certificate: it ends on 2026-12-29, and ACM does not renew what was imported. To do: import a new one under the same ARN"},
		{look(nil, refused("ResourceNotFoundException", "")), "missing  page's certificate: there is no " + arn + request},
		{look(nil, denied), "warn     page's certificate: " + notAllowed},
		{s.elsewhere(d, "eu-central-1"), "missing  page's certificate: it is in eu-central-1, not in us-east-1" + request},
	}.check(t)
	for _, tt := range []struct {
		name, domain string
		want         bool
	}{
		{"a.example.com", "a.example.com", true}, {"A.example.com", "a.example.com", true}, {"*.example.com", "a.example.com", true},
		{"*.example.com", "example.com", false}, {"*.example.com", "a.b.example.com", false}, {"example.com", "a.example.com", false},
	} {
		if got := covers(tt.name, tt.domain); got != tt.want {
			t.Errorf("%s covers %s: %t", tt.name, tt.domain, got)
		}
	}
	for arn, want := range map[string]string{arn: "us-east-1", "arn:aws": "", "": ""} {
		if got := region(arn); got != want {
			t.Errorf("%q is in %q", arn, got)
		}
	}
}

func TestDomain(t *testing.T) {
	d := domain{about: "API", name: "api.example.com", target: "d-1.example.net"}
	const todo = ". To do: make a CNAME record, or an alias, of api.example.com to d-1.example.net"
	findings{
		{points(d, resolved{name: "d-1.example.net.", addresses: []string{"192.0.2.1"}}, nil), "ok       API's DNS record: api.example.com leads to d-1.example.net"},
		{points(d, resolved{name: "api.example.com.", addresses: []string{"192.0.2.1", "192.0.2.2"}, wanted: []string{"192.0.2.2"}}, nil), "ok       API's DNS record: api.example.com leads to d-1.example.net"},
		{points(d, resolved{name: "api.example.com.", addresses: []string{"192.0.2.1"}, wanted: []string{"192.0.2.2"}}, nil), "warn     API's DNS record: api.example.com leads to 192.0.2.1 and not to d-1.example.net, unless another CDN is between" + todo},
		{points(d, resolved{name: "other.example.", addresses: []string{"192.0.2.1"}}, nil), "warn     API's DNS record: api.example.com leads to other.example and not to d-1.example.net, unless another CDN is between" + todo},
		{points(d, resolved{}, errors.New("lookup api.example.com: no such host")), "warn     API's DNS record: it can't be resolved: lookup api.example.com: no such host" + todo},
	}.check(t)
}

// What is in front of readers is looked at as the parameters say.
func TestParameters(t *testing.T) {
	with := func(outputs map[string]string, parameters map[string]string) target {
		s := example(parameters)
		s.Outputs = outputs
		return s
	}
	topic := map[string]string{"Alarms": "all", "AlarmTopicArn": "arn:topic"}
	findings{
		{with(nil, nil).cloudFront(), "ok       CloudFront: off: the API's address serves the pages"},
		{with(nil, map[string]string{"CloudFront": "true"}).cloudFront(), "missing  CloudFront: there is no distribution, although the parameter CloudFront is true. To do: make deploy"},
		{with(map[string]string{"PageDomainTarget": "d1.cloudfront.net"}, map[string]string{"CloudFront": "true"}).cloudFront(), "ok       CloudFront: on, at d1.cloudfront.net"},
		{example(topic).alarms(), "ok       alarms: all, they notify arn:topic"},
		{example(map[string]string{"Alarms": "none", "AlarmTopicArn": "arn:topic"}).alarms(), "warn     alarms: there are none, as Alarms is none. To do: set Alarms=essential in samconfig.toml, then make deploy"},
		{example(map[string]string{"Alarms": "all"}).alarms(), "warn     alarms: they only show in CloudWatch, as AlarmTopicArn is empty. To do: aws sns create-topic --name tocsin-alarms --region eu-central-1 --profile work, set AlarmTopicArn in samconfig.toml to what it says, then make deploy"},
	}.check(t)
	if got := example(nil).domains(); len(got) != 0 {
		t.Errorf("domains %v, want none", got)
	}
	got := with(map[string]string{"PageDomainTarget": "p", "DomainTarget": "a"}, map[string]string{"PageDomainName": "page.example.com", "PageCertificateArn": "c1", "DomainName": "api.example.com", "CertificateArn": "c2"}).domains()
	want := []domain{{"page", "page.example.com", "c1", "p", "us-east-1"}, {"API", "api.example.com", "c2", "a", "eu-central-1"}}
	if !slices.Equal(got, want) {
		t.Errorf("domains %v, want %v", got, want)
	}
}

// The addresses are asked as a reader asks them.
func TestAnswers(t *testing.T) {
	reply := map[string]func(w http.ResponseWriter){}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply[r.URL.Path](w)
	}))
	defer server.Close()
	status := func(code int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	made := func(d time.Duration) func(http.ResponseWriter) {
		return status(200, `{"page":{"generated_at":"`+time.Now().Add(-d).UTC().Format(time.RFC3339)+`"}}`)
	}
	closed := map[string]string{"OriginSecretSHA256": strings.Repeat("0", 64)}
	const edge, page = "aws logs tail /aws/lambda/tocsin-prod-edge --since 1h --region eu-central-1 --profile work",
		"aws logs tail /aws/lambda/tocsin-prod-page --since 1h --region eu-central-1 --profile work, and tocsin publish --stack tocsin-prod --region eu-central-1 --profile work"
	for _, tt := range []struct {
		parameters map[string]string
		page, api  func(http.ResponseWriter)
		want       []string
	}{
		{nil, made(5 * time.Minute), status(200, "{}"), []string{"ok       page: BASE/api/v2/status.json is 5 min old", "ok       API: BASE/healthcheck answers"}},
		{nil, made(time.Hour), status(500, ""), []string{"missing  page: BASE/api/v2/status.json is 60 min old. To do: " + remake, "missing  API: BASE/healthcheck answers 500. To do: " + edge}},
		{nil, status(503, ""), status(302, ""), []string{"missing  page: BASE/api/v2/status.json answers 503. To do: " + page, "missing  API: BASE/healthcheck answers 302. To do: " + edge}},
		{nil, status(200, "<html>"), status(403, ""), []string{"missing  page: BASE/api/v2/status.json is answered, but not by these pages. To do: look at what answers there", "missing  API: BASE/healthcheck answers 403. To do: " + edge}},
		{closed, status(403, ""), status(403, ""), []string{"warn     page: BASE/api/v2/status.json answers 403, as OriginSecretSHA256 asks for. To do: look at it through the CDN that has the secret", "ok       API: BASE/healthcheck answers 403, as OriginSecretSHA256 asks for"}},
	} {
		reply["/api/v2/status.json"], reply["/healthcheck"] = tt.page, tt.api
		s := example(tt.parameters)
		s.Outputs = map[string]string{"PageUrl": server.URL, "ApiUrl": server.URL}
		var got []string
		d := Doctor{Now: time.Now(), HTTP: server.Client()}
		d.answers(t.Context(), s, func(f Finding) { got = append(got, strings.ReplaceAll(f.String(), server.URL, "BASE")) })
		if !slices.Equal(got, tt.want) {
			t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := get(ctx, server.Client(), server.URL+"/healthcheck")
	const again = ". To do: try it from another network; a domain of your own needs its certificate and its record in the DNS"
	findings{
		{example(nil).page(now, server.URL, answer{}, err), `missing  page: no answer: Get "` + server.URL + `/healthcheck": context canceled` + again},
		{example(nil).api(server.URL, answer{}, err), `missing  API: no answer: Get "` + server.URL + `/healthcheck": context canceled` + again},
		{target{}.page(now, "URL", answer{status: 503}, nil), "missing  page: URL answers 503. To do: read what tocsin serve prints"},
	}.check(t)
}
