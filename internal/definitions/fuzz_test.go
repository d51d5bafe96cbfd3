package definitions_test

import (
	"regexp"
	"testing"

	"tocsin/internal/definitions"
)

// Any file is taken or refused with a line of it.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"monitors: [{tag: a, name: A}]\nalert_rules: [{alert_for: NO_DATA, alert_value: 5, monitor_tags: [a]}]",
		"pages: [{page_path: ~home, monitors: [a]}, {page_path: a, page_title: A, page_header: A, page_settings: {incidents: {enabled: false}}}]\nsite: {logo: /a, nav: [{name: a, url: b}]}",
		"monitors:\n- &x {<<: *x}", "monitors:\n\t- a", "---\n...\n---\n", "monitors: &m\n- type_data: {<<: [*m]}",
	} {
		f.Add([]byte(text))
	}
	line := regexp.MustCompile(`^line [1-9]\d*: `)
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := definitions.Parse(text); err != nil && !line.MatchString(err.Error()) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
