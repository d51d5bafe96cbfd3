package page

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"tocsin/internal/site"
)

// TestPictures draws the pictures and compares them with those that are part of the program.
// With -update it writes them.
func TestPictures(t *testing.T) {
	for _, status := range site.Statuses {
		var b bytes.Buffer
		drawn := draw(t, status)
		encoder := png.Encoder{CompressionLevel: png.BestCompression}
		if err := encoder.Encode(&b, drawn); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile("assets/og/"+statusName(status)+".png", b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		f := fileAt(t, shop(), "/og/"+statusName(status)+".png")
		kept, err := png.Decode(bytes.NewReader(f.Body))
		if err != nil {
			t.Fatal(err)
		}
		if !same(drawn, kept) {
			t.Errorf("the picture of %s is not the one that is drawn; go test ./internal/page -run TestPictures -update makes it", status)
		}
		if len(f.Body) > 6<<10 || kept.Bounds() != image.Rect(0, 0, 1200, 630) {
			t.Errorf("the picture of %s has %d bytes, %v", status, len(f.Body), kept.Bounds())
		}
	}
}

// same reports whether the pictures show the same. The bytes of a PNG are not looked at: they
// may change with the compression of another Go.
func same(a, b image.Image) bool {
	if a.Bounds() != b.Bounds() {
		return false
	}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if color.RGBAModel.Convert(a.At(x, y)) != color.RGBAModel.Convert(b.At(x, y)) {
				return false
			}
		}
	}
	return true
}

// steps is how many shades an edge has between two colours. With few of them the file is small.
const steps = 6

// A canvas is a picture of a few colours and of the shades between them.
type canvas struct {
	*image.Paletted
	index map[color.RGBA]uint8
}

func newCanvas(ground color.RGBA) *canvas {
	c := &canvas{image.NewPaletted(image.Rect(0, 0, 1200, 630), color.Palette{ground}), map[color.RGBA]uint8{ground: 0}}
	return c
}

// put lays a colour over a pixel; it covers that much of it, 0 to 1.
func (c *canvas) put(x, y int, ink color.RGBA, cover float64) {
	part := math.Round(min(1, max(0, cover))*steps) / steps
	if part == 0 {
		return
	}
	under := c.Palette[c.ColorIndexAt(x, y)].(color.RGBA)
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a)*(1-part) + float64(b)*part)) }
	mixed := color.RGBA{mix(under.R, ink.R), mix(under.G, ink.G), mix(under.B, ink.B), 255}
	n, ok := c.index[mixed]
	if !ok {
		n = uint8(len(c.Palette))
		c.index[mixed], c.Palette = n, append(c.Palette, mixed)
	}
	c.SetColorIndex(x, y, n)
}

// An outline says how far a point is outside of it, in the units of the icons; inside is negative.
type outline func(x, y float64) float64

func circle(cx, cy, r float64) outline {
	return func(x, y float64) float64 { return math.Hypot(x-cx, y-cy) - r }
}

// line is a stroke with round ends.
func line(x1, y1, x2, y2, width float64) outline {
	return func(x, y float64) float64 {
		dx, dy := x2-x1, y2-y1
		along := min(1, max(0, ((x-x1)*dx+(y-y1)*dy)/max(1e-9, dx*dx+dy*dy)))
		return math.Hypot(x-x1-along*dx, y-y1-along*dy) - width/2
	}
}

// polygon has its corners in order, rounded by r.
func polygon(r float64, corners ...[2]float64) outline {
	return func(x, y float64) float64 {
		distance, inside := math.Inf(1), false
		for n, a := range corners {
			b := corners[(n+1)%len(corners)]
			distance = min(distance, line(a[0], a[1], b[0], b[1], 0)(x, y))
			if (a[1] > y) != (b[1] > y) && x < (b[0]-a[0])*(y-a[1])/(b[1]-a[1])+a[0] {
				inside = !inside
			}
		}
		if inside {
			distance = -distance
		}
		return distance - r
	}
}

func both(a, b outline) outline {
	return func(x, y float64) float64 { return min(a(x, y), b(x, y)) }
}

func ring(r, width float64) outline {
	return func(x, y float64) float64 { return math.Abs(math.Hypot(x-8, y-8)-r) - width/2 }
}

const stroke = 1.7

// drawings are the icons of the pages, each an area and a glyph on it.
var drawings = map[site.Status][2]outline{
	site.Up:       {circle(8, 8, 8), both(line(4.4, 8.3, 6.9, 10.8, stroke), line(6.9, 10.8, 11.6, 5.8, stroke))},
	site.Degraded: {polygon(1.7, [2]float64{8, 2.2}, [2]float64{14.3, 13.6}, [2]float64{1.7, 13.6}), both(line(8, 5.2, 8, 9.2, stroke), circle(8, 12, stroke/2))},
	site.UnderMaintenance: {
		polygon(4, [2]float64{4, 4}, [2]float64{12, 4}, [2]float64{12, 12}, [2]float64{4, 12}),
		both(line(8, 4, 8, 8.2, stroke), line(8, 8.2, 10.7, 10.1, stroke)),
	},
	site.Down: {
		polygon(0, [2]float64{4.7, 0}, [2]float64{11.3, 0}, [2]float64{16, 4.7}, [2]float64{16, 11.3}, [2]float64{11.3, 16}, [2]float64{4.7, 16}, [2]float64{0, 11.3}, [2]float64{0, 4.7}),
		both(line(5.2, 5.2, 10.8, 10.8, stroke), line(10.8, 5.2, 5.2, 10.8, stroke)),
	},
	site.NoData: {ring(7, 2), line(5, 8, 11, 8, 2)},
}

// fill draws a outline, whose units are so many pixels, with its origin at x, y.
func (c *canvas) fill(s outline, x, y int, unit float64, ink color.RGBA) {
	for py := range int(16 * unit) {
		for px := range int(16 * unit) {
			c.put(x+px, y+py, ink, 0.5-s((float64(px)+0.5)/unit, (float64(py)+0.5)/unit)*unit)
		}
	}
}

// write writes a text in the middle, on a line at y.
func (c *canvas) write(t *testing.T, text string, ttf []byte, size float64, y int, ink color.RGBA) {
	t.Helper()
	parsed, err := opentype.Parse(ttf)
	if err != nil {
		t.Fatal(err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	mask := image.NewAlpha(c.Rect)
	d := font.Drawer{Dst: mask, Src: image.Opaque, Face: face}
	d.Dot = fixed.Point26_6{X: (fixed.I(c.Rect.Dx()) - d.MeasureString(text)) / 2, Y: fixed.I(y)}
	d.DrawString(text)
	for py := range c.Rect.Dy() {
		for px := range c.Rect.Dx() {
			c.put(px, py, ink, float64(mask.AlphaAt(px, py).A)/255)
		}
	}
}

// draw is the picture of a status: its icon and its word on its tint.
func draw(t *testing.T, status site.Status) image.Image {
	t.Helper()
	of := func(name string) color.RGBA {
		c, ok := parseColour(colour(lightColours, name))
		if !ok {
			t.Fatalf("no colour %s", name)
		}
		return c
	}
	name := statusName(status)
	c := newCanvas(of(name + "-tint"))
	glyph := white
	if status == site.NoData {
		glyph = of(name)
	}
	const unit = 14.0
	const left, top = (1200 - 16*unit) / 2, 104
	c.fill(drawings[status][0], left, top, unit, of(name))
	c.fill(drawings[status][1], left, top, unit, glyph)
	w := wordsIn(Languages[0])
	c.write(t, w.status(status), gobold.TTF, 100, 456, of("ink"))
	c.write(t, w.say("Status"), goregular.TTF, 40, 540, of("dim"))
	for y := 614; y < 630; y++ {
		for x := range 1200 {
			c.put(x, y, of(name), 1)
		}
	}
	return c
}

func TestFavicon(t *testing.T) {
	for status, s := range map[site.Status]*site.Site{site.Down: shop(), site.NoData: {}} {
		f := fileAt(t, s, "/favicon.svg")
		if want := `fill="` + hexColour(palettes{}.statusColour(status)) + `"`; !bytes.Contains(f.Body, []byte(want)) || len(f.Body) > 512 {
			t.Errorf("%s is %s", status, f.Body)
		}
	}
}
