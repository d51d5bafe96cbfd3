package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"tocsin/internal/publish"
)

// What the findings of this file are about.
const (
	aboutBucket     = "bucket"
	aboutPublic     = "public access"
	aboutVersioning = "versioning"
	aboutPublisher  = "publisher"
	aboutHome       = "home page"
	aboutPage       = "page"
	aboutAPI        = "API"
)

const (
	// oldPage is from when on a home page is too old. Its figures move every five minutes.
	oldPage = 10 * time.Minute

	// longWork is how old the mark of a publisher may be when there is more to do: each pass of
	// such work leaves one.
	longWork = 5 * time.Minute

	// maxBody is how many bytes are read of an answer.
	maxBody = 1 << 20
)

// noBucket are the codes of S3's errors that say that there is no such bucket.
var noBucket = []string{"NotFound", "NoSuchBucket"}

func (s target) bucket(err error) Finding {
	name := s.Outputs["SiteBucketName"]
	if isCode(err, noBucket...) {
		return missing(aboutBucket, "aws s3 mb s3://"+name+s.at+", then what is said here, and the policy that template.yaml has", "there is no bucket %s, so there are no pages", name)
	}
	if err != nil {
		return notSeen(aboutBucket, err)
	}
	return ok(aboutBucket, "%s is there", name)
}

func (s target) publicAccess(out *s3.GetPublicAccessBlockOutput, err error) Finding {
	if err != nil && !isCode(err, "NoSuchPublicAccessBlockConfiguration") {
		return notSeen(aboutPublic, err)
	}
	if err == nil {
		if b := out.PublicAccessBlockConfiguration; b != nil && aws.ToBool(b.BlockPublicAcls) && aws.ToBool(b.BlockPublicPolicy) && aws.ToBool(b.IgnorePublicAcls) && aws.ToBool(b.RestrictPublicBuckets) {
			return ok(aboutPublic, "blocked: only CloudFront and the functions read the bucket")
		}
	}
	return missing(aboutPublic, "aws s3api put-public-access-block --bucket "+s.Outputs["SiteBucketName"]+
		" --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"+s.at, "not blocked")
}

func (s target) versioning(out *s3.GetBucketVersioningOutput, err error) Finding {
	if err != nil {
		return notSeen(aboutVersioning, err)
	}
	if out.Status == types.BucketVersioningStatusEnabled {
		return ok(aboutVersioning, "on")
	}
	return missing(aboutVersioning, "aws s3api put-bucket-versioning --bucket "+s.Outputs["SiteBucketName"]+" --versioning-configuration Status=Enabled"+s.at,
		"off, so a page that was damaged by hand can only be made again")
}

// publisher tells by the mark of the last publisher, put at this time (UTC seconds), how it
// stands. more: there is work that takes several passes.
func (s target) publisher(now time.Time, put int64, more bool, err error) Finding {
	since := now.Sub(time.Unix(put, 0))
	switch {
	case errors.Is(err, publish.ErrNotFound):
		return missing(aboutPublisher, s.again("publisher"), "it has left no mark in the bucket: it has not run, or the mark was deleted")
	case err != nil:
		return notSeen(aboutPublisher, err)
	case more && since > longWork:
		return warn(aboutPublisher, s.again("publisher"), "many pages are to be made anew, and it has not gone on with them for %s", age(since))
	case more:
		return ok(aboutPublisher, "many pages are to be made anew, the last part was %s ago", age(since))
	}
	return ok(aboutPublisher, "nothing is left to do, its mark is %s old", age(since))
}

// home tells how old the home page is.
func (s target) home(now time.Time, o publish.Object, err error) Finding {
	if errors.Is(err, publish.ErrNotFound) {
		return missing(aboutHome, s.publish(), "there is none")
	}
	if err != nil {
		return notSeen(aboutHome, err)
	}
	since := now.Sub(time.Unix(o.Time, 0))
	if since > oldPage {
		return missing(aboutHome, s.again("publisher"), "%s old, although it is made again every five minutes: the publisher fails or does not run", age(since))
	}
	return ok(aboutHome, "%s old", age(since))
}

// The paths that are asked for.
const (
	statusPath = "/api/v2/status.json"
	healthPath = "/healthcheck"
)

// An answer is what came over HTTP.
type answer struct {
	status int
	body   []byte
}

// get asks for the address.
func get(ctx context.Context, client *http.Client, url string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	resp, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	return answer{resp.StatusCode, body}, err
}

// closed reports whether the answer is what a stack says to who does not come through its CDN.
func (s target) closed(a answer) bool {
	return a.status == http.StatusForbidden && s.Parameters["OriginSecretSHA256"] != ""
}

// unreachable is what to do when there was no answer at all.
const unreachable = "try it from another network; a domain of your own needs its certificate and its record in the DNS"

// page tells by status.json how the pages look to a reader.
func (s target) page(now time.Time, url string, a answer, err error) Finding {
	switch {
	case err != nil:
		return missing(aboutPage, unreachable, "no answer: %s", err)
	case s.closed(a):
		return warn(aboutPage, "look at it through the CDN that has the secret", "%s answers 403, as OriginSecretSHA256 asks for", url)
	case a.status != http.StatusOK:
		return missing(aboutPage, s.again("page"), "%s answers %d", url, a.status)
	}
	var status struct {
		Page struct {
			GeneratedAt time.Time `json:"generated_at"`
		} `json:"page"`
	}
	if err := json.Unmarshal(a.body, &status); err != nil || status.Page.GeneratedAt.IsZero() {
		return missing(aboutPage, "look at what answers there", "%s is answered, but not by these pages", url)
	}
	since := now.Sub(status.Page.GeneratedAt)
	if since > oldPage {
		return missing(aboutPage, s.again("publisher"), "%s is %s old", url, age(since))
	}
	return ok(aboutPage, "%s is %s old", url, age(since))
}

// api tells how the API answers.
func (s target) api(url string, a answer, err error) Finding {
	switch {
	case err != nil:
		return missing(aboutAPI, unreachable, "no answer: %s", err)
	case s.closed(a):
		return ok(aboutAPI, "%s answers 403, as OriginSecretSHA256 asks for", url)
	case a.status != http.StatusOK:
		return missing(aboutAPI, s.why("edge"), "%s answers %d", url, a.status)
	}
	return ok(aboutAPI, "%s answers", url)
}

// publish is the command that makes the pages.
func (s target) publish() string { return "tocsin publish --stack " + s.Name + s.at }

// why says where the newest lines of a function's log are.
func (s target) why(function string) string {
	if s.Name == "" {
		return "read what tocsin serve prints"
	}
	return fmt.Sprintf("aws logs tail /aws/lambda/%s-%s --since 1h%s", s.Name, function, s.at)
}

// again is what to do when a function failed with the pages: they can be made by hand, and that
// says what is wrong. A server on this machine makes them itself.
func (s target) again(function string) string {
	if s.Name == "" {
		return s.why(function)
	}
	return s.why(function) + ", and " + s.publish()
}
