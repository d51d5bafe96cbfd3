package doctor

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tocsin/internal/publish"
	"tocsin/internal/stack"
)

// A Doctor looks at a deployed stack, with the rights that its clients have. It changes
// nothing.
type Doctor struct {
	Stack   stack.Stack
	Profile string // AWS profile that the commands to do are to be run with; "": the usual one
	Now     time.Time

	Table        *dynamodb.Client
	Schema       func(context.Context) error // an error when the table has another schema version
	Functions    *lambda.Client
	Bucket       *s3.Client
	Files        publish.Port // in the bucket
	Certificates *acm.Client  // in any region
	HTTP         *http.Client
	DNS          *net.Resolver
}

// target is the stack that is looked at; without a name it is a server on this machine.
type target struct {
	stack.Stack
	profile string // "" or the option for it
	at      string // the options of a command that say where the stack is
}

// newTarget returns the stack as a target.
func newTarget(s stack.Stack, profile string) target {
	t := target{Stack: s}
	if profile != "" {
		t.profile = " --profile " + profile
	}
	t.at = t.atRegion(s.Region)
	return t
}

// atRegion is target.at for what is in another region.
func (s target) atRegion(region string) string { return " --region " + region + s.profile }

// Run looks at everything and says each finding as soon as there is one.
func (d *Doctor) Run(ctx context.Context, say func(Finding)) {
	s := newTarget(d.Stack, d.Profile)
	say(s.state())
	d.table(ctx, s, say)
	d.pages(ctx, s, say)
	d.domains(ctx, s, say)
	d.answers(ctx, s, say)
	say(s.alarms())
}

func (d *Doctor) table(ctx context.Context, s target, say func(Finding)) {
	name, publisher := s.Outputs["TableName"], s.Outputs["PublisherFunctionName"]
	described, err := d.Table.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	say(s.tableState(described, err))
	if isCode(err, "ResourceNotFoundException") {
		return
	}
	say(schema(d.Schema(ctx)))
	if err == nil {
		say(s.stream(described.Table))
		if publisher != "" {
			mappings, err := d.Functions.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: &publisher})
			say(s.mapping(described.Table, mappings, err))
		}
		say(s.protection(described.Table))
	}
	say(s.timeToLive(d.Table.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})))
	say(s.recovery(d.Table.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &name})))
}

// pages looks at the files of the pages, and at what is around them.
func (d *Doctor) pages(ctx context.Context, s target, say func(Finding)) {
	name := s.Outputs["SiteBucketName"]
	if name == "" {
		say(missing(aboutBucket, "make deploy, or the release that is newer", "the stack is of a version that has no pages on AWS"))
		return
	}
	_, err := d.Bucket.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	say(s.bucket(err))
	if isCode(err, noBucket...) {
		return
	}
	say(s.publicAccess(d.Bucket.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &name})))
	say(s.versioning(d.Bucket.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &name})))
	put, more, err := publish.LastMark(ctx, d.Files)
	say(s.publisher(d.Now, put, more, err))
	home, _ := publish.Key("/")
	o, _, err := d.Files.Get(ctx, home)
	say(s.home(d.Now, o, err))
}

// domains looks at CloudFront and at the domains of the operator's own.
func (d *Doctor) domains(ctx context.Context, s target, say func(Finding)) {
	say(s.cloudFront())
	for _, own := range s.domains() {
		at := region(own.certificate)
		if at == own.region {
			out, err := d.Certificates.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &own.certificate}, func(o *acm.Options) { o.Region = at })
			say(s.issued(own, d.Now, out, err))
		} else {
			say(s.elsewhere(own, at))
		}
		r, err := resolve(ctx, d.DNS, own)
		say(points(own, r, err))
	}
}

// answers asks for a page and of the API, as anybody does.
func (d *Doctor) answers(ctx context.Context, s target, say func(Finding)) {
	if base := s.Outputs["PageUrl"]; base != "" {
		url := base + statusPath
		a, err := get(ctx, d.HTTP, url)
		say(s.page(d.Now, url, a, err))
	}
	base := s.Outputs["ApiUrl"]
	if own := s.Parameters["DomainName"]; own != "" { // then that one may be closed
		base = "https://" + own
	}
	url := base + healthPath
	a, err := get(ctx, d.HTTP, url)
	say(s.api(url, a, err))
}

// Local looks at a server on this machine, by its address, and at its table.
func Local(ctx context.Context, base string, hasSchema func(context.Context) error, client *http.Client, say func(Finding)) {
	var s target
	say(schema(hasSchema(ctx)))
	a, err := get(ctx, client, base+statusPath)
	say(s.page(time.Now(), base+statusPath, a, err))
	a, err = get(ctx, client, base+healthPath)
	say(s.api(base+healthPath, a, err))
}
