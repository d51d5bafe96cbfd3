"""Steps: the public pages, from a request of the API through the stream, the publisher and the bucket to the reader; and without all of these."""

import re
import statistics
import time
import xml.etree.ElementTree as ElementTree

import boto3

import edge
from deployment import check, step, wait_until

# Seconds within which a page shows what was changed in an incident, and what a probe has posted, which only the schedule of a minute finds.
CHANGED = 3
POSTED = 65

# Seconds until a stack without a stream has made all of its pages: until its schedule first fires, and for the making.
MADE = 90

# Seconds between two looks at a page.
LOOK = 0.05

# Changes that are timed.
CHANGES = 20


@step(f"{CHANGES} changes of incidents, one after another: each is on the page within {CHANGED} seconds")
def changes(d):
    # The emulator starts a process for a function's first run: that one is not timed.
    wait_until(POSTED, "the home page", lambda: d.read("/")[0] == 200)
    d.ok("POST", "/api/v4/incidents", {"title": "Before the changes", "start_date_time": int(time.time())})
    wait_until(POSTED, "the first change on the page", lambda: "Before the changes" in d.page())
    made, taken = [], []
    for n in range(CHANGES):
        title, began = f"Change {n} of {CHANGES}", time.monotonic()
        if n % 2:
            d.ok("PATCH", f"/api/v4/incidents/{made[-1]}", {"title": title})
        else:
            made.append(d.ok("POST", "/api/v4/incidents", {"title": title, "start_date_time": int(time.time())})["incident"]["id"])
        wait_until(POSTED, f"{title} on the page", lambda: title in d.page(), LOOK)
        taken.append(time.monotonic() - began)
    percentile = statistics.quantiles(taken, n=100, method="inclusive")
    print(f"    from the request to the page: p50 {percentile[49]:.2f} s, p99 {percentile[98]:.2f} s, longest {max(taken):.2f} s")
    check(max(taken) <= CHANGED, f"not within {CHANGED} s:", [f"{t:.2f}" for t in taken])
    for incident in made:
        d.ok("DELETE", f"/api/v4/incidents/{incident}")
    d.deleted = made[-1]
    wait_until(CHANGED, "the deleted incident's page is gone", lambda: d.read(f"/incidents/{d.deleted}")[0] == 410, LOOK)


def look_of(d, monitor):
    """The status of a monitor on the home page, as its look has it, such as up."""
    return re.search(rf'href="/monitors/{monitor}">[^<]*</a></h3><span class="s (\w+)">', d.page())[1]


@step(f"a status that a probe posts is on the page within {POSTED} seconds")
def statuses(d):
    before, began = look_of(d, "gift-cards"), time.monotonic()
    check(before != "down", "gift-cards is down already")
    d.ok("POST", "/api/v4/status", {"points": [{"monitor_tag": "gift-cards", "status": "DOWN"}]})
    wait_until(POSTED, "gift-cards is down on the page", lambda: look_of(d, "gift-cards") == "down", LOOK)
    print(f"    {before} to down: {time.monotonic() - began:.1f} s")


def sitemap(d):
    """The addresses of all pages that the sitemap names, or a map that it names does, without the site's own."""
    site = d.parameters["SiteUrl"]
    found, maps = [], ["/sitemap.xml"]
    for path in maps:
        document = ElementTree.fromstring(d.page(path))
        named = [loc.text.removeprefix(site) for loc in document.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
        (maps if document.tag.endswith("sitemapindex") else found).extend(named)
    return found


def back(d, paths, title):
    """Waits until a new stack has made all of its pages, at these addresses among others, and the home page has an incident that was just opened."""
    began = time.monotonic()
    wait_until(MADE, f"{title} on the page", lambda: d.read("/")[0] == 200 and title in d.page())
    wait_until(MADE, "all pages", lambda: all(d.read(path)[0] == 200 for path in ["/sitemap.xml", *paths]))
    print(f"    the pages were there {time.monotonic() - began:.1f} s later")
    check(set(paths) <= set(sitemap(d)), "the sitemap lacks", set(paths) - set(sitemap(d)))


def addresses(d):
    """The address of every file of the pages, with the file's ETag."""
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=d.outputs["SiteBucketName"], Prefix="public/")
    return {address(o["Key"]): o["ETag"] for page in pages for o in page.get("Contents", [])}


def address(key):
    """The public address that a file answers: what publish.Key makes of it is the key."""
    path = key.removeprefix("public").removesuffix(".html")
    if path.startswith("/badge/"):
        path = path.removesuffix(".svg")
    return path.removesuffix("index") if path.endswith("/index") else path


def answers(read, paths):
    """What each address is answered with: status, type and body."""
    out = {}
    for path in paths:
        status, headers, body = read(path)
        # Without the charset, which the emulator's S3 leaves out of application/xml.
        out[path] = (status, headers.get_content_type(), body)
    return out


# What the function of the pages draws by itself, of a monitor's published data.
DRAWN = ["/badge/website/status?label=Shop&color=blue", "/embed/monitor-website?theme=dark&days=7"]


@step("everything off: without the table and the functions every public address answers the same")
def off(d):
    m = d.moved
    functions = boto3.client("lambda")
    # The publisher first: what it is about to put is then not taken for what the rest's end changed.
    functions.delete_function(FunctionName=m.ids["PublisherFunction"])
    files = addresses(m)
    before = answers(m.read, [*files, *DRAWN])
    while (now := addresses(m)) != files:
        files, before = now, answers(m.read, [*now, *DRAWN])
    maps = sitemap(m)
    check(set(maps) <= set(files), "the sitemap names what is no file:", set(maps) - set(files))
    for path in [*maps, *DRAWN]:
        check(before[path][0] == 200, path, "is answered", before[path])

    for name in m.ids:
        function = name.removesuffix("Function")
        if name != function and function + "Role" in m.ids and function not in ("Page", "Publisher"):
            functions.delete_function(FunctionName=m.ids[name])
    dynamodb, table = boto3.client("dynamodb"), m.outputs["TableName"]
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=table)
    dynamodb.get_waiter("table_not_exists").wait(TableName=table)
    left = {f["FunctionName"] for f in functions.list_functions()["Functions"]} & set(m.ids.values())
    check(left == {m.ids["PageFunction"]}, "there are still the functions", left)
    status, _, body = m.read("/api/v4/incidents", Authorization=f"Bearer {m.key}")
    check(status >= 500, "the API is answered", status, body)
    same("the function of the pages", before, answers(m.read, before))

    functions.delete_function(FunctionName=m.ids["PageFunction"])
    status, _, body = m.read("/")
    check(status >= 500, "without its function the home page is answered", status, body)
    same("CloudFront, from the bucket alone,", {path: before[path] for path in files}, answers(lambda path: edge.through(m, path), files))
    print(f"    {len(maps)} of them are in the sitemap")


def same(who, before, after):
    """Checks that all addresses are answered as they were before."""
    differ = [path for path in before if after[path] != before[path]]
    check(not differ, who, "answers these in another way:", differ)
    statuses = [f"{n} with {status}" for status in (200, 404, 410) if (n := sum(a[0] == status for a in after.values()))]
    print(f"    {who} answers {len(after)} addresses as before, {', '.join(statuses)}")
