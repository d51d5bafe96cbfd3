"""Reads the status as the package statuspage-prometheus-exporter does, which knows Statuspage's format and nothing of Tocsin, and compares it
with what the API says.

    API_KEY=kener_... exporter.py BASE_URL FOLDER

In the folder it leaves the package's configuration and cache. It ends with 1 when the two differ.
"""

import json
import os
import pathlib
import sys

import requests

base, folder = sys.argv[1], pathlib.Path(sys.argv[2])
url = f"{base}/api/v2/summary.json"
service = {"name": "Tocsin", "type": "status_page", "url": url}
(folder / "services.json").write_text(json.dumps({"tocsin": service}))
os.environ["SERVICES_JSON_PATH"] = str(folder / "services.json")
os.chdir(folder)  # where the package keeps its cache

from statuspage_prometheus_exporter import service_checker  # noqa: E402  it reads its configuration when it is imported


def api(path):
    answer = requests.get(f"{base}/api/v4/{path}", headers={"Authorization": f"Bearer {os.environ['API_KEY']}"}, timeout=30)
    answer.raise_for_status()
    return answer.json()


def shown(monitor):
    return monitor["is_hidden"] == "NO" and monitor["status"] == "ACTIVE"


read = service_checker.check_status_page_service("tocsin", service)
if not read["success"]:
    sys.exit(f"exporter: {url} can't be read: {read['error']}")

listed = [m for m in api("monitors")["monitors"] if shown(m)]
monitors = {m["tag"]: m["name"] for m in listed}
incidents = api("incidents?status=open")["incidents"]
impaired = {monitors[m["monitor_tag"]] for i in incidents for m in i["monitors"]}
# A category is a component too, as bad as its monitors.
impaired |= {m["category_name"] for m in listed if m["name"] in impaired}
names = {m["name"] for m in listed} | {m["category_name"] for m in listed if m["category_name"]}
want = {
    "components": {name: 0 if name in impaired else 1 for name in names},
    "incidents": sorted((i["title"], i["state"].lower(), sorted(monitors[m["monitor_tag"]] for m in i["monitors"])) for i in incidents),
    "operational": 0 if incidents else 1,
}
got = {
    "components": {c["name"]: c["status_value"] for c in read["component_metadata"]},
    "incidents": sorted((i["name"], i["status"], sorted(i["affected_components"])) for i in read["incident_metadata"]),
    "operational": read["status"],
}
if got != want or not want["incidents"]:
    sys.exit(f"exporter: it reads\n{json.dumps(got, indent=2)}\nand the API says\n{json.dumps(want, indent=2)}")
print(f"exporter: {len(want['components'])} components and {len(want['incidents'])} open incident, {read['status_text']}: as the API says")
