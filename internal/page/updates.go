package page

import (
	"strconv"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// updatesOf are the incident's newest updates, as far as maxTexts goes. Of an incident without any it is one that stands for the
// incident itself, because readers take the first one without looking whether there is one. It
// has number 0 and no text; the title is what it says.
func updatesOf(i site.Incident) []site.Update {
	if len(i.Updates) > 0 {
		return newestOf(i.Updates, maxText, maxTexts)
	}
	return []site.Update{{Time: min(i.Start, i.Created), State: i.State, Created: i.Created, Updated: i.Created}}
}

// newestOf are the newest of the updates: the first one, and those after it whose texts, each cut
// at so many UTF-16 units, are together no longer than all.
func newestOf(updates []site.Update, each, all int) []site.Update {
	for n, u := range updates {
		if all -= min(statuspage.Length(u.Text), each); all < 0 && n > 0 {
			return updates[:n]
		}
	}
	return updates
}

// updateID is the number of the update. The id of one that stands for its incident is made of
// the incident's.
func updateID(i site.Incident, u site.Update) string {
	if u.ID == 0 {
		return strconv.FormatInt(i.ID, 10) + "-0"
	}
	return strconv.FormatInt(u.ID, 10)
}

func updateBody(w *words, i site.Incident, u site.Update) string {
	if u.ID == 0 {
		return w.title(i)
	}
	return statuspage.Shorten(u.Text, maxText)
}
