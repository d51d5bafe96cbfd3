"""The step of tocsin publish and tocsin doctor."""

import json
import subprocess

import boto3

import emulator
import permissions
from deployment import check, step, wait_until


@step("tocsin publish makes the pages, and tocsin doctor says what is turned off")
def examines(d):
    bucket = d.outputs["SiteBucketName"]
    all_on(d, True)
    said = d.tocsin("publish", "--stack", d.stack, "--all")
    check(said.startswith(f"files put into the bucket {bucket}: "), "tocsin publish says", said)
    # The emulator has no address at which a page could be asked for, and there is no topic for the alarms.
    usual = {"page": "missing", "API": "missing", "alarms": "warn"}
    check(not_ok(d) == usual, "with all turned on, tocsin doctor finds", not_ok(d))

    all_on(d, False)
    turned_off = ["event source mapping", "time to live", "point-in-time recovery", "deletion protection", "versioning", "publisher"]
    off = usual | dict.fromkeys(turned_off, "missing")

    def found():
        boto3.client("s3").delete_object(Bucket=bucket, Key=permissions.MARK)  # again, if the publisher ran meanwhile
        return not_ok(d) == off

    wait_until(permissions.LOGGED, f"tocsin doctor finds {off}", found)
    all_on(d, True)
    d.tocsin("publish", "--stack", d.stack)
    check(not_ok(d) == usual, "with all turned on again, tocsin doctor finds", not_ok(d))


def all_on(d, on):
    """Turns on or off what can be. Of a table's settings the emulator's CloudFormation turns on the deletion protection alone."""
    dynamodb, versions = boto3.client("dynamodb"), {"Status": "Enabled" if on else "Suspended"}
    dynamodb.update_time_to_live(TableName=d.table, TimeToLiveSpecification={"Enabled": on, "AttributeName": "expires"})
    dynamodb.update_continuous_backups(TableName=d.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on})
    dynamodb.update_table(TableName=d.table, DeletionProtectionEnabled=on)
    boto3.client("s3").put_bucket_versioning(Bucket=d.outputs["SiteBucketName"], VersioningConfiguration=versions)
    boto3.client("lambda").update_event_source_mapping(UUID=d.ids["PublisherStream"], Enabled=on)


def not_ok(d):
    """How it stands with what tocsin doctor does not find to be ok, by what it is about."""
    # A proxy that is not there: no request leaves this machine.
    env = d.env | {"HTTPS_PROXY": f"http://127.0.0.1:{emulator.free_port()}"}
    done = subprocess.run([d.command, "doctor", "--stack", d.stack, "--json"], env=env, stdout=subprocess.PIPE, timeout=60)
    found = {f["about"]: f["level"] for f in json.loads(done.stdout)}
    check(done.returncode == ("missing" in found.values()), "tocsin doctor ends with", done.returncode, "for", found)
    return {about: level for about, level in found.items() if level != "ok"}
