"""What a JSON Schema can't say of valid requests.

Every case that is to be accepted gets values that fit what is in the table and one another; a case that is to be refused is left alone. So every
check keeps its strict meaning: what the document allows is taken, what it does not allow is refused.
"""

import itertools
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request

import schemathesis
from schemathesis import GenerationMode

KEPT_MONITORS = os.environ["KEPT_MONITORS"].split(",")  # made before the run; nothing deletes them
ADDRESS = os.environ["ADDRESS"]  # of the service
OWN_KEY_ID = "1"  # of the API key that the run itself uses
CLOUDWATCH = "1"  # the integration that is always there
KEPT_INTEGRATION = "2"  # of the kind generic, made before the run; nothing changes or deletes it

MAX_TIMESTAMP = 253402300799
MIDDLE = 1_000_000_000  # starts are before it, ends and comments after it

numbers = itertools.count(1)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= MAX_TIMESTAMP


@schemathesis.hook
def before_call(context, case, kwargs):
    spare_what_the_run_needs(case)
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    # What an answer has no id for, such as the incident of an alert that opened none, leads nowhere.
    for name, value in (case.path_parameters or {}).items():
        if name.endswith("_id") and str(value) == "None":
            case.path_parameters[name] = "999999"
    # One idempotency key belongs to one request.
    if case.headers and case.headers.get("Idempotency-Key"):
        case.headers["Idempotency-Key"] = f"{next(numbers)}-{case.headers['Idempotency-Key']}"[:255]
    # A made-up tag is never that of the incident: half of the requests go without.
    if case.headers and case.headers.get("If-Match") and next(numbers) % 2:
        case.headers["If-Match"] = "*"
    # A cursor is what a list gave out; an empty one is none.
    if case.query and "cursor" in case.query:
        case.query["cursor"] = ""
    if case.query and "start_ts" in case.query and "end_ts" in case.query and case.path.endswith("/data"):
        case.query["start_ts"], case.query["end_ts"] = str(MIDDLE), str(MIDDLE + 3600)
    # A range of days is whole, and not beside a number of days.
    if case.query and case.path.endswith("/uptime") and (case.query.get("from") or case.query.get("to")):
        case.query.pop("days", None)
        case.query["from"] = case.query["to"] = "2001-09-09"
    # Nobody sets a minute that is far ahead.
    minute = re.match(r"\D*(\d+)", urllib.parse.unquote(str((case.path_parameters or {}).get("timestamp", ""))))
    if minute and int(minute[1]) > time.time():
        case.path_parameters["timestamp"] = str(MIDDLE)
    # A filter by a monitor is by one that is there.
    if case.query and case.query.get("monitor_tag") and case.path.endswith("/alerts"):
        case.query["monitor_tag"] = KEPT_MONITORS[0]
    if case.query and case.path in QUERIES:
        QUERIES[case.path](case.query)
    # What a tool sends is in the format of the integration's kind.
    if case.path.endswith("/test") and case.path_parameters:
        case.path_parameters["integration_id"] = KEPT_INTEGRATION
    # Of these settings any value is one.
    if case.method.upper() == "PATCH" and case.path.endswith("/site/{key}") and case.path_parameters:
        case.path_parameters["key"] = next(FREE_SETTINGS)
    fit = FITTINGS.get((case.method.upper(), case.path.removeprefix("/api/v4/")))
    for body in case.body if isinstance(case.body, list) else [case.body]:
        if fit and isinstance(body, dict):
            fit(body)


def spare_what_the_run_needs(case):
    parameters = case.path_parameters or {}
    if str(parameters.get("key_id", "")).lstrip("0") == OWN_KEY_ID:
        parameters["key_id"] = "2"
    if case.method.upper() == "DELETE" and parameters.get("monitor_tag") in KEPT_MONITORS:
        parameters["monitor_tag"] = "no-such-monitor"
    if case.method.upper() == "DELETE" and urllib.parse.unquote(str(parameters.get("page_path", ""))) == "~home":
        parameters["page_path"] = "no-such-page"
    # CloudWatch's integration can't be deleted and has no token.
    integration, method = str(parameters.get("integration_id", "")).lstrip("0"), case.method.upper()
    if integration == CLOUDWATCH and (method == "DELETE" or case.path.endswith("/rotate")) or integration == KEPT_INTEGRATION and method in ("DELETE", "PATCH"):
        parameters["integration_id"] = "3"


def incident(body):
    """The monitors are there, and the end is not before the start, also of an incident that has one of the two already."""
    if is_number(body.get("start_date_time")):
        body["start_date_time"] = body["start_date_time"] % MIDDLE
    if is_number(body.get("end_date_time")):
        body["end_date_time"] = max(body["end_date_time"], MIDDLE)
    for n, link in enumerate(body["monitors"] if isinstance(body.get("monitors"), list) else []):
        if isinstance(link, dict) and "monitor_tag" in link:
            link["monitor_tag"] = KEPT_MONITORS[n % len(KEPT_MONITORS)]


RULES = itertools.cycle(["FREQ=MINUTELY;COUNT=1", "FREQ=WEEKLY;BYDAY=MO,-1FR", "freq=daily;interval=3;until=20301231"])


def maintenance(body):
    """The monitors are there, the rule and the time zone are some, and it is not too late or too long."""
    incident(body)
    if "rrule" in body:
        body["rrule"] = next(RULES)
    if isinstance(body.get("time_zone"), str):
        body["time_zone"] = "Europe/Berlin"
    if "duration_seconds" in body:
        body["duration_seconds"] = min(body["duration_seconds"], 3600)


def event(body):
    """Its times, since the status of an event that is over or cancelled can't be another one; the end is after the start."""
    body.pop("status", None)
    for field, first in (("start_date_time", 0), ("end_date_time", MIDDLE)):
        body[field] = first + (body[field] if is_number(body.get(field)) else 0) % MIDDLE


def comment(body):
    """A RESOLVED one is not before the incident's start, which is now for one that an alert opened."""
    if is_number(body.get("timestamp")):
        body["timestamp"] = max(body["timestamp"], time.time())


def monitor(body):
    """The tag is free."""
    body["tag"] = f"m{next(numbers)}-{body['tag'].strip()}"[:256].rstrip("-_")


FREE_SETTINGS = itertools.cycle(["announcement", "footerHTML", "customCSS", "sitemap"])


def ask(method, path):
    """Calls the service with the run's key and returns the answer, None when there is nothing at the path."""
    request = urllib.request.Request(f"{ADDRESS}/api/v4/{path}", method=method, headers={"Authorization": f"Bearer {os.environ['API_KEY']}"})
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as missing:
        if missing.code != 404:
            raise
        return None


def page(body):
    """The path is free, and the monitors are there, each once."""
    page_patch(body)
    body["page_path"] = f"team-{next(numbers) % 50}"  # there is an end to pages
    ask("DELETE", f"pages/{body['page_path']}")


def page_patch(body):
    """The monitors are there, each once, and the path stays: home's has to."""
    body.pop("page_path", None)
    if isinstance(body.get("monitors"), list):
        body["monitors"] = KEPT_MONITORS[: len(body["monitors"])]


integrations = itertools.count(1)


def integration(body):
    """Its kind needs no options, and the options are not too many. There is an end to integrations."""
    if body.get("kind") in ("fieldmap", "heartbeat"):
        body["kind"] = "generic"
    integration_options(body)
    if next(integrations) % 100 == 0:
        for made in ask("GET", "integrations?limit=200")["integrations"]:
            if str(made["id"]) not in (CLOUDWATCH, KEPT_INTEGRATION):
                ask("DELETE", f"integrations/{made['id']}")


def integration_patch(body):
    """The kind stays, and the options are not too many."""
    body.pop("kind", None)
    integration_options(body)


def integration_options(body):
    """They are not too many, and times are times."""
    options = body.get("options")
    if isinstance(options, dict):
        if len(json.dumps(options)) > 8000:
            options.clear()
        if isinstance(options.get("heartbeat"), dict):
            options["heartbeat"].pop("cron", None)
            options["heartbeat"].pop("time_zone", None)


def signal(body):
    """It has a key, and no time but now."""
    body["dedup_key"] = "a"
    for name in ("at", "started_at", "ended_at"):
        body.pop(name, None)


def tried_message(body):
    """What is tried is a signal, in JSON."""
    body["body"] = {"dedup_key": "a", "status": "firing"}
    if isinstance(body.get("headers"), dict):
        body["headers"] = {name: value for name, value in body["headers"].items() if name.lower() != "content-type"}


def point_range(body):
    """The end is after the start, and not too far."""
    if is_number(body.get("start_ts")) and is_number(body.get("end_ts")):
        body["start_ts"] = body["start_ts"] % MIDDLE
        body["end_ts"] = body["start_ts"] + 1 + body["end_ts"] % 86400


def posted_points(body):
    """One of the points is in order."""
    if isinstance(body.get("points"), list) and body["points"]:
        body["points"][0] = {"monitor_tag": KEPT_MONITORS[0], "status": "UP"}


def alert_rule(body):
    """The monitors are there and have few active rules, the value fits what is watched, and every character of the description counts once."""
    if body.get("monitor_tags"):
        body["monitor_tags"] = [KEPT_MONITORS[n % len(KEPT_MONITORS)] for n in range(len(body["monitor_tags"]))]
    body["is_active"] = False
    if body.get("description"):
        body["description"] = body["description"][:512]


def alert_rule_patch(body):
    """The same, whatever the rule is that it is for."""
    alert_rule(body)
    if "alert_for" not in body and "alert_value" not in body:
        return
    kind = body.setdefault("alert_for", "STATUS")
    value = body.get("alert_value")
    if kind == "STATUS":
        body["alert_value"] = value if isinstance(value, str) else "DEGRADED"
    elif isinstance(value, str) or value is None:
        body["alert_value"] = 50
    elif kind == "UPTIME":
        body["alert_value"] = min(value, 100)
    elif kind == "NO_DATA":
        body["alert_value"] = min(int(value) + 1, 43200)


def key(body):
    """The key does not expire before it is made."""
    if is_number(body.get("expires_at")):
        body["expires_at"] = max(body["expires_at"], time.time() + 3600)


def legacy_report(body):
    """The monitors are there, and the end is after the start."""
    if is_number(body.get("startDatetime")) and body["startDatetime"]:
        body["startDatetime"] = 1 + int(body["startDatetime"]) % MIDDLE
    if is_number(body.get("endDatetime")) and body["endDatetime"]:
        body["endDatetime"] = max(int(body["endDatetime"]), MIDDLE + 1)
    if isinstance(body.get("tags"), list):
        body["tags"] = [KEPT_MONITORS[n % len(KEPT_MONITORS)] for n in range(len(body["tags"]))]


def legacy_status(body):
    """The monitor is there, and the time is not in the future and not too long ago."""
    if "tag" in body:
        body["tag"] = KEPT_MONITORS[0]
    if "timestampInSeconds" in body:
        body["timestampInSeconds"] = int(time.time()) - next(numbers) % 86400


def legacy_status_query(query):
    """The monitor is there."""
    if "tag" in query:
        query["tag"] = KEPT_MONITORS[0]


def legacy_search_query(query):
    """The page is not too far, and the bounds are times."""
    if str(query.get("page", "")).isdigit():
        query["page"] = str(int(query["page"]) % 100 + 1)
    for bound in ("created_after_utc", "created_before_utc"):
        try:
            if abs(float(query.get(bound, 0))) > MAX_TIMESTAMP:
                query[bound] = str(MIDDLE)
        except ValueError:  # hexadecimal digits, which may be any number of them
            query[bound] = "0x10" if query[bound].strip() else ""


QUERIES = {
    "/api/status": legacy_status_query,
    "/api/incident": legacy_search_query,
}

FITTINGS = {
    ("POST", "incidents"): incident,
    ("PATCH", "incidents/{incident_id}"): incident,
    ("POST", "incidents/{incident_id}/comments"): comment,
    ("POST", "maintenances"): maintenance,
    ("PATCH", "maintenances/{maintenance_id}"): maintenance,
    ("PATCH", "maintenances/{maintenance_id}/events/{event_id}"): event,
    ("POST", "monitors"): monitor,
    ("POST", "pages"): page,
    ("PATCH", "pages/{page_path}"): page_patch,
    ("POST", "integrations"): integration,
    ("PATCH", "integrations/{integration_id}"): integration_patch,
    ("POST", "integrations/{integration_id}/signals"): signal,
    ("POST", "integrations/{integration_id}/test"): tried_message,
    ("PATCH", "monitors/{monitor_tag}/data"): point_range,
    ("POST", "status"): posted_points,
    ("POST", "alert-rules"): alert_rule,
    ("PATCH", "alert-rules/{alert_rule_id}"): alert_rule_patch,
    ("POST", "keys"): key,
    ("POST", "/api/incident"): legacy_report,
    ("PATCH", "/api/incident/{incidentNumber}"): legacy_report,
    ("POST", "/api/status"): legacy_status,
}
