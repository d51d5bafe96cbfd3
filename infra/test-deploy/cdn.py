"""Gives ministack's CloudFront the two things that it lacks: an HTTP API as an origin, and groups of origins.

A group asks its second origin when the first one answers with one of its statuses, as CloudFront does.
"""

import os

from ministack.services import cloudfront

original_config = cloudfront.parse_distribution_dataplane_config
original_fetch = cloudfront._fetch_from_origin
original_target = cloudfront._origin_connect_target
original_headers = cloudfront._origin_request_headers


def config(dist):
    """A distribution's settings, in which a group is an origin that knows a second one."""
    parsed = original_config(dist)
    find, text = cloudfront._find, cloudfront._text
    for group in items(find(cloudfront._dist_config_el(dist), "OriginGroups")):
        first, second = (parsed["origins"][text(m, "OriginId")] for m in items(find(group, "Members")))
        statuses = items(find(find(group, "FailoverCriteria"), "StatusCodes"))
        parsed["origins"][text(group, "Id")] = first | {"second": second, "statuses": {int(s.text) for s in statuses}}
    return parsed


def items(element):
    """What an element of the settings counts up."""
    found = None if element is None else cloudfront._find(element, "Items")
    return [] if found is None else list(found)


async def fetch(origin, *request):
    """What the origin answers, or the second one of its group."""
    answer = await original_fetch(origin, *request)
    if answer[0] in origin.get("statuses", ()):
        answer = await original_fetch(origin["second"], *request)
    return answer


def api(origin):
    """The id of the HTTP API that the origin is, or nothing."""
    name, of_api, _ = origin["domain_name"].partition(".execute-api.")
    return of_api and name


def target(origin, viewer_is_https):
    """Where the origin listens: an API does where the emulator itself does, and not over TLS."""
    return ("127.0.0.1", int(os.environ["GATEWAY_PORT"]), False) if api(origin) else original_target(origin, viewer_is_https)


def headers(origin, *request):
    """The headers that the origin gets: the emulator knows an API by another Host."""
    found = original_headers(origin, *request)
    return found | {"Host": f"{api(origin)}.execute-api.localhost"} if api(origin) else found


cloudfront.parse_distribution_dataplane_config = config
cloudfront._fetch_from_origin = fetch
cloudfront._origin_connect_target = target
cloudfront._origin_request_headers = headers
