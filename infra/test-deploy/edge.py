"""Steps: the public pages through CloudFront."""

import json

import boto3

from deployment import check, step

# Types of content.
PAGE, JSON = "text/html; charset=utf-8", "application/json; charset=utf-8"
ATOM, SVG = "application/atom+xml; charset=utf-8", "image/svg+xml; charset=utf-8"

# What every answer says that comes from the bucket, of a page that may be kept.
HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=5, s-maxage=10, stale-while-revalidate=30, stale-if-error=604800",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": None,
}
SHORT = {"Cache-Control": "public, max-age=5, s-maxage=10"}
EMBED = {"Content-Security-Policy": None, "X-Robots-Tag": "noindex"}

# Only the function of the pages says this: what the emulator's gateway adds to each answer.
BY_FUNCTION = "apigw-requestid"


def through(d, path, scheme="https", **headers):
    """Reads an address through the stack's distribution, as a page of another site does."""
    host = d.outputs["PageUrl"].removeprefix("https://")
    return d.fetch(path, Host=host, X_Forwarded_Proto=scheme, Origin="https://other.example.com", **headers)


@step("CloudFront: each kind of address, from the bucket with its status and headers, or else from the function of the pages")
def serves(d):
    incident = d.ok("GET", "/api/v4/incidents")["incidents"][0]["id"]
    known = [
        ("/", 200, PAGE, {}),
        ("/de/", 200, PAGE, {}),
        (f"/incidents/{incident}", 200, PAGE, {}),
        (f"/de/incidents/{incident}", 200, PAGE, {}),
        (f"/incidents/{d.deleted}", 410, PAGE, SHORT),
        ("/history", 200, PAGE, {}),
        ("/monitors/website", 200, PAGE, {}),
        ("/api/v2/status.json", 200, JSON, {}),
        ("/data/website.json", 200, JSON, {}),
        ("/atom.xml", 200, ATOM, {}),
        ("/badge/website/status", 200, SVG, {}),
        ("/badge/website/status?color=blue", 200, SVG, {}),
        ("/embed/monitor-website", 200, PAGE, EMBED),
    ]
    for path, status, kind, headers in known:
        got, said, body = through(d, path)
        wanted = HEADERS | headers | {"Content-Type": kind, BY_FUNCTION: None}
        differ = {name: said[name] for name, value in wanted.items() if said[name] != value}
        check(got == status and not differ, path, "is answered", got, differ)
        of_bucket = [name for name in said if name.lower().startswith(("x-amz-meta", "x-amz-server", "x-amz-version"))]
        check(not of_bucket, path, "has headers of the bucket:", of_bucket)
        check(body == d.read(path.partition("?")[0])[2], path, "has another body than the function of the pages answers")
    unknown = [("/none", "/none"), ("/de/none", "/de/none"), ("/api/v2/none.json", "/api/v2/none.json"), ("/publisher.json", "/publisher.json")]
    for path, same in unknown:
        got, said, body = through(d, path)
        check(got == 404 and said[BY_FUNCTION] and body == d.read(same)[2], path, "is answered", got, said, body)
    for path, target in ("/de", "/de/"), ("/history/", "/history"):
        got, said, _ = through(d, path)
        check((got, said["Location"]) == (308, target), path, "is answered", got, said)
    print(f"    {len(known)} addresses of the bucket, {len(unknown)} that it does not have")

    got, said, _ = through(d, "/", "http")
    check((got, said["Location"]) == (301, d.outputs["PageUrl"] + "/"), "/ by http is answered", got, said)
    key = {"Authorization": f"Bearer {d.key}"}
    got, _, body = through(d, "/api/v4/incidents", **key)
    check(got == 200 and json.loads(body) == d.ok("GET", "/api/v4/incidents"), "the API is answered", got, body)
    got, _, body = through(d, "/api/v4/incidents", "http", **key)
    check(got == 403, "the API by http is answered", got, body)


@step("CloudFront reads the bucket by the bucket's policy alone")
def allowed(d):
    s3, bucket = boto3.client("s3"), d.outputs["SiteBucketName"]
    whole = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    rest = whole | {"Statement": [s for s in whole["Statement"] if s["Sid"] != "CloudFront"]}
    check(len(rest["Statement"]) == len(whole["Statement"]) - 1, "the bucket's policy is", whole)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(rest))
    try:
        got, said, _ = through(d, "/")
        check(got == 200 and said[BY_FUNCTION], "without the statement the home page is not the function's:", got, said)
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(whole))
    got, said, _ = through(d, "/")
    check(got == 200 and not said[BY_FUNCTION], "with the statement the home page is not the bucket's:", got, said)
