package model_test

import (
	"testing"

	"tocsin/internal/dynamotest"
)

func TestMain(m *testing.M) { dynamotest.Main(m) }
