package doctor

import "strings"

// What the findings of this file are about.
const (
	aboutStack      = "stack"
	aboutCloudFront = "CloudFront"
	aboutAlarms     = "alarms"
)

// pageCertificates is the region in which CloudFront looks for certificates.
const pageCertificates = "us-east-1"

// state tells how the last deployment ended.
func (s target) state() Finding {
	events := "aws cloudformation describe-stack-events --stack-name " + s.Name + s.at + " says why"
	reason := ""
	if s.Reason != "" {
		reason = " (" + s.Reason + ")"
	}
	switch s.Status {
	case "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "IMPORT_COMPLETE":
		return ok(aboutStack, "%s in %s is %s", s.Name, s.Region, s.Status)
	case "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "IMPORT_ROLLBACK_COMPLETE":
		return warn(aboutStack, events, "%s in %s runs as before its last update, which failed: %s%s", s.Name, s.Region, s.Status, reason)
	}
	if strings.HasSuffix(s.Status, "_IN_PROGRESS") && !strings.HasPrefix(s.Status, "DELETE") && !strings.HasPrefix(s.Status, "ROLLBACK") {
		return warn(aboutStack, "look again when it is done", "%s in %s is %s", s.Name, s.Region, s.Status)
	}
	return missing(aboutStack, events, "%s in %s is %s%s", s.Name, s.Region, s.Status, reason)
}

// cloudFront tells who serves the pages.
func (s target) cloudFront() Finding {
	at := s.Outputs["PageDomainTarget"]
	switch {
	case s.Parameters["CloudFront"] != "true":
		return ok(aboutCloudFront, "off: the API's address serves the pages")
	case at == "":
		return missing(aboutCloudFront, "make deploy", "there is no distribution, although the parameter CloudFront is true")
	}
	return ok(aboutCloudFront, "on, at %s", at)
}

// domains are those of the operator's own, of the pages and of the API.
func (s target) domains() []domain {
	var own []domain
	for _, d := range []domain{
		{"page", s.Parameters["PageDomainName"], s.Parameters["PageCertificateArn"], s.Outputs["PageDomainTarget"], pageCertificates},
		{"API", s.Parameters["DomainName"], s.Parameters["CertificateArn"], s.Outputs["DomainTarget"], s.Region},
	} {
		if d.name != "" {
			own = append(own, d)
		}
	}
	return own
}

// alarms tells whether anybody hears of the alarms.
func (s target) alarms() Finding {
	switch {
	case s.Parameters["Alarms"] == "none":
		return warn(aboutAlarms, "set Alarms=essential in samconfig.toml, then make deploy", "there are none, as Alarms is none")
	case s.Parameters["AlarmTopicArn"] == "":
		return warn(aboutAlarms, "aws sns create-topic --name tocsin-alarms"+s.at+", set AlarmTopicArn in samconfig.toml to what it says, then make deploy", "they only show in CloudWatch, as AlarmTopicArn is empty")
	}
	return ok(aboutAlarms, "%s, they notify %s", s.Parameters["Alarms"], s.Parameters["AlarmTopicArn"])
}
