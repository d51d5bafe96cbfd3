#!/usr/bin/env python3
"""Runs the tour of the README against a service and compares every answer with the one that the README shows.

    API_KEY=kener_... infra/tour/tour.py BASE_URL [--header 'Host: x']... [--seconds 20]

The service must be new, since the tour's ids start at 1, and must have the example monitors, which `tocsin monitors import --examples`
brings into any table. Texts, ids, states and the order of the fields must be those of the README, to the letter; only times
and the host of an incident's url may differ. It ends with 1 at the first call that differs, and says how.
"""

import argparse
import difflib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
README_URL = "http://127.0.0.1:3000"
# A README that the tour can't be found in must not pass.
FEWEST_CALLS = 15
# HTTP statuses of the errors that the tour shows.
STATUS_OF = {"BAD_REQUEST": 400, "PRECONDITION_FAILED": 412}
# Lists that are read from a global index follow a write within moments.
GET_TRIES, GET_PAUSE = 12, 0.5
# Unix times are above this, ids and durations far below.
FIRST_TIME = 1_000_000_000
TIMES = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z| \d\d:\d\d(:\d\d)? UTC)?")


class Different(Exception):
    """An answer is not the README's."""


def calls(readme):
    """Returns the section's calls, each with the JSON that the README shows for it or None."""
    section = re.search(r"^## A tour$(.*?)(?=^## |\Z)", readme, re.M | re.S)
    lines = [line for line in (section[1] if section else "").splitlines() if line.strip()]
    found = []
    for n, line in enumerate(lines):
        if line.startswith("    curl "):
            following = lines[n + 1] if n + 1 < len(lines) else ""
            found.append((line.strip(), following.strip() if following.startswith("    {") else None))
    return found


def normal(value, key=None):
    """Returns the JSON value without what differs from run to run."""
    if isinstance(value, dict):
        return {k: normal(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [normal(v) for v in value]
    if isinstance(value, str):
        if key == "url":
            value = re.sub(r"^https?://[^/]+", "http://host", value)
        return TIMES.sub("<time>", value)
    if isinstance(value, (int, float)) and value >= FIRST_TIME:
        return "<time>"
    return value


def pretty(text):
    """Returns JSON text in normal form, a field a line, or the text itself when it is no JSON."""
    try:
        return json.dumps(normal(json.loads(text)), indent=2, ensure_ascii=False)
    except json.JSONDecodeError:
        return text


def send(call, base_url, headers, key):
    """Runs a call as a person would and returns the answer's status, 0 for none, and its body."""
    options = ["--max-time", "60", "-w", r"\n%{http_code}"]
    for header in headers:
        options += ["-H", header]
    command = "curl " + shlex.join(options) + call.replace(README_URL, base_url).removeprefix("curl")
    ran = subprocess.run(["bash", "-c", command], env={**os.environ, "KEY": key}, capture_output=True, text=True)
    body, _, status = ran.stdout.rpartition("\n")
    if ran.returncode != 0:
        return 0, ran.stderr.strip() or f"curl ended with {ran.returncode}"
    return int(status), body


def compare(call, status, body, expected):
    """Raises Different unless status and body are what the README shows."""
    error = json.loads(expected).get("error") if expected else None
    right = status == STATUS_OF.get(error["code"]) if error else 200 <= status < 300
    want, got = (pretty(expected) if expected else pretty(body)), pretty(body)
    if right and want == got:
        return
    diff = difflib.unified_diff(want.splitlines(), got.splitlines(), "README", "answer", lineterm="", n=100)
    raise Different("\n".join([f"{call}\nstatus {status or 'none'}", *diff]))


def take(call, expected, args, key):
    """Takes one step of the tour and returns the answer's status."""
    reads = not re.search(r" (-d|-X) ", call)
    for left in reversed(range(GET_TRIES if reads else 1)):
        status, body = send(call, args.base_url.rstrip("/"), args.header, key)
        try:
            compare(call, status, body, expected)
            return status
        except Different:
            if not left:
                raise
        time.sleep(GET_PAUSE)


def title(call):
    """Returns the method and the path of a call."""
    method = re.search(r" -X (\w+)", call)
    path = re.search(re.escape(README_URL) + r'([^ "]*)', call)[1]
    return f"{method[1] if method else 'POST' if ' -d ' in call else 'GET'} {path}"


def main():
    parser = argparse.ArgumentParser(description="Run the README's tour against a new service; API_KEY is read from the environment.")
    parser.add_argument("base_url", help="address of the API, such as http://127.0.0.1:3000")
    parser.add_argument("--header", action="append", default=[], help="sent with every call, such as 'Host: x'")
    parser.add_argument("--seconds", type=int, default=20, help="how long it takes there: it starts so that it ends before the minute does")
    args = parser.parse_args()
    key = os.environ.get("API_KEY") or parser.error("API_KEY is not set")

    steps = calls(README.read_text(encoding="utf-8"))
    if len(steps) < FEWEST_CALLS:
        sys.exit(f"tour: only {len(steps)} calls found in {README}, there should be {FEWEST_CALLS} or more")
    # The points of the tour are minutes, its uptime a day: it should not see one end.
    while time.time() % 60 > 60 - args.seconds:
        time.sleep(0.2)
    for call, expected in steps:
        try:
            print(take(call, expected, args, key), title(call), flush=True)
        except Different as different:
            sys.exit(f"tour: not as the README shows:\n{different}")
    print(f"tour: {len(steps)} calls, {sum(expected is not None for _, expected in steps)} as the README shows")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
