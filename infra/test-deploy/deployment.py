"""A stack as the test deploys, reads and calls it, and what all steps are made of."""

import json
import os
import pathlib
import re
import subprocess
import time
import urllib.error
import urllib.request

import boto3

import emulator
import gateway
import processes

ROOT = pathlib.Path(__file__).resolve().parents[2]

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
    "CloudFront": "true",
}

# Seconds that a schedule of a minute has to fire, and its function to be done.
SCHEDULE = 130


class Wrong(Exception):
    """The stack does not do what it is meant to do."""


def step(title):
    """Says of a step of the test what it shows."""

    def named(function):
        function.title = title
        return function

    return named


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
        command = [self.sam, "deploy", "--no-progressbar", "--config-file", self.config, "--config-env", ENVIRONMENT]
        processes.run([*command, "--template-file", path, "--stack-name", self.stack], self.env, stderr=subprocess.STDOUT)
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

    def read(self, path, **headers):
        """Reads a public address through the API, as somebody without a key, and returns the answer's status, headers and body."""
        # Not by its host: of a path like /de/ the emulator would then take the first part for a stage, and lose the slash.
        return self.fetch(f"/_aws/execute-api/{self.ids['HttpApi']}/$default{path}", **headers)

    def fetch(self, path, **headers):
        """Sends a request without credentials to the emulator and returns the answer's status, headers and body."""
        request = urllib.request.Request(self.aws.url + path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        try:
            with emulator.DIRECT.open(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.headers, e.read()

    def page(self, path="/"):
        """The text of a public page, which there must be."""
        status, _, body = self.read(path)
        check(status == 200, path, "is answered", status, body)
        return body.decode()

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


def wait_until(seconds, what, done, pause=1):
    """Waits until done() is true, and returns what it returned. It asks again after a pause, in seconds."""
    until = time.monotonic() + seconds
    while not (found := done()):
        check(time.monotonic() < until, f"not within {seconds} s:", what)
        time.sleep(pause)
    return found
