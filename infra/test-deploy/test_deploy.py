#!/usr/bin/env python3
"""Deploys the stack to an emulator of AWS, as a person would, and looks whether it does what it is meant to do there.

    test_deploy.py WORK SAM

WORK is a folder for what comes up on the way, SAM the SAM CLI. The steps are those of STEPS, in their order; the first that fails ends the
test. Whatever happens, nothing of it runs or listens afterwards. docs/testing.md says what this can't show.
"""

import functools
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

import boto3

import doctor
import edge
import emulator
import gateway
import inbound
import pages
import permissions
import processes
import recovery
import template
from deployment import ARCHITECTURE, PARAMETERS, ROOT, SCHEDULE, STACK, Deployment, Wrong, check, step, wait_until

sys.path.append(str(ROOT / "infra/deploy"))
import rights  # noqa: E402 (the folder is known only now)

# Characters that a managed policy can have.
POLICY = 6144


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
    check(permissions.refused(delete), "who deploys may delete the table")


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


@step("sam delete leaves the table, with its data and its protection, and the bucket of the pages with theirs")
def deletes(d):
    d.before = d.incidents()
    files, d.sitemap = keys_of_files(d), pages.sitemap(d)
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
    check({"publisher.json", "public/index.html"} <= files <= keys_of_files(d), "files are gone:", files - keys_of_files(d))


def keys_of_files(d):
    """The keys of all objects in the bucket of the pages."""
    listed = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=d.outputs["SiteBucketName"])
    return {o["Key"] for page in listed for o in page.get("Contents", [])}


@step("another deployment on the table that was left, and its stream, serves the same")
def again(d):
    d.set_parameter("ExistingTableName", d.table)
    d.set_parameter("ExistingTableStreamArn", stream_of(d.table))
    d.deploy()
    check(d.status == "CREATE_COMPLETE", "the stack is", d.status)
    check(d.outputs["TableName"] == d.table, "another table:", d.outputs["TableName"], "after", d.table)
    check("Table" not in d.ids, "there is a table of its own:", d.ids.get("Table"))
    check(d.ids["HttpApi"] != d.api, "the same API as before")
    check(d.incidents() == d.before, "other incidents:", d.incidents(), "after", d.before)
    d.ok("POST", "/api/v4/incidents", {"title": "After", "start_date_time": int(time.time())})
    pages.back(d, d.sitemap, "After")


def stream_of(table):
    """The ARN of the table's stream."""
    return boto3.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]


@step("a new stack, on a table that was imported from an export and without its stream: within a minute the pages are back, at the same addresses")
def moves(d):
    export = d.work / "moved.jsonl"
    d.tocsin("export", "--table", d.table, "--force", export)
    before = {path: d.page(path) for path in pages.sitemap(d)}
    m = d.moved = Deployment(d.work, d.sam, d.aws, d.env, "tocsin-moved")
    m.table, m.key = m.stack, d.key
    d.tocsin("table", "create", "--table", m.table)
    d.tocsin("import", "--table", m.table, export)
    m.set_parameter("ExistingTableName", m.table)
    m.set_parameter("ExistingTableStreamArn", "")
    m.deploy_template(m.build / "template.yaml")
    check(m.status == "CREATE_COMPLETE" and "PublisherStream" not in m.ids, "the stack is", m.status, m.ids)
    check(m.outputs["TableName"] == m.table, "another table:", m.outputs["TableName"])
    check(m.incidents() == d.incidents(), "other incidents:", m.incidents(), "after", d.incidents())
    m.ok("POST", "/api/v4/incidents", {"title": "Moved", "start_date_time": int(time.time())})
    pages.back(m, before, "Moved")
    differ = [path for path, text in before.items() if "/incidents/" in path and m.page(path) != text]
    check(not differ, "these pages of incidents differ:", differ)



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
        wait_until(SCHEDULE, "the pages are there", lambda: r.call("GET", "/api/v2/status.json")[0] == 200)
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


STEPS = [
    creates,
    tour,
    forgets,
    pages.changes,
    permissions.privileges,
    permissions.refusals,
    permissions.private,
    inbound.hooks,
    inbound.alarms,
    edge.serves,
    edge.allowed,
    updates,
    pages.statuses,
    schedules,
    doctor.examines,
    recovery.recovers,
    deletes,
    again,
    moves,
    pages.off,
    releases,
]


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
        for n, run in enumerate(STEPS, 1):
            print(f"\n-- {n}. {run.title}", flush=True)
            began = time.monotonic()
            try:
                run(deployment)
            except Exception as e:
                print(f"\ntest-deploy: step {n} FAILED: {run.title}\n{type(e).__name__}: {e}\nThe emulator's log is {aws.log}", file=sys.stderr)
                raise
            taken.append((time.monotonic() - began, run.title))
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
    for seconds, title in taken:
        print(f"{seconds:6.1f} s  {title}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
