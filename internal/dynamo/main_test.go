package dynamo_test

import (
	"flag"
	"log/slog"
	"testing"

	"tocsin/internal/dynamotest"
)

func TestMain(m *testing.M) {
	if flag.Parse(); testing.Short() {
		*racesFlag = min(*racesFlag, 4)
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the tests interrupt many deletions, which the store logs
	dynamotest.Main(m)
}
