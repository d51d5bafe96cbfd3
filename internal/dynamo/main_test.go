package dynamo_test

import (
	"log/slog"
	"testing"

	"tocsin/internal/dynamotest"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the tests interrupt many deletions, which the store logs
	dynamotest.Main(m)
}
