// Package bucket keeps the files of the public pages in Amazon S3.
package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"tocsin/internal/publish"
)

// A Bucket is a publish.Port. What is known of a file beside its bytes is the metadata of its
// object. Reads are strongly consistent, and of two writers that know the same ETag S3 lets
// one through.
type Bucket struct {
	client *s3.Client
	name   string
}

// The metadata of an object.
const (
	metaStatus = "status"
	metaState  = "state"
	metaNote   = "note"
	metaTime   = "time"
)

const (
	maxAttempts = 4 // of a call that S3 throttles, fails or does not answer
	maxBackoff  = time.Second
	maxSize     = 32 << 20 // bytes of an object: a larger one is none of ours, and is cut
)

// NewClient returns a client for the region and credentials of cfg, or for the endpoint when
// one is given (an emulator).
func NewClient(cfg aws.Config, endpoint string) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
			o.UsePathStyle = true // its name has no bucket in front
		}
		// TLS keeps the body whole on its way.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.Retryer = retry.NewStandard(func(so *retry.StandardOptions) {
			so.MaxAttempts, so.MaxBackoff = maxAttempts, maxBackoff
			so.RateLimiter = ratelimit.None // which is for long-lived servers
		})
	})
}

// New returns the bucket with the name.
func New(client *s3.Client, name string) *Bucket { return &Bucket{client: client, name: name} }

// Get implements publish.Port. Without the right to list the bucket S3 refuses to say that
// there is no object, which is an error here.
func (b *Bucket) Get(ctx context.Context, key string) (publish.Object, string, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if isMissing(err) {
		return publish.Object{}, "", publish.ErrNotFound
	}
	if err != nil {
		return publish.Object{}, "", fmt.Errorf("S3: %w", err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, maxSize))
	if err != nil {
		return publish.Object{}, "", fmt.Errorf("S3: reading the object: %w", err)
	}
	o := publish.Object{Body: body, Type: aws.ToString(out.ContentType), Status: http.StatusOK, State: plain(out.Metadata[metaState]), Note: plain(out.Metadata[metaNote])}
	if status, err := strconv.Atoi(out.Metadata[metaStatus]); err == nil && http.StatusText(status) != "" { // else somebody put it by hand
		o.Status = status
	}
	if o.Time, err = strconv.ParseInt(out.Metadata[metaTime], 10, 64); err != nil {
		o.Time = 0
	}
	return o, aws.ToString(out.ETag), nil
}

// Put implements publish.Port. When the answer to a put is lost, the next try of it finds its
// own object and returns publish.ErrChanged.
func (b *Bucket) Put(ctx context.Context, key string, o publish.Object, etag string) (string, error) {
	in := &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: bytes.NewReader(o.Body), ContentType: &o.Type,
		CacheControl: aws.String(publish.CacheControl(key, o.Status)),
		Metadata: map[string]string{
			metaStatus: strconv.Itoa(o.Status), metaState: url.QueryEscape(o.State), metaNote: url.QueryEscape(o.Note), metaTime: strconv.FormatInt(o.Time, 10),
		},
	}
	if etag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &etag
	}
	out, err := b.client.PutObject(ctx, in)
	switch status := statusOf(err); {
	case status == http.StatusPreconditionFailed, status == http.StatusConflict, isMissing(err): // another one was there first, is there now, or removed it
		return "", publish.ErrChanged
	case err != nil:
		return "", fmt.Errorf("S3: %w", err)
	}
	return aws.ToString(out.ETag), nil
}

// plain undoes url.QueryEscape, without which S3 gives back another text when one is more than
// letters. A text that somebody put by hand stays as it is.
func plain(escaped string) string {
	if text, err := url.QueryUnescape(escaped); err == nil {
		return text
	}
	return escaped
}

// isMissing reports whether S3 says that there is no such object. That there is no such bucket
// has the same status.
func isMissing(err error) bool {
	refused, ok := errors.AsType[smithy.APIError](err)
	return ok && refused.ErrorCode() == "NoSuchKey"
}

// statusOf is the status with which S3 refused a call; 0: it did not, or gave no answer.
func statusOf(err error) int {
	if refused, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return refused.HTTPStatusCode()
	}
	return 0
}
