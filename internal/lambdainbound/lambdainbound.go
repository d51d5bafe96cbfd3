// Package lambdainbound makes the Lambda function that takes what other tools send of their alarms. Requests
// over HTTP are internal/apihooks' business. CloudWatch's alarms also come as events, which EventBridge and
// topics of SNS call the function with: they have no token, and need none, since who may call the function
// is the function's own policy to say.
package lambdainbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/apihooks"
	"tocsin/internal/awsenv"
	"tocsin/internal/delivery"
	"tocsin/internal/inbound"
	"tocsin/internal/lambdahttp"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// Function is the function. Of its environment it reads what all functions do, and what
// lambdahttp.NewFor reads.
var Function = awsenv.Function{Name: string(web.Inbound), New: func(e awsenv.Env) (lambda.Handler, error) {
	receiver := delivery.Receiver{Store: e.Store, Log: e.Log}
	routes := apihooks.Routes(e.Store, receiver, inbound.NewFetcher(http.DefaultTransport))
	handler := web.New(web.Inbound, web.Config{Store: e.Store, Now: e.Now, Ready: e.Ready}, routes)
	return &function{Env: e, http: lambdahttp.NewFor(e.Getenv, handler, web.InternalError(), e.Log), receiver: receiver}, nil
}}

// grace is how long before the function's timeout the work on an event ends, so that there is still
// time to say what failed.
const grace = time.Second

type function struct {
	awsenv.Env
	http     *lambdahttp.Handler
	receiver delivery.Receiver
	warm     atomic.Bool
}

// An event is what tells events of EventBridge and SNS from HTTP requests.
type event struct {
	Kind    string                  `json:"detail-type"` // of EventBridge
	Source  string                  `json:"source"`
	Records []events.SNSEventRecord `json:"Records"`
}

// Invoke answers an HTTP request, or takes an event. Of an event an error is returned only when
// something of ours failed, so that the platform calls again with it.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil || e.Kind == "" && len(e.Records) == 0 {
		return f.http.Invoke(ctx, payload)
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-grace))
		defer cancel()
	}
	var failed error
	switch {
	case e.Source == "aws.health":
		failed = f.take(ctx, e.Source, statuspage.KindAWSHealth, payload)
	case e.Kind != "":
		failed = f.take(ctx, e.Source, statuspage.KindCloudWatch, payload)
	}
	for _, record := range e.Records {
		failed = errors.Join(failed, f.take(ctx, record.SNS.TopicArn, statuspage.KindCloudWatch, []byte(record.SNS.Message)))
	}
	if failed != nil {
		return nil, failed
	}
	return []byte("null"), nil
}

// take takes what an event says of an alarm, and logs what came of it in a line, which has the level
// DEBUG when nothing did.
func (f *function) take(ctx context.Context, source string, kind statuspage.IntegrationKind, body []byte) error {
	now := f.Now()
	taken, err := f.receive(ctx, kind, body, now)
	attrs := []slog.Attr{
		slog.String("source", source), slog.Int("received", taken.Received), slog.Int("opened", taken.Opened), slog.Int("resolved", taken.Resolved), slog.Int("ignored", taken.Ignored),
		slog.Int64("durationMs", f.Now().Sub(now).Milliseconds()), slog.Bool("coldStart", !f.warm.Swap(true)),
	}
	level := slog.LevelInfo
	if taken.Ignored == taken.Received {
		level = slog.LevelDebug
	}
	ours := false
	if err != nil {
		e, told := errors.AsType[*statuspage.Error](err)
		ours = !told || e.Code == statuspage.CodeUnavailable
		level = slog.LevelWarn
		if ours {
			level = slog.LevelError
		}
		attrs = append(attrs, slog.String("cause", err.Error()))
	}
	f.Log.LogAttrs(ctx, level, "alarm", attrs...)
	if ours {
		return fmt.Errorf("taking an alarm: %w", err)
	}
	return nil
}

func (f *function) receive(ctx context.Context, kind statuspage.IntegrationKind, body []byte, now time.Time) (statuspage.Taken, error) {
	if err := f.Ready(ctx); err != nil {
		return statuspage.Taken{}, err
	}
	i, err := f.Store.Integration(ctx, statuspage.CloudWatchID)
	if err != nil {
		return statuspage.Taken{}, err
	}
	return f.receiver.Receive(ctx, delivery.Delivery{
		Integration: i, Time: now.UnixMilli(), Body: string(body),
		Read: func(context.Context) (delivery.Content, error) {
			signals, err := inbound.Signals(kind, inbound.Message{Body: body}, i.Settings())
			return delivery.Content{Signals: signals}, err
		},
		Status: web.StatusOf,
	})
}
