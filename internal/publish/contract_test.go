package publish_test

import (
	"testing"

	"tocsin/internal/publish"
	"tocsin/internal/publish/publishtest"
)

func TestFolderIsAPort(t *testing.T) {
	publishtest.Contract(t, func(t *testing.T) publish.Port { return openFolder(t) })
}
