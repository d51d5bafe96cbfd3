package main

import (
	"path/filepath"
	"strings"
	"testing"

	"tocsin/internal/dynamotest"
)

// TestTableRefuses has what tocsin table says before it calls AWS.
func TestTableRefuses(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	template := filepath.Join(dynamotest.Root(t), "template.yaml")
	for _, command := range []string{"prepare", "create"} {
		for _, tt := range []struct {
			args []string
			want string
		}{
			{nil, "say which table: --table NAME"},
			{[]string{"--table", "restored", "--template", "no.yaml"}, "reading the template: open no.yaml"},
			{[]string{"--table", "restored", "--template", template}, "no AWS region: name one with --region or set AWS_REGION"},
		} {
			status, out, errs := tocsin(t, nil, append([]string{"table", command}, tt.args...)...)
			if status != 1 || out != "" || !strings.HasPrefix(errs, "tocsin: "+tt.want) {
				t.Errorf("table %s %q: %d, %s%s; want 1, %q", command, tt.args, status, out, errs, tt.want)
			}
		}
	}
}
