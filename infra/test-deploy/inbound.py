"""Steps: alarms of other tools, over HTTP with the token of an integration, and of CloudWatch by the rule of EventBridge."""

import json
import time

import boto3

from deployment import check, step, wait_until
from permissions import logged

# Seconds until an event that failed has been tried again.
DELIVERED = 60

DESCRIPTION = "Too many errors. tocsin-monitor: website"
ARN = "arn:aws:cloudwatch:eu-central-1:210987654321:alarm:"


def open_incidents(d):
    """The ids of the incidents that alarms have opened and nobody closed."""
    listed = d.ok("GET", "/api/v4/incidents?status=open")["incidents"]
    return {i["id"] for i in listed if i["incident_source"] == "ALERT"}


@step("alarms of other tools over HTTP: the formats of Tocsin, PagerDuty and Opsgenie open an incident each and resolve it")
def hooks(d):
    made = d.ok("POST", "/api/v4/integrations", {"name": "Other tools", "kind": "generic", "options": {"monitors": ["website"]}})["integration"]
    token, before = made["token"], open_incidents(d)
    payload = {"summary": "Broken", "source": "test", "severity": "critical"}

    def event(action):
        return {"routing_key": token, "event_action": action, "dedup_key": "pagerduty", "payload": payload}

    key = {"Authorization": f"GenieKey {token}"}
    fires = [
        (f"/hooks/{token}", {"dedup_key": "own", "status": "firing", "title": "Broken"}, {}, 200),
        ("/v2/enqueue", event("trigger"), {}, 202),
        ("/v2/alerts", {"message": "Broken", "alias": "opsgenie/1", "priority": "P1"}, key, 202),
    ]
    ends = [
        (f"/hooks/{token}", {"dedup_key": "own", "status": "resolved"}, {}, 200),
        ("/v2/enqueue", event("resolve"), {}, 202),
        ("/v2/alerts/opsgenie%2F1/close?identifierType=alias", {}, key, 202),
    ]
    for requests, count in (fires, 3), (fires, 3), (ends, 0), (ends, 0):
        for path, body, headers, wanted in requests:
            status, answer = d.call("POST", path, body, **headers)
            check(status == wanted, path, "is answered", status, answer)
        got = open_incidents(d) - before
        check(len(got) == count, "the alarms have opened", got)
    status, answer = d.call("POST", "/hooks/" + "0" * 32, {})
    check(status == 401, "an unknown token is answered", status, answer)
    check(token not in logged(d, "Inbound"), "the token is in the log of Inbound")


@step("an alarm of CloudWatch, by the rule of EventBridge, opens an incident and resolves it; one that concerns no monitor does nothing")
def alarms(d):
    events, before = boto3.client("events"), open_incidents(d)
    [rule] = [r for r in events.list_rules()["Rules"] if r["Name"] == d.ids["InboundFunctionAlarmChanged"]]
    [target] = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    policy = json.loads(boto3.client("lambda").get_policy(FunctionName=d.ids["InboundFunction"])["Policy"])
    may = [s for s in policy["Statement"] if s["Principal"] == {"Service": "events.amazonaws.com"} and s["Condition"]["ArnLike"]["AWS:SourceArn"] == rule["Arn"]]
    check(target["Arn"].endswith(":function:" + d.ids["InboundFunction"]) and may, "the rule", rule, "calls", target, "whose policy is", policy)
    check(target["DeadLetterConfig"]["Arn"].endswith(":" + d.outputs["FailuresQueueUrl"].rpartition("/")[2]), "what can't be delivered goes to", target)

    def put(name, state, description=DESCRIPTION, kind="CloudWatch Alarm State Change"):
        at = time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime())
        detail = {"alarmName": name, "state": {"value": state, "reason": "test", "timestamp": at}, "configuration": {"description": description, "metrics": []}}
        entry = {"Source": "aws.cloudwatch", "DetailType": kind, "Resources": [ARN + name], "Detail": json.dumps(detail)}
        answer = events.put_events(Entries=[entry])
        check(answer["FailedEntryCount"] == 0, "the event is refused:", answer)

    put("of-no-monitor", "ALARM", "Scaling")
    put("errors", "ALARM")
    [opened] = wait_until(DELIVERED, "an incident of the alarm", lambda: open_incidents(d) - before)
    time.sleep(1)  # two changes of an alarm in the same second would have no order here
    put("errors", "OK")
    wait_until(DELIVERED, "the alarm resolves it", lambda: opened not in open_incidents(d))
    check(open_incidents(d) <= before, "other incidents:", open_incidents(d))
