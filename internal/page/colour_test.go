package page

import (
	"fmt"
	"image/color"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/site"
)

// A pair is two variables of the style that need a contrast.
type pair struct {
	front, back string
	least       float64
}

// pairs are all that stand on one another.
func pairs() []pair {
	all := []pair{
		{"ink", "paper", textContrast}, {"ink", "card", textContrast}, {"dim", "paper", textContrast}, {"dim", "card", textContrast},
	}
	for _, bar := range []string{"up-bar", "degraded-bar"} {
		all = append(all, pair{bar, "card", shapeContrast}, pair{bar, "paper", shapeContrast})
	}
	for _, s := range site.Statuses {
		name := statusName(s)
		all = append(all,
			pair{name, "paper", textContrast}, pair{name, "card", textContrast}, pair{name, name + "-tint", textContrast}, pair{"ink", name + "-tint", textContrast},
			pair{"card", name, shapeContrast})
	}
	return all
}

func checkContrasts(t interface{ Errorf(string, ...any) }, of palettes, pairs []pair) {
	for _, theme := range []string{"light", "dark"} {
		for _, p := range pairs {
			front, _ := parseColour(of.colour(theme, p.front))
			back, _ := parseColour(of.colour(theme, p.back))
			if got := contrast(front, back); got < p.least {
				t.Errorf("%s: %s on %s has a contrast of %.2f, less than %.1f", theme, p.front, p.back, got, p.least)
			}
		}
	}
}

func TestColours(t *testing.T) { checkContrasts(t, palettes{}, pairs()) }

var settableColours = []string{"UP", "DOWN", "DEGRADED", "MAINTENANCE", "ACCENT", "ACCENT_FOREGROUND"}

// Whatever colours a site has, what is shown can be seen.
func TestAnyColours(t *testing.T) {
	all := pairs()
	for _, name := range []string{"up-bar", "degraded-bar", "down-bar", "maintenance-bar"} {
		all = append(all, pair{name, "card", shapeContrast}, pair{name, "paper", shapeContrast})
	}
	all = append(all, pair{"accent-ink", "accent", textContrast})
	for _, name := range []string{"up", "degraded", "down", "maintenance"} {
		all = append(all, pair{"dim", name + "-tint", textContrast})
	}
	rapid.Check(t, func(t *rapid.T) {
		drawn := func(names []string) map[string]string {
			of := map[string]string{}
			for _, name := range names {
				of[name] = fmt.Sprintf("#%06x", rapid.IntRange(0, 0xffffff).Draw(t, name))
			}
			return of
		}
		colours := drawn(settableColours)
		dark := drawn(rapid.SliceOfDistinct(rapid.SampledFrom(settableColours), rapid.ID).Draw(t, "dark"))
		checkContrasts(t, palettesOf(colours, dark), all)
	})
}

// A colour that can be seen is shown as it is.
func TestReadable(t *testing.T) {
	paper := ground{"", white}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 0xffffff).Draw(t, "colour")
		c := color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}
		shown := readable(c, textContrast, paper)
		if contrast(c, white) >= textContrast && shown != c {
			t.Errorf("%s becomes %s", hexColour(c), hexColour(shown))
		}
		if got := contrast(shown, white); shown != c && (got < textContrast || got > textContrast+0.4) {
			t.Errorf("%s becomes %s, with %.2f", hexColour(c), hexColour(shown), got)
		}
		h, s, l := hsl(c)
		if back := rgb(h, s, l); back != c {
			t.Errorf("%s comes back as %s", hexColour(c), hexColour(back))
		}
		if of, other, _ := hsl(shown); shown != c && other > 0.3 && s > 0.3 {
			if d := math.Abs(math.Mod(of-h+9, 6) - 3); d > 0.3 {
				t.Errorf("%s becomes %s, of another hue", hexColour(c), hexColour(shown))
			}
		}
	})
}

func TestColourWarnings(t *testing.T) {
	for _, c := range []struct {
		colours, dark map[string]string
		want          []string
	}{
		{},
		{map[string]string{"UP": "no colour", "other": "#fff"}, nil, nil},
		{map[string]string{"UP": "#1b7a50"}, map[string]string{"UP": "#4fc08d"}, nil},
		{map[string]string{"DEGRADED": "#e6ca61"}, nil, []string{
			"colors.DEGRADED #e6ca61 has 1.4:1 on the page, bars need 3:1: shown as #a88a1b",
			"colors.DEGRADED #e6ca61 has 1.4:1 on the page, text needs 4.5:1: shown as #856d15",
		}},
		{map[string]string{"DOWN": "#7a0000"}, map[string]string{"MAINTENANCE": "#303080"}, []string{
			"colors.DOWN #7a0000 has 1.4:1 on a dark card, bars need 3:1: shown as #d60000",
			"colors.DOWN #7a0000 has 1.4:1 on a dark card, text needs 4.5:1: shown as #ff2e2e",
			"colorsDark.MAINTENANCE #303080 has 1.4:1 on a dark card, bars need 3:1: shown as #5e5ec3",
			"colorsDark.MAINTENANCE #303080 has 1.4:1 on a dark card, text needs 4.5:1: shown as #7f7fcf",
		}},
		{map[string]string{"ACCENT": "#f4f4f4", "ACCENT_FOREGROUND": "#e96e2d"}, map[string]string{"ACCENT_FOREGROUND": "#111111"}, []string{
			"colors.ACCENT_FOREGROUND #e96e2d has 2.8:1 on ACCENT, text needs 4.5:1: shown as #bb4d14",
		}},
	} {
		got := ColourWarnings(c.colours, c.dark)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
