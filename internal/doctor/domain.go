package doctor

import (
	"context"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"
)

// soonOver is how long before its end a certificate is told of. ACM renews its own 60 days
// before.
const soonOver = 30 * 24 * time.Hour

// A domain is one of the operator's own.
type domain struct {
	about       string // whose it is
	name        string
	certificate string // its ARN
	target      string // what the record in the DNS is to point to
	region      string // where the certificate has to be
}

// region is the one in an ARN.
func region(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) < 4 {
		return ""
	}
	return parts[3]
}

// issued tells whether there is a certificate for the domain.
func (s target) issued(d domain, now time.Time, out *acm.DescribeCertificateOutput, err error) Finding {
	about := d.about + "'s certificate"
	show := "aws acm describe-certificate --certificate-arn " + d.certificate + s.atRegion(d.region)
	if isCode(err, "ResourceNotFoundException") {
		return missing(about, s.request(d), "there is no %s", d.certificate)
	}
	if err != nil {
		return notSeen(about, err)
	}
	c := out.Certificate
	switch {
	case c.Status == types.CertificateStatusPendingValidation:
		return missing(about, validation(c, show), "not issued yet: it waits for a record in the DNS")
	case c.Status != types.CertificateStatusIssued:
		return missing(about, show+", which says why", "it is %s", c.Status)
	case !slices.ContainsFunc(append(slices.Clone(c.SubjectAlternativeNames), aws.ToString(c.DomainName)), func(n string) bool { return covers(n, d.name) }):
		return missing(about, s.request(d), "it is for %s, not for %s", aws.ToString(c.DomainName), d.name)
	}
	left := aws.ToTime(c.NotAfter).Sub(now)
	until := aws.ToTime(c.NotAfter).UTC().Format(time.DateOnly)
	switch {
	case c.NotAfter == nil:
		return ok(about, "issued for %s", d.name)
	case left <= 0:
		return missing(about, show+", which says why it was not renewed", "it ended on %s", until)
	case left < soonOver && c.Type == types.CertificateTypeImported:
		return warn(about, "import a new one under the same ARN", "it ends on %s, and ACM does not renew what was imported", until)
	case left < soonOver:
		return warn(about, show+", which says why it was not renewed", "it ends on %s", until)
	}
	return ok(about, "issued for %s, until %s", d.name, until)
}

// elsewhere is the finding when the certificate is in a region where it is of no use.
func (s target) elsewhere(d domain, region string) Finding {
	return missing(d.about+"'s certificate", s.request(d), "it is in %s, not in %s", region, d.region)
}

// request is the command that asks for a certificate.
func (s target) request(d domain) string {
	return "aws acm request-certificate --domain-name " + d.name + " --validation-method DNS" + s.atRegion(d.region)
}

// validation says which records of the DNS a certificate waits for.
func validation(c *types.CertificateDetail, show string) string {
	var records []string
	for _, o := range c.DomainValidationOptions {
		if r := o.ResourceRecord; r != nil && o.ValidationStatus != types.DomainStatusSuccess {
			records = append(records, aws.ToString(r.Name)+" "+string(r.Type)+" "+aws.ToString(r.Value))
		}
	}
	if len(records) == 0 {
		return show + ", which says for what"
	}
	return "put into the DNS: " + strings.Join(records, ", ")
}

// covers reports whether a name of a certificate, which may begin with *, is right for the domain.
func covers(name, domain string) bool {
	if rest, wild := strings.CutPrefix(name, "*."); wild {
		_, domain, _ = strings.Cut(domain, ".")
		name = rest
	}
	return strings.EqualFold(name, domain)
}

// A resolved is what the DNS says of a domain.
type resolved struct {
	name      string   // that it is an alias of
	addresses []string // of the domain
	wanted    []string // addresses of what it is to point to
}

// resolve asks the DNS.
func resolve(ctx context.Context, dns *net.Resolver, d domain) (r resolved, err error) {
	if r.name, err = dns.LookupCNAME(ctx, d.name); err != nil {
		return r, err
	}
	if r.addresses, err = dns.LookupHost(ctx, d.name); err != nil {
		return r, err
	}
	r.wanted, err = dns.LookupHost(ctx, d.target)
	return r, err
}

// points tells whether the domain leads to the stack.
func points(d domain, r resolved, err error) Finding {
	about, todo := d.about+"'s DNS record", "make a CNAME record, or an alias, of "+d.name+" to "+d.target
	if err != nil {
		return warn(about, todo, "it can't be resolved: %s", err)
	}
	name := strings.TrimSuffix(r.name, ".")
	if strings.EqualFold(name, d.target) || slices.ContainsFunc(r.addresses, func(a string) bool { return slices.Contains(r.wanted, a) }) {
		return ok(about, "%s leads to %s", d.name, d.target)
	}
	to := strings.Join(r.addresses, ", ")
	if !strings.EqualFold(name, d.name) {
		to = name
	}
	return warn(about, todo, "%s leads to %s and not to %s, unless another CDN is between", d.name, to, d.target)
}
