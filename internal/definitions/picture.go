package definitions

import (
	"encoding/json"

	"tocsin/internal/statuspage"
)

// A picture is where a file has the address of one.
type picture struct{ of, address string }

// pictures lists the addresses of pictures that the file has.
func (d Definitions) pictures() []picture {
	var all []picture
	add := func(of string, address *string) {
		if address != nil && *address != "" {
			all = append(all, picture{of, *address})
		}
	}
	for _, m := range d.monitors {
		add("monitor "+m.made.Tag, m.made.Image)
	}
	for _, p := range d.pages {
		about := "page " + p.name()
		add(about, p.patch.Logo.Ptr(nil))
		add(about, new(texts(string(p.patch.Settings.Or("")))[statuspage.PagePreviewImage]))
	}
	for _, s := range d.settings {
		about := "site " + s.key.Key
		switch s.key.Key {
		case "logo", "favicon", "socialPreviewImage":
			add(about, &s.value)
		case "nav":
			var links []map[string]any
			if json.Unmarshal([]byte(s.value), &links) != nil {
				continue
			}
			for _, link := range links {
				icon, _ := link["iconURL"].(string)
				add(about, &icon)
			}
		}
	}
	return all
}

// texts are the fields of a JSON object that are texts.
func texts(object string) map[string]string {
	var fields map[string]any
	if json.Unmarshal([]byte(object), &fields) != nil {
		return nil
	}
	all := map[string]string{}
	for name, value := range fields {
		if text, is := value.(string); is {
			all[name] = text
		}
	}
	return all
}
