"""Steps: what the roles of the functions, as they were deployed, let through and refuse, and who can read the bucket of the pages."""

import contextlib
import functools
import json

import boto3
from botocore.exceptions import ClientError

from deployment import check, step, wait_until

# Seconds until a line of a log can be read.
LOGGED = 10

# What every function but that of the pages answers when it fails, whatever the cause.
INTERNAL_ERROR = (500, {"error": {"code": "INTERNAL_ERROR", "message": "Internal server error"}})
UNAVAILABLE = (503, {"error": {"code": "SERVICE_UNAVAILABLE", "message": "The status page can't be read at the moment"}})

# A request for each function behind the API, which reads the table beyond the API key, or the bucket, and the answer when that fails.
READS = {
    "Incidents": ("/api/v4/incidents", INTERNAL_ERROR),
    "Comments": ("/api/v4/incidents/{id}/comments", INTERNAL_ERROR),
    "Monitors": ("/api/v4/monitors", INTERNAL_ERROR),
    "Settings": ("/api/v4/pages", INTERNAL_ERROR),
    "Edge": ("/api/v4/keys", INTERNAL_ERROR),
    "Page": ("/api/v2/status.json", UNAVAILABLE),
}
SCHEDULED = ["Minute", "Closer", "Publisher"]

# What else there is: inbound.py looks at it.
OTHERS = ["Inbound"]

# Whose permissions each function needs: for the table, unless it is here.
NEEDS = {"Page": ["s3"], "Publisher": ["dynamodb", "s3"]}


@step("least privilege: without its own permissions a function fails, alone, until it has them again")
def privileges(d):
    taken = [(function, service) for function in [*READS, *SCHEDULED] for service in NEEDS.get(function, ["dynamodb"])]
    for function, service in taken:
        with without(d, function, service):
            for other, (path, failed) in READS.items():
                status, answer = d.call("GET", path.format(id=d.forgotten))
                if other == function:
                    check((status, answer) == failed, f"{function} without permissions for {service} answers", status, answer)
                    wait_until(LOGGED, f"the cause in the log of {function}", lambda: "AccessDenied" in logged(d, function))
                else:
                    check(status == 200, f"while {function} is without permissions for {service}, {other} answers", status, answer)
            if function in SCHEDULED:
                check(fails(d, function), f"{function} without permissions for {service} does not fail")
        for path, _ in READS.values():
            d.ok("GET", path.format(id=d.forgotten))
        if function in SCHEDULED:
            check(not fails(d, function), f"{function} fails with its permissions")
    print("    " + ", ".join(f"{function} ({service})" for function, service in taken))


def logged(d, function):
    """All that a function has logged. The API key must not be in it."""
    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=d.ids[function + "LogGroup"])
    lines = "\n".join(event["message"] for page in pages for event in page["events"])
    check(d.key not in lines, f"the API key is in the log of {function}")
    return lines


@contextlib.contextmanager
def without(d, function, service):
    """Takes the role of a function all that it may do with a service, and gives it back."""
    iam, role = boto3.client("iam"), d.ids[function + "Role"]
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    whole = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    rest = whole | {"Statement": [s for s in whole["Statement"] if service not in services(s)]}
    check(len(rest["Statement"]) < len(whole["Statement"]), f"the role of {function} has nothing about {service}")
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(rest))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(whole))


def services(statement):
    """The services that a statement of a policy allows something of."""
    actions = statement["Action"]
    return {a.partition(":")[0] for a in ([actions] if isinstance(actions, str) else actions)}


def fails(d, function):
    """Whether a run of a function that is on a schedule ends with an error of its own."""
    answer = boto3.client("lambda").invoke(FunctionName=d.ids[function + "Function"], Payload=b"{}")
    return "FunctionError" in answer


# The functions behind the API that check keys.
API = {"Incidents", "Comments", "Monitors", "Settings", "Edge", "Inbound"}


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


# An operation of DynamoDB, its arguments but for the table, and the functions whose roles allow it. Nothing is changed by any of them.
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
    ("an integration by its token", "get_item", {"Key": item("INTEGRATIONTOKEN#none", "META")}, {"Settings", *OTHERS}),
    ("all tokens of a hash", "query", query("pk", "INTEGRATIONTOKEN#none"), {"Settings"}),
    ("a new token", "put_item", {"Item": item("INTEGRATIONTOKEN#none", "META"), "ConditionExpression": "attribute_exists(pk)"}, {"Settings"}),
    ("an incident", "get_item", {"Key": item("INCIDENT#0", "none")}, {"Incidents", "Comments", "Monitors", *SCHEDULED, *OTHERS}),
    ("an incident's title", "update_item", update("INCIDENT#0", "title"), {"Incidents", "Comments", "Monitors", "Minute", "Closer", *OTHERS}),
    ("a page", "get_item", {"Key": item("PAGES", "none")}, {"Monitors", "Settings", "Closer"}),
    ("a page's title", "update_item", update("PAGES", "title"), {"Monitors", "Settings", "Closer"}),
    ("a setting of the site", "get_item", {"Key": item("SITE", "none")}, {"Settings", "Publisher"}),
    ("another setting in its place", "put_item", {"Item": item("SITE", "none"), "ConditionExpression": "attribute_exists(pk)"}, {"Settings"}),
    ("a row about a change", "get_item", {"Key": item("CHANGES#2026-11-22", "none")}, {"Publisher"}),
    ("another row in its place", "update_item", update("CHANGES#2026-11-22", "by"), set()),
]

# The same for S3, but for the bucket.
HOME, MARK = "public/index.html", "publisher.json"
FILES = [
    ("a page", "get_object", {"Key": HOME}, {"Page", "Publisher"}),
    ("what the publisher keeps", "get_object", {"Key": MARK}, {"Publisher"}),
    ("another page in its place", "put_object", {"Key": HOME, "IfMatch": '"none"'}, {"Publisher"}),
    ("the names of all pages", "list_objects_v2", {}, {"Page", "Publisher"}),
    ("the end of a page", "delete_object", {"Key": "public/none.html"}, set()),
]


def refused(call):
    """Whether IAM refuses a call. A condition of the call itself that does not hold is no refusal."""
    try:
        call()
    except ClientError as e:
        code = e.response["Error"]["Code"]
        if code in ("AccessDenied", "AccessDeniedException"):
            return True
        check(code in ("ConditionalCheckFailedException", "PreconditionFailed"), "a call that IAM lets through fails:", e)
    return False


@step("each role, as it was deployed, allows what its function needs of API keys, of pages and of all else, and refuses the rest")
def refusals(d):
    functions = sorted(name.removesuffix("Role") for name in d.ids if f"{name.removesuffix('Role')}Function" in d.ids)
    check({*READS, *SCHEDULED, *OTHERS} == set(functions), "the roles are those of", functions)
    stream = boto3.client("dynamodb").describe_table(TableName=d.table)["Table"]["LatestStreamArn"]
    calls = [
        *(("dynamodb", {"TableName": d.table}, *attempt) for attempt in ATTEMPTS),
        *(("s3", {"Bucket": d.outputs["SiteBucketName"]}, *attempt) for attempt in FILES),
        ("dynamodbstreams", {"StreamArn": stream}, "the changes as they are made", "describe_stream", {}, {"Publisher"}),
    ]
    account = boto3.client("sts").get_caller_identity()["Account"]
    times = 0
    for function in functions:
        # The emulator lets its root user take a role that trusts a service.
        arn = f"arn:aws:iam::{account}:role/{d.ids[function + 'Role']}"
        taken = boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        client = functools.cache(
            functools.partial(
                boto3.client,
                aws_access_key_id=taken["AccessKeyId"],
                aws_secret_access_key=taken["SecretAccessKey"],
                aws_session_token=taken["SessionToken"],
            )
        )
        for service, place, what, operation, arguments, allowed in calls:
            denied = refused(functools.partial(getattr(client(service), operation), **place, **arguments))
            check(denied != (function in allowed), f"{what}: the role of {function}", "is refused" if denied else "may do it")
            times += denied
    print(f"    {len(calls)} calls with each of {len(functions)} roles, {times} refused")


@step("nobody reads the bucket of the pages without credentials")
def private(d):
    for key in HOME, MARK, "":
        status, _, body = d.fetch(f"/{d.outputs['SiteBucketName']}/{key}")
        check(status == 403 and b"<Code>AccessDenied</Code>" in body, f"{key or 'the list'} is answered", status, body)
