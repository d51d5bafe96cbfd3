package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A file is a part of an archive.
type file struct {
	name       string
	content    []byte
	executable bool
}

// packedAt is the time of every file in an archive: the first that a zip can have.
var packedAt = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// zipOf returns an archive of the files by name. Equal files give equal bytes.
func zipOf(files []file) ([]byte, error) {
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: packedAt}
		h.SetMode(0o644)
		if f.executable {
			h.SetMode(0o755)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

var codeLine = regexp.MustCompile(`^( +CodeUri: )functions/([a-z]+)/$`)

// packagedTemplate returns the template for one processor without what sam build needs: the
// code of each function is a zip beside it. names are the functions.
func packagedTemplate(text, arch string) (packaged string, names []string, err error) {
	var lines []string
	in := ""           // the parameter or resource that the line is in
	metadata := false  // whether the line is in the Metadata of a function
	processor := false // whether the template's processor was changed
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if indent == 2 && strings.HasSuffix(line, ":") {
			in = strings.TrimSpace(line)
		}
		if metadata = metadata && indent > 4 || line == "    Metadata:"; metadata {
			continue
		}
		code := codeLine.FindStringSubmatch(line)
		switch {
		case strings.Contains(line, "# Metadata is for `sam build`"):
			lines = lines[:len(lines)-1] // the empty line of the comment before it
			continue
		case code != nil:
			names = append(names, code[2])
			line = code[1] + code[2] + ".zip"
		case in == "Architecture:" && strings.HasPrefix(line, "    AllowedValues: "):
			line = "    AllowedValues: [" + arch + "]"
		case in == "Architecture:" && strings.HasPrefix(line, "    Default: "):
			line = "    Default: " + arch
			processor = true
		}
		lines = append(lines, line)
	}
	packaged = strings.Join(lines, "\n") + "\n"
	if len(names) == 0 || !processor || strings.Contains(packaged, "BuildMethod") || strings.Contains(packaged, "CodeUri: functions") {
		return "", nil, errors.New("template.yaml is not written as internal/release expects it")
	}
	if functions := strings.Count(packaged, "Type: AWS::Serverless::Function\n"); functions != len(names) {
		return "", nil, fmt.Errorf("template.yaml has %d functions, %d of them with code", functions, len(names))
	}
	return packaged, names, nil
}
