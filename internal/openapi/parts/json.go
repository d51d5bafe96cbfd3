package parts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"

	"go.yaml.in/yaml/v4"
)

// documentJSON is the YAML as JSON in the same order, ASCII only, so that no editor
// or terminal can spoil or hide a character of a pattern.
func documentJSON(root *yaml.Node) ([]byte, error) {
	var compact, indented bytes.Buffer
	if err := writeJSON(&compact, root); err != nil {
		return nil, err
	}
	if err := json.Indent(&indented, compact.Bytes(), "", " "); err != nil {
		return nil, err
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

func writeJSON(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		return writeAll(b, "{}", n.Content, func(i int, c *yaml.Node) error {
			if i%2 == 0 && c.ShortTag() != "!!str" {
				return fmt.Errorf("line %d: the key %s is no text", c.Line, c.Value)
			}
			if i%2 == 0 {
				for _, before := range n.Content[:i] {
					if before.Value == c.Value && before != c {
						return fmt.Errorf("line %d: %s stands there twice", c.Line, c.Value)
					}
				}
			}
			return writeJSON(b, c)
		})
	case yaml.SequenceNode:
		return writeAll(b, "[]", n.Content, func(_ int, c *yaml.Node) error { return writeJSON(b, c) })
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!str":
			writeString(b, n.Value)
			return nil
		case "!!int", "!!float", "!!bool", "!!null":
			if !json.Valid([]byte(n.Value)) {
				return fmt.Errorf("line %d: %s is not written as in JSON", n.Line, n.Value)
			}
			b.WriteString(n.Value)
			return nil
		}
	}
	return fmt.Errorf("line %d: %s %s has no place in JSON", n.Line, n.ShortTag(), n.Value)
}

// writeAll writes the parts of a mapping or a sequence between its brackets.
func writeAll(b *bytes.Buffer, brackets string, parts []*yaml.Node, write func(int, *yaml.Node) error) error {
	b.WriteByte(brackets[0])
	for i, part := range parts {
		switch {
		case brackets == "{}" && i%2 == 1:
			b.WriteByte(':')
		case i > 0:
			b.WriteByte(',')
		}
		if err := write(i, part); err != nil {
			return err
		}
	}
	b.WriteByte(brackets[1])
	return nil
}

func writeString(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r >= ' ' && r < 0x7f:
			b.WriteRune(r)
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(b, `\u%04x`, unit)
			}
		}
	}
	b.WriteByte('"')
}
