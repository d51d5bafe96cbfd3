// Package parts makes the OpenAPI document and the page of it from the YAML files
// beside it, which are written by hand: common.yaml, and one for each resource. No
// function links it.
package parts

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

//go:embed *.yaml
var sources embed.FS

// order is the parts as they follow each other in the document and on the page.
var order = []string{
	"common.yaml", "incidents.yaml", "comments.yaml", "maintenances.yaml", "monitors.yaml", "points.yaml", "legacy.yaml", "alertrules.yaml", "alerts.yaml", "pages.yaml", "site.yaml", "integrations.yaml", "keys.yaml", "service.yaml",
}

// A File is one of those that are made from the parts.
type File struct {
	Name string
	Text []byte
}

// Packed is the file in gzip's format, with nothing in it that the same text would not
// give again, as a time.
func (f File) Packed() []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(f.Text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(fmt.Sprintf("gzip: %v", err)) // a bytes.Buffer never fails
	}
	return b.Bytes()
}

// Files makes openapi.json and docs.html.
func Files() ([]File, error) {
	root, err := read(sources, order)
	if err != nil {
		return nil, err
	}
	document, err := documentJSON(root)
	if err != nil {
		return nil, err
	}
	html, err := pageHTML(root)
	if err != nil {
		return nil, err
	}
	return []File{{"openapi.json", document}, {"docs.html", html}}, nil
}

// read puts the parts together. There must be no file but those in order, or its
// paths would be missing and nobody told.
func read(files fs.FS, order []string) (*yaml.Node, error) {
	names, err := fs.Glob(files, "*")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !slices.Contains(order, name) {
			return nil, fmt.Errorf("%s has no place in the order of the parts", name)
		}
	}
	root, owners := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, owners{}
	for _, name := range order {
		part, err := readPart(files, name)
		if err == nil {
			err = owners.merge(name, root, part, "")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return root, nil
}

func readPart(files fs.FS, name string) (*yaml.Node, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Load(text, &document); err != nil {
		return nil, err
	}
	part := &document
	if part.Kind == yaml.DocumentNode {
		part = part.Content[0]
	}
	// What can't be JSON is found here, where the file is known that the line is in.
	return part, writeJSON(&bytes.Buffer{}, part)
}

// owners are the parts that have defined something, by its place in the document.
type owners map[string]string

// merge adds the fields of a part, those at the place, to the document's. What several
// parts have a share in is put together; anything else one part has alone.
func (o owners) merge(part string, into, from *yaml.Node, at string) error {
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, value := from.Content[i], from.Content[i+1]
		place := at + key.Value
		shared := place == "tags" || place == "paths" || place == "components" || strings.HasPrefix(at, "components.") && strings.Count(at, ".") == 1
		if !shared {
			if err := o.claim(part, place); err != nil {
				return err
			}
			into.Content = append(into.Content, key, value)
			continue
		}
		target := node{Node: into}.get(key.Value).Node
		if target == nil {
			target = &yaml.Node{Kind: value.Kind, Tag: value.Tag}
			into.Content = append(into.Content, key, target)
		}
		if value.Kind != target.Kind || value.Kind == yaml.ScalarNode {
			return fmt.Errorf("line %d: %s is not what it is elsewhere", value.Line, place)
		}
		if value.Kind == yaml.MappingNode {
			if err := o.merge(part, target, value, place+"."); err != nil {
				return err
			}
			continue
		}
		for _, item := range value.Content {
			if err := o.claim(part, place+"."+node{Node: item}.text("name")); err != nil {
				return err
			}
			target.Content = append(target.Content, item)
		}
	}
	return nil
}

func (o owners) claim(part, place string) error {
	if other, ok := o[place]; ok {
		return fmt.Errorf("%s is in %s already", place, other)
	}
	o[place] = part
	return nil
}
