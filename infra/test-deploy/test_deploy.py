#!/usr/bin/env python3
"""Deploys the stack to an emulator of AWS, as a person would, and looks whether it does what it is meant to do there.

    test_deploy.py WORK SAM

WORK is a folder for what comes up on the way, SAM the SAM CLI. The steps are the functions with @step, in their order; the first that fails ends
the test. Whatever happens, nothing of it runs or listens afterwards. docs/testing.md says what this can't show.
"""

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile

import boto3
from botocore.exceptions import ClientError

import emulator
import gateway
import processes
import template

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "infra/deploy"))
import rights  # noqa: E402 (the folder is known only now)

ENVIRONMENT = "test"
STACK = "tocsin-test"

# The parameters are those of dev but for these. x86_64 or arm64: the functions run on this machine.
ARCHITECTURE = "arm64" if os.uname().machine in ("arm64", "aarch64") else "x86_64"
PARAMETERS = {
    "Architecture": ARCHITECTURE,
    "CloserSchedule": "rate(1 minute)",
    # The tour has an incident without activity for days: the closer's warning would be a comment that the README does not show.
    "StaleAfterHours": "0",
    # All that a stack can have.
    "Alarms": "all",
    "Dashboard": "true",
    "Metrics": "true",
    # AWS CodeDeploy is not in the emulator, which refuses the whole template then.
    "GradualDeployment": "false",
}

# Characters that a managed policy can have.
POLICY = 6144

# Seconds that a schedule of a minute has to fire, and its function to be done.
SCHEDULE = 130

# Seconds until a line of a log can be read.
LOGGED = 10

# What every function answers when it fails, whatever the cause.
INTERNAL_ERROR = {"error": {"code": "INTERNAL_ERROR", "message": "Internal server error"}}

STEPS = []


class Wrong(Exception):
    """The stack does not do what it is meant to do."""


def step(name):
    """Makes a function a step of the test."""

    def add(function):
        STEPS.append((name, function))
        return function

    return add


def check(right, *what):
    """Raises Wrong, which says what, unless it is right."""
    if not right:
        raise Wrong(" ".join(str(w) for w in what))


class Deployment:
    """The stack as one deployment leaves it, and what the steps keep of it."""

    def __init__(self, work, sam, aws, env, stack=STACK, tocsin=ROOT / ".local/bin/tocsin"):
        """env is the environment of who deploys, tocsin the command to run."""
        self.work, self.sam, self.aws, self.env, self.stack, self.command = work, sam, aws, env, stack, tocsin
        self.config = work / "samconfig.toml"
        self.build = work / "build"
        self.template = work / "template.yaml"
        self.key = None
        self.forgotten = None  # the id of an incident whose end has passed
        self.ids = {}  # physical ids by logical id
        self.outputs = {}

    # --- deploying ---

    def configure(self, parameters):
        """Writes a samconfig.toml: the project's, with the settings of dev once more under the test's name, and these parameters besides."""
        lines = (ROOT / "samconfig.toml").read_text()
        sections = re.split(r"^(?=\[)", lines, flags=re.M)
        ours = "".join(s for s in sections if s.startswith("[dev."))
        ours = ours.replace("[dev.", f"[{ENVIRONMENT}.").replace("tocsin-dev", STACK)
        self.config.write_text(lines + "\n" + with_parameters(ours, parameters))

    def make_deploy(self):
        """The command and the environment of `make deploy`."""
        env = self.env | {"BUILD": str(self.build), "TEMPLATE": str(self.template)}
        return ["make", "-s", "-C", ROOT, "deploy", f"ENV={ENVIRONMENT}", f"SAM={self.sam}", f"CONFIG={self.config}"], env

    def deploy(self):
        """Deploys without a terminal, with the settings that there are."""
        command, env = self.make_deploy()
        self.hear(processes.run(command, env, stderr=subprocess.STDOUT))

    def deploy_guided(self, answers):
        """Deploys at a terminal, with these answers, by what is asked for, and takes every other one that is offered. Returns what was asked."""
        command, env = self.make_deploy()
        questions = []

        def answer(line):
            asked = re.search(r"(\S[^[]*) \[.*\]: ?$", line)
            if not asked:
                return None
            questions.append(asked[1])
            return answers.get(asked[1], "")

        self.hear(processes.run_at_terminal(command, env, answer))
        return questions

    def deploy_template(self, path):
        """Deploys another template than the one that was built, with the settings that there are."""
        command = [self.sam, "deploy", "--no-progressbar", "--config-file", self.config, "--config-env", ENVIRONMENT, "--template-file", path]
        processes.run(command, self.env, stderr=subprocess.STDOUT)
        self.look()

    def hear(self, said):
        """Looks what there is after a `make deploy`, and whether that is what it said."""
        self.look()
        check(self.outputs["ApiUrl"] in said, "make deploy does not say the address of the API:", said)
        check(f"tocsin keys create --table {self.outputs['TableName']}" in said, "make deploy does not say how to make a key:", said)

    def look(self):
        """Reads what there is now, shows the outputs, and gives the API its routes."""
        [stack] = boto3.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        self.status = stack["StackStatus"]
        self.parameters = {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}
        self.ids = gateway.physical_ids(self.stack)
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        for key, value in self.outputs.items():
            print(f"    {key} = {value}")
        print(f"    {gateway.apply_routes(self.stack)} routes, each of which may call its function")

    def set_parameter(self, name, value):
        """Sets a parameter among those that were kept in samconfig.toml."""
        others, section, ours = self.config.read_text().partition(f"[{ENVIRONMENT}.")
        self.config.write_text(others + section + with_parameters(ours, {name: value}))

    def tocsin(self, *arguments):
        """Runs the command tocsin and returns its stdout."""
        return processes.run([self.command, *arguments], self.env)

    def client(self, service):
        """A client of AWS's API with the rights of who deploys. The test itself looks at things as the root user."""
        key, secret = self.env["AWS_ACCESS_KEY_ID"], self.env["AWS_SECRET_ACCESS_KEY"]
        return boto3.client(service, aws_access_key_id=key, aws_secret_access_key=secret)

    # --- calling ---

    @property
    def host(self):
        """The name under which the emulator serves the API."""
        return f"{self.ids['HttpApi']}.execute-api.localhost:{self.aws.port}"

    def call(self, method, path, body=None, **headers):
        """Sends a request and returns the answer's status and JSON. Further headers are written with _ for -."""
        request = urllib.request.Request(
            self.aws.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Host": self.host, "Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            | {name.replace("_", "-"): value for name, value in headers.items()},
        )
        try:
            with emulator.DIRECT.open(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            with e:
                return e.code, json.load(e)

    def ok(self, method, path, body=None, **headers):
        """Sends a request that must be answered 2xx, and returns the JSON."""
        status, answer = self.call(method, path, body, **headers)
        check(200 <= status < 300, method, path, "is answered", status, answer)
        return answer

    def incidents(self):
        """What no function changes by itself of all incidents, so that it can be compared: their ids, titles and starts."""
        return [(i["id"], i["title"], i["start_date_time"]) for i in self.ok("GET", "/api/v4/incidents")["incidents"]]


def with_parameters(config, parameters):
    """A part of samconfig.toml with these parameters besides, in SAM's own form: KEY=\\"value\\" …"""
    found = re.search(r'^parameter_overrides = "(.*)"$', config, re.M)
    check(found, "samconfig.toml has no parameters:", config)
    merged = {k: v.strip('\\"') for k, v in re.findall(r'(\w+)=(\\"[^"]*"|[^ "]*)', found[1])} | parameters
    text = " ".join(f'{k}=\\"{v}\\"' for k, v in merged.items())
    return config[: found.start()] + f'parameter_overrides = "{text}"' + config[found.end() :]


def wait_until(seconds, what, done):
    """Waits until done() is true, and returns what it returned."""
    until = time.monotonic() + seconds
    while not (found := done()):
        check(time.monotonic() < until, f"not within {seconds} s:", what)
        time.sleep(1)
    return found


def deployer(aws):
    """Makes a user who may do what docs/operate.md says that the deploying account may, and no more. Returns the user's environment."""
    iam, name = boto3.client("iam"), "deployer"
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": rights.documented(), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
    check(len(document) <= POLICY, f"a policy with the documented rights has {len(document)} bytes, which is too long for one")
    policy = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return aws.client_env(key["AccessKeyId"], key["SecretAccessKey"])


def refused(call):
    """Whether IAM refuses a call. A condition of the call itself that does not hold is no refusal."""
    try:
        call()
    except ClientError as e:
        code = e.response["Error"]["Code"]
        if code == "AccessDeniedException":
            return True
        check(code == "ConditionalCheckFailedException", "a call that IAM lets through fails:", e)
    return False


# --- the steps ---


ORIGINS = "https://status.example.com,https://www.example.com"


@step("make deploy at a terminal, with the documented rights, asks five questions and makes the stack")
def creates(d):
    d.template.write_text(template.for_emulator((ROOT / "template.yaml").read_text()))
    d.configure(PARAMETERS)
    asked = d.deploy_guided({"AllowedOrigins": ORIGINS})
    check(asked == ["Stack name", "Region", "SiteUrl", "AllowedOrigins", "AlarmTopicArn"], "it asked", asked)
    check(d.status == "CREATE_COMPLETE", "the stack is", d.status)
    check(d.parameters["AllowedOrigins"] == ORIGINS, "the stack has other parameters than were answered:", d.parameters)
    kept = d.config.read_text()
    check(f'region = "{emulator.REGION}"' in kept and r"StaleAfterHours=\"0\"" in kept, "the answers are not in samconfig.toml:", kept)
    d.table = d.outputs["TableName"]
    d.api = d.ids["HttpApi"]
    delete = functools.partial(d.client("dynamodb").delete_table, TableName=d.table)
    check(refused(delete), "who deploys may delete the table")


@step("the first key, the example monitors, and the README's tour")
def tour(d):
    status, _ = d.call("GET", "/api/v4/incidents")
    check(status == 401, "without a key the answer is", status)
    d.key = d.tocsin("keys", "create", "--table", d.table, "--name", "first", "--scope", "admin").strip()
    d.tocsin("monitors", "import", "--table", d.table, "--examples")
    env = d.env | {"API_KEY": d.key}
    print(processes.run([sys.executable, ROOT / "infra/tour/tour.py", d.aws.url, "--header", f"Host: {d.host}"], env))


@step("what the schedules are to find is made")
def forgets(d):
    now = int(time.time())
    incident = {"title": "Forgotten", "start_date_time": now - 7200, "end_date_time": now - 3600, "monitors": [{"monitor_tag": "website"}]}
    d.forgotten = d.ok("POST", "/api/v4/incidents", incident)["incident"]["id"]
    d.ok("POST", "/api/v4/monitors", {"tag": "no-data", "name": "No data"})
    d.ok("POST", "/api/v4/status", {"points": [{"monitor_tag": "no-data", "status": "UP", "timestamp": now - 900}]})
    d.ok("POST", "/api/v4/alert-rules", {"alert_for": "NO_DATA", "alert_value": 5, "monitor_tags": ["no-data"]})


# A request for each function behind the API, which reads the table beyond the API key.
READS = {
    "Incidents": "/api/v4/incidents",
    "Comments": "/api/v4/incidents/{id}/comments",
    "Monitors": "/api/v4/monitors",
    "Edge": "/api/v4/keys",
}
SCHEDULED = ["Minute", "Closer"]


@step("least privilege: without its own permissions a function fails, alone, until it has them again")
def privileges(d):
    for function in [*READS, *SCHEDULED]:
        with without_table(d, function):
            for other in READS:
                status, answer = d.call("GET", READS[other].format(id=d.forgotten))
                if other == function:
                    check((status, answer) == (500, INTERNAL_ERROR), f"{function} without permissions answers", status, answer)
                    wait_until(LOGGED, f"the cause in the log of {function}", lambda: "AccessDenied" in logged(d, function))
                else:
                    check(status == 200, f"while {function} is without permissions, {other} answers", status, answer)
            if function in SCHEDULED:
                check(fails(d, function), f"{function} without permissions does not fail")
        for other in READS:
            d.ok("GET", READS[other].format(id=d.forgotten))
    print("    " + ", ".join([*READS, *SCHEDULED]))


def logged(d, function):
    """All that a function has logged. The API key must not be in it."""
    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=d.ids[function + "LogGroup"])
    lines = "\n".join(event["message"] for page in pages for event in page["events"])
    check(d.key not in lines, f"the API key is in the log of {function}")
    return lines


@contextlib.contextmanager
def without_table(d, function):
    """Takes the role of a function all that it may do with the table, and gives it back."""
    iam, role = boto3.client("iam"), d.ids[function + "Role"]
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    whole = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    rest = whole | {"Statement": [s for s in whole["Statement"] if not about_table(s)]}
    check(len(rest["Statement"]) < len(whole["Statement"]), f"the role of {function} has nothing about the table")
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(rest))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(whole))


def about_table(statement):
    """Whether a statement of a policy allows something of DynamoDB."""
    actions = statement["Action"]
    return any(a.startswith("dynamodb:") for a in ([actions] if isinstance(actions, str) else actions))


def fails(d, function):
    """Whether a run of a function that is on a schedule ends with an error of its own."""
    answer = boto3.client("lambda").invoke(FunctionName=d.ids[function + "Function"], Payload=b"{}")
    return "FunctionError" in answer


# The functions behind the API that check keys.
API = {"Incidents", "Comments", "Monitors", "Edge"}


def item(pk, sk):
    """A key of the table."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def query(pk, value, **more):
    """The arguments of a query of one partition."""
    return {"KeyConditionExpression": f"{pk} = :pk", "ExpressionAttributeValues": {":pk": {"S": value}}} | more


def update(pk, attribute):
    """The arguments of an update of an attribute, of an item that is not there."""
    return {
        "Key": item(pk, "none"),
        "UpdateExpression": "SET #a = :a",
        "ConditionExpression": "attribute_exists(#pk)",
        "ExpressionAttributeNames": {"#a": attribute, "#pk": "pk"},
        "ExpressionAttributeValues": {":a": {"N": "1"}},
    }


# An operation, its arguments but for the table, and the functions whose roles allow it. Nothing is changed by any of them.
ATTEMPTS = [
    ("the whole table", "scan", {}, set()),
    ("one key by its hash", "get_item", {"Key": item("APIKEY#none", "KEY")}, API),
    ("its partition", "query", query("pk", "APIKEY#none"), set()),
    ("all keys", "query", query("gsi1pk", "APIKEYS", IndexName="gsi1"), {"Edge"}),
    ("all keys by another index", "query", query("gsi2pk", "APIKEYS", IndexName="gsi2"), set()),
    ("a new key", "put_item", {"Item": item("APIKEY#none", "KEY"), "ConditionExpression": "attribute_exists(pk)"}, {"Edge"}),
    ("a key's scopes", "update_item", update("APIKEY#none", "scopes"), {"Edge"}),
    ("a key's last use", "update_item", update("APIKEY#none", "last_used"), API),
    ("the end of a key", "delete_item", {"Key": item("APIKEY#none", "KEY")}, set()),
    ("an incident", "get_item", {"Key": item("INCIDENT#0", "none")}, {"Incidents", "Comments", "Monitors", "Minute", "Closer"}),
    ("a row about a change", "get_item", {"Key": item("CHANGES#2026-11-22", "none")}, set()),
    ("another row in its place", "update_item", update("CHANGES#2026-11-22", "by"), set()),
]


@step("each role, as it was deployed, allows what its function needs of API keys and of all else, and refuses the rest")
def refusals(d):
    functions = sorted(name.removesuffix("Role") for name in d.ids if f"{name.removesuffix('Role')}Function" in d.ids)
    check({*API, *SCHEDULED} <= set(functions), "the roles are those of", functions)
    account = boto3.client("sts").get_caller_identity()["Account"]
    times = 0
    for function in functions:
        # The emulator lets its root user take a role that trusts a service.
        arn = f"arn:aws:iam::{account}:role/{d.ids[function + 'Role']}"
        taken = boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        dynamodb = boto3.client(
            "dynamodb",
            aws_access_key_id=taken["AccessKeyId"],
            aws_secret_access_key=taken["SecretAccessKey"],
            aws_session_token=taken["SessionToken"],
        )
        for what, operation, arguments, allowed in ATTEMPTS:
            denied = refused(functools.partial(getattr(dynamodb, operation), TableName=d.table, **arguments))
            check(denied != (function in allowed), f"{what}: the role of {function}", "is refused" if denied else "may do it")
            times += denied
    print(f"    {len(ATTEMPTS)} calls with each of {len(functions)} roles, {times} refused")


@step("a changed template and other parameters update the stack in place")
def updates(d):
    before, site = d.incidents(), "https://status.example.com"
    changed = d.build / "changed.yaml"
    text = (d.build / "template.yaml").read_text()
    # Of the function comments: that of the incidents gets a new version because of the parameters alone.
    old, new = "Description: Tocsin - comments of incidents\n", "Description: Changed\n"
    check(text.count(old) == 1, "the template that was built has no", old)
    changed.write_text(text.replace(old, new))
    d.set_parameter("SiteUrl", site)
    d.set_parameter("LogLevel", "WARN")
    d.deploy_template(changed)
    check(d.status == "UPDATE_COMPLETE", "the stack is", d.status)
    check(d.ids["HttpApi"] == d.api, "another API:", d.ids["HttpApi"], "after", d.api)
    check(d.outputs["TableName"] == d.table, "another table:", d.outputs["TableName"], "after", d.table)
    check(d.incidents() == before, "other incidents:", d.incidents(), "after", before)
    url = d.ok("GET", f"/api/v4/incidents/{d.forgotten}")["incident"]["url"]
    check(url == f"{site}/incidents/{d.forgotten}", "the new SiteUrl is not in the incident's url", url)
    functions = boto3.client("lambda")
    comments = functions.get_function_configuration(FunctionName=d.ids["CommentsFunction"])
    check(comments["Description"] == "Changed", "the function comments still has the description", comments["Description"])
    # The gateway calls the version behind the alias, not the latest.
    incidents = functions.get_function_configuration(FunctionName=d.ids["IncidentsFunction"], Qualifier="live")
    check(incidents["Environment"]["Variables"]["LOG_LEVEL"] == "WARN", "the function incidents still has", incidents["Environment"])


@step("the schedules fire: the closer resolves an incident, a missing point makes an alert")
def schedules(d):
    def resolved():
        return d.ok("GET", f"/api/v4/incidents/{d.forgotten}")["incident"]["state"] == "RESOLVED"

    def alerted():
        return d.ok("GET", "/api/v4/alerts?monitor_tag=no-data")["alerts"]

    wait_until(SCHEDULE, "the closer resolves the incident", resolved)
    wait_until(SCHEDULE, "an alert about the missing points", alerted)


# Where DynamoDB restores to, and tocsin import imports to.
RESTORED = "tocsin-restored"
IMPORTED = "tocsin-imported"


@step("recovery: the damaged table is restored into a new one, which the running stack then uses (docs/recovery.md)")
def recovers(d):
    dynamodb, taken = boto3.client("dynamodb"), {}

    @contextlib.contextmanager
    def timed(what):
        began = time.monotonic()
        yield
        taken[what] = time.monotonic() - began

    # Before the moment.
    revoked = d.ok("POST", "/api/v4/keys", {"name": "revoked after", "scopes": ["incidents:read"]})["api_key"]
    once = {"title": "Once", "start_date_time": int(time.time())}
    first = d.ok("POST", "/api/v4/incidents", once, Idempotency_Key="before-the-moment")
    right, url = d.incidents(), d.outputs["ApiUrl"]

    # The moment. The emulator has no history: its restore to a moment gives what is in the table now. A backup stands in, whose restore makes
    # the same new table, without the same settings.
    backup = dynamodb.create_backup(TableName=d.table, BackupName="the-moment")["BackupDetails"]["BackupArn"]
    export = d.work / "export.jsonl"
    d.tocsin("export", "--table", d.table, "--force", export)

    # After it.
    d.ok("DELETE", f"/api/v4/keys/{revoked['id']}")
    made = d.ok("POST", "/api/v4/keys", {"name": "made after", "scopes": ["incidents:read"]})["api_key"]
    lost = {"title": "Lost", "start_date_time": int(time.time())}
    d.ok("POST", "/api/v4/incidents", lost, Idempotency_Key="after-the-moment")
    damage(dynamodb, d.table)
    check(d.incidents() != right, "the table is not damaged")
    # The emulator's CloudFormation turns on the deletion protection alone.
    left = settings(dynamodb, d.table)
    check(left[2], "the stack's table is not protected")

    with timed("restore"):
        d.client("dynamodb").restore_table_from_backup(TargetTableName=RESTORED, BackupArn=backup)
        dynamodb.get_waiter("table_exists").wait(TableName=RESTORED)
    check(settings(dynamodb, RESTORED) == (None, False, False), "a restored table already has", settings(dynamodb, RESTORED))
    with timed("tocsin table prepare"):
        said = d.tocsin("table", "prepare", "--table", RESTORED)
    check(said.count("turned on") == 3, "tocsin table prepare says", said)
    check(settings(dynamodb, RESTORED) == ("expires", True, True), "the prepared table has", settings(dynamodb, RESTORED))
    said = d.tocsin("table", "prepare", "--table", RESTORED)
    check(said.count("on already") == 3, "a second tocsin table prepare says", said)
    # The other way, from an export, makes a table with the same records; what the import says of itself is one more.
    d.tocsin("table", "create", "--table", IMPORTED)
    d.tocsin("import", "--table", IMPORTED, export)
    check(settings(dynamodb, IMPORTED) == ("expires", True, True), "the table that was made has", settings(dynamodb, IMPORTED))
    differ = keys(dynamodb, RESTORED) ^ keys(dynamodb, IMPORTED)
    check(differ == {("SYSTEM", "IMPORT")}, "the restored and the imported table differ in the records", differ)
    with timed("make deploy"):
        d.set_parameter("ExistingTableName", RESTORED)
        d.deploy()
    with timed("first right answer"):
        wait_until(LOGGED, "the incidents of the moment", lambda: d.incidents() == right)
    print("    " + ", ".join(f"{what} {seconds:.1f} s" for what, seconds in taken.items()) + f", together {sum(taken.values()):.1f} s")

    # The same environment.
    check(d.status == "UPDATE_COMPLETE", "the stack is", d.status)
    check((d.ids["HttpApi"], d.outputs["ApiUrl"]) == (d.api, url), "another API:", d.outputs)
    check(d.outputs["TableName"] == RESTORED and "Table" not in d.ids, "the stack has the table", d.outputs["TableName"], d.ids.get("Table"))
    check(settings(dynamodb, d.table) == left, "the damaged table did not stay as it was:", settings(dynamodb, d.table), "after", left)
    for function in SCHEDULED:
        check(not fails(d, function), f"{function} fails on the restored table")

    # What docs/recovery.md says of keys and of repeated requests.
    def status(key):
        return d.call("GET", "/api/v4/incidents", Authorization=f"Bearer {key['key']}")[0]

    check(status(made) == 401, "a key that was made after the moment is answered", status(made))
    check(status(revoked) == 200, "a key that was revoked after the moment is answered", status(revoked))
    d.ok("DELETE", f"/api/v4/keys/{revoked['id']}")
    again = d.ok("POST", "/api/v4/incidents", once, Idempotency_Key="before-the-moment")
    check(again == first, "a request from before the moment is answered", again, "after", first)
    check(d.incidents() == right, "a request from before the moment had its effect again:", d.incidents())
    d.ok("POST", "/api/v4/incidents", lost, Idempotency_Key="after-the-moment")
    check([i[1] for i in d.incidents() if i not in right] == ["Lost"], "a request from after the moment had no effect:", d.incidents())
    d.damaged, d.table = d.table, RESTORED


def keys(dynamodb, table):
    """The keys of all records."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk, sk")
    return {(item["pk"]["S"], item["sk"]["S"]) for page in pages for item in page["Items"]}


def damage(dynamodb, table):
    """Deletes every second record that has a title, and overwrites the title of the others."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, FilterExpression="attribute_exists(title)")
    for n, item in enumerate([item for page in pages for item in page["Items"]]):
        key = {"pk": item["pk"], "sk": item["sk"]}
        if n % 2:
            dynamodb.delete_item(TableName=table, Key=key)
        else:
            overwrite = {"UpdateExpression": "SET title = :t", "ExpressionAttributeValues": {":t": {"S": "Damaged"}}}
            dynamodb.update_item(TableName=table, Key=key, **overwrite)


def settings(dynamodb, table):
    """The attribute of the time to live, or None, and whether there are point-in-time recovery and deletion protection."""
    ttl = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    recovery = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return (
        ttl.get("AttributeName") if ttl["TimeToLiveStatus"] == "ENABLED" else None,
        recovery["PointInTimeRecoveryStatus"] == "ENABLED",
        dynamodb.describe_table(TableName=table)["Table"]["DeletionProtectionEnabled"],
    )


@step("sam delete leaves the table, with its data and its protection")
def deletes(d):
    d.before = d.incidents()
    check(len(d.before) >= 2, "there are hardly any incidents:", d.before)
    command = [d.sam, "delete", "--no-prompts", "--stack-name", STACK, "--region", emulator.REGION]
    processes.run(command, d.env, stderr=subprocess.STDOUT)
    cloudformation = boto3.client("cloudformation")
    try:
        stacks = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    except cloudformation.exceptions.ClientError:
        stacks = []
    check(not stacks, "the stack is still there:", stacks)
    left = boto3.client("lambda").list_functions()["Functions"]
    check(not left, "functions are still there:", left)
    for table in d.table, d.damaged:
        described = boto3.client("dynamodb").describe_table(TableName=table)["Table"]
        check(described["DeletionProtectionEnabled"], f"the table {table} is not protected")
    check('"first"' in d.tocsin("keys", "list", "--table", d.table), "the key is gone")


@step("another deployment on the table that was left serves the same")
def again(d):
    d.set_parameter("ExistingTableName", d.table)
    d.deploy()
    check(d.status == "CREATE_COMPLETE", "the stack is", d.status)
    check(d.outputs["TableName"] == d.table, "another table:", d.outputs["TableName"], "after", d.table)
    check("Table" not in d.ids, "there is a table of its own:", d.ids.get("Table"))
    check(d.ids["HttpApi"] != d.api, "the same API as before")
    check(d.incidents() == d.before, "other incidents:", d.incidents(), "after", d.before)
    d.ok("POST", "/api/v4/incidents", {"title": "After", "start_date_time": int(time.time())})


# The functions' processor and this machine's system.
RELEASE = ["-architectures", ARCHITECTURE, "-systems", sys.platform]


@step("a release deploys, and its command makes the key, in a folder outside the checkout and without Go")
def releases(d):
    made = d.work / "release"
    processes.run(["go", "run", "-buildvcs=false", "./internal/release", "-out", made, *RELEASE], dict(os.environ), cwd=ROOT)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        [stack, command] = [unpacked(made, f"tocsin-*-{kind}-{ARCHITECTURE}.zip", folder / kind) for kind in ("stack", sys.platform)]
        # No program can be found by its name, Go and make among them.
        env = d.env | {"PATH": str(folder / "nothing"), "HOME": str(folder)}
        check(not shutil.which("go", path=env["PATH"]), "there is Go in", env["PATH"])
        r = Deployment(d.work, d.sam, d.aws, env, "tocsin-release", command / "tocsin")
        parameters = "Alarms=none"  # since the emulator refuses some (template.py), and the template is to stay as it is
        processes.run(
            [d.sam, "deploy", "--template-file", "stack/packaged.yaml", "--resolve-s3", "--stack-name", r.stack, "--capabilities", "CAPABILITY_IAM"]
            + ["--parameter-overrides", parameters, "--no-confirm-changeset", "--no-progressbar"],
            env,
            cwd=folder,
            stderr=subprocess.STDOUT,
        )
        r.look()
        check(r.status == "CREATE_COMPLETE", "the stack is", r.status)
        status, answer = r.call("GET", "/healthcheck")
        check(status == 200, "/healthcheck is answered", status, answer)
        # By the function of the pages, whether there are any yet or not.
        status, answer = r.call("GET", "/api/v2/status.json")
        check(status in (200, 503), "/api/v2/status.json is answered", status, answer)
        r.key = r.tocsin("keys", "create", "--table", r.outputs["TableName"], "--name", "first", "--scope", "admin").strip()
        title = "Deployed from a release"
        r.ok("POST", "/api/v4/incidents", {"title": title, "start_date_time": int(time.time())})
        check([i[1] for i in r.incidents()] == [title], "the incidents are", r.incidents())
        print(f"    {r.tocsin('version').strip()}")


def unpacked(release, name, folder):
    """Compares an archive of the release with its checksum, unpacks it into the folder, and returns that."""
    [archive] = release.glob(name)
    sums = dict(reversed(line.split("  ")) for line in (release / "SHA256SUMS").read_text().splitlines())
    check(hashlib.sha256(archive.read_bytes()).hexdigest() == sums[archive.name], archive.name, "has another checksum than", sums[archive.name])
    with zipfile.ZipFile(archive) as z:
        for info in z.infolist():
            pathlib.Path(z.extract(info, folder)).chmod(info.external_attr >> 16)
    return folder


def main():
    work, sam = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    for number in processes.SIGNALS:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    aws = emulator.Emulator(work)
    # For boto3 in here.
    env = aws.client_env()
    os.environ.clear()
    os.environ.update(env)
    taken, failed = [], True
    try:
        aws.start()
        deployment = Deployment(work, sam, aws, deployer(aws))
        for n, (name, function) in enumerate(STEPS, 1):
            print(f"\n-- {n}. {name}", flush=True)
            began = time.monotonic()
            try:
                function(deployment)
            except Exception as e:
                print(f"\ntest-deploy: step {n} FAILED: {name}\n{type(e).__name__}: {e}\nThe emulator's log is {aws.log}", file=sys.stderr)
                raise
            taken.append((time.monotonic() - began, name))
        failed = False
    except (Wrong, gateway.Failed, processes.Failed, template.Failed) as e:
        pass
    finally:
        for number in processes.SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        left = processes.stop_all()
        # The functions' code, many times.
        shutil.rmtree(aws.temp, ignore_errors=True)
        if left or aws.listens():
            print(f"test-deploy: still there: {left or aws.url}", file=sys.stderr)
            failed = True
    print()
    for seconds, name in taken:
        print(f"{seconds:6.1f} s  {name}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
