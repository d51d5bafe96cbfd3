"""The step that walks docs/recovery.md."""

import contextlib
import time

import boto3

import pages
import permissions
from deployment import SCHEDULE, check, step, wait_until

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
    d.tocsin("publish", "--stack", d.stack)
    shown = incident_pages(d)
    check(f"/incidents/{first['incident']['id']}" in shown, "the pages are those of", list(shown))

    # The moment. The emulator has no history: its restore to a moment gives what is in the table now. A backup stands in, whose restore makes
    # the same new table, without the same settings.
    backup = dynamodb.create_backup(TableName=d.table, BackupName="the-moment")["BackupDetails"]["BackupArn"]
    export = d.work / "export.jsonl"
    d.tocsin("export", "--table", d.table, "--force", export)

    # After it.
    d.ok("DELETE", f"/api/v4/keys/{revoked['id']}")
    made = d.ok("POST", "/api/v4/keys", {"name": "made after", "scopes": ["incidents:read"]})["api_key"]
    lost = {"title": "Lost", "start_date_time": int(time.time())}
    gone = f"/incidents/{d.ok('POST', '/api/v4/incidents', lost, Idempotency_Key='after-the-moment')['incident']['id']}"
    wait_until(pages.POSTED, "the page of what is to be lost", lambda: d.read(gone)[0] == 200)
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
    check(said.count("turned on") == 4, "tocsin table prepare says", said)
    check(settings(dynamodb, RESTORED) == ("expires", True, True), "the prepared table has", settings(dynamodb, RESTORED))
    said = d.tocsin("table", "prepare", "--table", RESTORED)
    check(said.count("on already") == 4, "a second tocsin table prepare says", said)
    # The other way, from an export, makes a table with the same records; what the import says of itself is one more.
    d.tocsin("table", "create", "--table", IMPORTED)
    d.tocsin("import", "--table", IMPORTED, export)
    check(settings(dynamodb, IMPORTED) == ("expires", True, True), "the table that was made has", settings(dynamodb, IMPORTED))
    differ = keys(dynamodb, RESTORED) ^ keys(dynamodb, IMPORTED)
    check(differ == {("SYSTEM", "IMPORT")}, "the restored and the imported table differ in the records", differ)
    stream = dynamodb.describe_table(TableName=RESTORED)["Table"]["LatestStreamArn"]
    check(said.split()[-1] == stream, "a second tocsin table prepare does not end with the stream", stream, "but says", said)
    with timed("make deploy"):
        d.set_parameter("ExistingTableName", RESTORED)
        d.set_parameter("ExistingTableStreamArn", stream)
        d.deploy()
    with timed("first right answer"):
        wait_until(permissions.LOGGED, "the incidents of the moment", lambda: d.incidents() == right)
    with timed("first right page"):
        # The deployment may have ended a run of the publisher halfway: the next one goes on.
        wait_until(SCHEDULE, "the pages of the moment", lambda: incident_pages(d) == shown and d.read(gone)[0] == 404)
    print("    " + ", ".join(f"{what} {seconds:.1f} s" for what, seconds in taken.items()) + f", together {sum(taken.values()):.1f} s")

    # The same environment.
    check(d.status == "UPDATE_COMPLETE", "the stack is", d.status)
    check((d.ids["HttpApi"], d.outputs["ApiUrl"]) == (d.api, url), "another API:", d.outputs)
    check(d.outputs["TableName"] == RESTORED and "Table" not in d.ids, "the stack has the table", d.outputs["TableName"], d.ids.get("Table"))
    check(settings(dynamodb, d.table) == left, "the damaged table did not stay as it was:", settings(dynamodb, d.table), "after", left)
    for function in permissions.SCHEDULED:
        check(not permissions.fails(d, function), f"{function} fails on the restored table")

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


def incident_pages(d):
    """The answers at the addresses of all incidents that the sitemap names."""
    return pages.answers(d.read, [path for path in pages.sitemap(d) if "/incidents/" in path])


def keys(dynamodb, table):
    """The keys of all records."""
    scanned = dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk, sk")
    return {(item["pk"]["S"], item["sk"]["S"]) for page in scanned for item in page["Items"]}


def damage(dynamodb, table):
    """Deletes every second record that has a title, and overwrites the title of the others."""
    scanned = dynamodb.get_paginator("scan").paginate(TableName=table, FilterExpression="attribute_exists(title)")
    for n, item in enumerate([item for page in scanned for item in page["Items"]]):
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
