package inbound

import (
	"cmp"
	"strings"

	"tocsin/internal/statuspage"
)

// gitHub reads a webhook of GitHub about runs of workflows and deployments
// (docs/integrations.md, GitHub). What it is about is told by its fields, as the header X-GitHub-Event
// does too. It is a note unless failed deployments open incidents.
func gitHub(m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	body, err := readFields(m)
	if err != nil {
		return nil, err
	}
	if form := body.object("payload"); form != nil { // as webhooks are unless JSON is chosen
		body = form
	}
	repository := body.object("repository").text("full_name")
	s := statuspage.Signal{Action: statuspage.SignalIgnored, Labels: map[string]string{"repository": repository}}
	run, status := body.object("workflow_run"), body.object("deployment_status")
	switch {
	case repository == "" && body["zen"] == nil:
		return nil, statuspage.Invalid("The body must be a webhook of GitHub, with repository")
	case run != nil:
		branch := run.text("head_branch")
		s.Key = repository + "/" + run.text("workflow_id") + "@" + branch
		s.Title = gitHubTitle(repository, run.text("name"), "on "+branch, run.text("conclusion"))
		s.Link, s.At = run.text("html_url"), run.time("updated_at")
		s.Labels["workflow"], s.Labels["branch"], s.Labels["conclusion"] = run.text("name"), branch, run.text("conclusion")
		if body.text("action") == "completed" {
			s.Action = gitHubAction(run.text("conclusion"), statuspage.SignalNote)
		}
	case status != nil:
		environment := status.text("environment")
		s.Key = repository + "/" + environment
		s.Title = gitHubTitle(repository, "Deployment", "to "+environment, status.text("state"))
		s.Message, s.Link, s.At = status.text("description"), status.text("target_url", "log_url"), status.time("updated_at", "created_at")
		s.Labels["environment"], s.Labels["state"] = environment, status.text("state")
		s.Action = gitHubAction(status.text("state"), statuspage.SignalIgnored)
	default:
		return ignored("Webhook with the action " + cmp.Or(body.text("action"), "ping")), nil
	}
	if !o.FailedDeploys && s.Action != statuspage.SignalIgnored {
		s.Action = statuspage.SignalNote
	}
	return []statuspage.Signal{timed(s)}, nil
}

// gitHubAction returns what the end of a run or a deployment says, and other for what is neither
// good nor bad, such as one that was cancelled.
func gitHubAction(end string, other statuspage.SignalAction) statuspage.SignalAction {
	switch end {
	case "failure", "error", "timed_out", "startup_failure":
		return statuspage.SignalFiring
	case "success":
		return statuspage.SignalResolved
	}
	return other
}

func gitHubTitle(repository, what, where, end string) string {
	return repository + ": " + what + " " + where + ": " + strings.ReplaceAll(end, "_", " ")
}
