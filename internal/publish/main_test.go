package publish_test

import (
	"log/slog"
	"testing"

	"tocsin/internal/dynamotest"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	dynamotest.Main(m)
}
