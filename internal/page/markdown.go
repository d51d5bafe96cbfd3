package page

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown renders the text of an update or of a maintenance. Raw HTML and links that run
// something are left out, as goldmark does it by itself. A picture becomes a link to it, so that
// a page loads nothing from another host. base is put before links to a path: "" on the pages,
// the site's URL in feeds, which are read elsewhere.
func markdown(base, source string) []byte {
	if isTwisted(source) {
		return literally(source)
	}
	var b bytes.Buffer
	context := parser.NewContext()
	context.Set(baseKey, base)
	// Convert fails when writing does, and a buffer takes all.
	_ = renderer.Convert([]byte(source), &b, parser.WithContext(context))
	return b.Bytes()
}

// plain is the words of the text, without the marks of Markdown, on one line.
func plain(source string) string {
	if isTwisted(source) {
		return strings.Join(strings.Fields(source), " ")
	}
	src := []byte(source)
	var b strings.Builder
	_ = ast.Walk(renderer.Parser().Parse(text.NewReader(src)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(textOf(n, src))
			} else if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		case *ast.AutoLink:
			if entering {
				b.Write(n.Label(src))
			}
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			if entering {
				b.Write(n.Lines().Value(src))
			}
		}
		if n.Type() == ast.TypeBlock && !entering {
			b.WriteByte(' ')
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// textOf is what a text node says: outside of code, what an escape or an entity stands for.
func textOf(n *ast.Text, src []byte) []byte {
	value := n.Segment.Value(src)
	if parent := n.Parent(); n.IsRaw() || parent != nil && parent.Kind() == ast.KindCodeSpan {
		return value
	}
	return util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(value)))
}

var (
	renderer = goldmark.New(goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(links{}, 0))))
	baseKey  = parser.NewContextKey()
)

// links changes the links and pictures of a text as markdown says.
type links struct{}

func (links) Transform(document *ast.Document, _ text.Reader, context parser.Context) {
	base, _ := context.Get(baseKey).(string)
	var pictures []*ast.Image
	_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Link:
			if entering && bytes.HasPrefix(n.Destination, []byte("/")) && !bytes.HasPrefix(n.Destination, []byte("//")) {
				n.Destination = append([]byte(base), n.Destination...)
			}
		case *ast.Image:
			if entering {
				pictures = append(pictures, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, p := range pictures {
		asLink(p)
	}
}

// asLink puts a link in the place of the picture, or its words alone when it is within a link.
func asLink(p *ast.Image) {
	parent := p.Parent()
	for n := parent; n != nil; n = n.Parent() {
		if n.Kind() == ast.KindLink {
			for child := p.FirstChild(); child != nil; child = p.FirstChild() {
				parent.InsertBefore(parent, p, child)
			}
			parent.RemoveChild(parent, p)
			return
		}
	}
	link := ast.NewLink()
	link.Destination, link.Title = p.Destination, p.Title
	for child := p.FirstChild(); child != nil; child = p.FirstChild() {
		link.AppendChild(link, child)
	}
	parent.ReplaceChild(parent, p, link)
}
