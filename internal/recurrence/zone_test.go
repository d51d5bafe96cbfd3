package recurrence

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLoadZone(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Etc/GMT+12", "GB-Eire", "EST5EDT"} {
		for range 2 { // the second is remembered
			loc, err := LoadZone(name)
			if err != nil || loc.String() != name {
				t.Errorf("LoadZone(%q): %v, %v", name, loc, err)
			}
		}
	}
	for _, name := range []string{
		"", "Local", "local", "utc", "europe/berlin", "Europe", "Europe/", "/Europe/Berlin", "Europe//Berlin", "../Europe/Berlin", "Europe/../Asia/Tokyo", `Europe\Berlin`,
		"/etc/localtime", "/usr/share/zoneinfo/Europe/Berlin", "posix/Europe/Berlin", "right/Europe/Berlin", "posixrules", "localtime", "zone.tab", "Mars/Olympus",
		"CEST", "+02:00", "Europe/Berlin ", "Europe/Berlin\x00", strings.Repeat("A", 5000),
	} {
		if loc, err := LoadZone(name); err == nil {
			t.Errorf("LoadZone(%q) is %v, want an error", name, loc)
		}
	}
}

// Every zone of the database is found, and walking through its changes ends and goes forward.
func TestEveryZone(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	count := 0
	for _, file := range archive.File {
		if strings.HasSuffix(file.Name, "/") {
			continue
		}
		count++
		loc, err := LoadZone(file.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		const until = 4_300_000_000 // 2106
		z := zoneAt(loc, -3_000_000_000)
		for changes := 0; z.end < until; changes++ {
			if changes == 2000 {
				t.Fatalf("%s: walking through its changes does not go on from %v", file.Name, time.Unix(z.end, 0).UTC())
			}
			before := z.end
			if z = zoneAt(loc, z.end); z.end <= before {
				t.Fatalf("%s: no change after %v", file.Name, time.Unix(before, 0).UTC())
			}
		}
	}
	if count < 500 {
		t.Errorf("only %d zones", count)
	}
}
