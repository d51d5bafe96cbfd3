package page

import (
	"embed"
	"strings"

	"tocsin/internal/site"
)

// pictures are what other sites show beside a link to a page: one for each status, 1200 by 630
// pixels. TestPictures draws them.
//
//go:embed assets/og/*.png
var pictures embed.FS

// pictureFiles are the pictures, and an icon of the state of the whole.
func pictureFiles(s *site.Site) []File {
	var files []File
	for _, status := range site.Statuses {
		name := "og/" + statusName(status) + ".png"
		body, err := pictures.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // a fault of the program, as it is part of it
		}
		files = append(files, File{Path: "/" + name, Type: "image/png", Status: 200, Body: body, Every: Hourly})
	}
	status, headline := headlineOf(s)
	colour := palettesOf(s.Settings.Colours, s.Settings.DarkColours).statusColour(status)
	return append(files, svgFile("/favicon.svg", iconSVG(status, hexColour(colour), mainWords(s).say(headline)), Hourly))
}

// iconSVG is the icon of a status as a file, which says what it means.
func iconSVG(status site.Status, colour, says string) []byte {
	shape := strings.NewReplacer(
		`class="g"`, `fill="none" stroke="#fff" stroke-width="1.7" stroke-linecap="round"`,
		`class="r"`, `fill="none" stroke="`+colour+`" stroke-width="2"`,
	).Replace(string(shapes[known(status)]))
	var w writer
	w.raw(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" role="img" fill="`, raw(colour), `"><title>`)
	w.text(says)
	w.raw(`</title>`, raw(shape), `</svg>`)
	return w.b
}
