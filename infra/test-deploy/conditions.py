"""Starts ministack and gives it what it leaves out of a request before it evaluates the caller's policies.

- dynamodb:LeadingKeys, the partition keys that a call of DynamoDB is about. A call of a batch has those of all its items; the parts of a
  transaction have one each, as each is authorized as an action of its own.
- dynamodb:Attributes of an UpdateItem. ministack has those of a projection alone.
- The stream that a call of DynamoDB Streams is about, which ministack takes for any.
- Events of aws.cloudwatch, which ministack has no alarms to send of: whoever may put events may put these.
- aws:SecureTransport is true. On AWS every call comes over TLS, here over plain HTTP, and the policies of SAM's bucket and of the queue refuse that.

The policies themselves, their conditions included, are evaluated by ministack.
"""

import json
import re

from ministack.core import iam_actions, iam_evaluator
from ministack.services import eventbridge

# How package ddb begins a condition about keys.
PARTITION = re.compile(r"\w+ = (:\w+)( |$)")


class Part(str):
    """The ARN of the table that a part of a transaction is about, with the part's own condition keys."""

    keys: dict


def keys_of(item, update=False):
    """The condition keys of a call, or a part of one, that is about one item or one partition."""
    if "KeyConditionExpression" in item:
        leading = item["ExpressionAttributeValues"][PARTITION.match(item["KeyConditionExpression"])[1]]
    else:
        leading = item.get("Key", item.get("Item", {})).get("pk")
    found = {}
    if leading:
        found["dynamodb:LeadingKeys"] = [leading["S"]]
    if update:
        found["dynamodb:Attributes"] = [*item["Key"], *item.get("ExpressionAttributeNames", {}).values()]
    return found


def batch_keys(requests):
    """The condition keys of a batch, by its RequestItems."""
    keys = []
    for of_table in requests.values():
        items = of_table["Keys"] if isinstance(of_table, dict) else [key_of_write(w) for w in of_table]
        keys += [item["pk"]["S"] for item in items]
    return {"dynamodb:LeadingKeys": keys}


def key_of_write(write):
    """What has the key of one write of a batch."""
    return write["DeleteRequest"]["Key"] if "DeleteRequest" in write else write["PutRequest"]["Item"]


original_put_events = eventbridge._put_events
original_context = iam_actions.dynamodb_service_context
original_checks = iam_actions.dynamodb_transaction_checks
original_resource = iam_actions.extract_resource_arn
original_enforce = iam_evaluator.enforce
original_origin = iam_evaluator.pin_request_origin


def service_context(body):
    """The condition keys of a call of DynamoDB."""
    data = json.loads(body or b"{}")
    if "RequestItems" in data:
        more = batch_keys(data["RequestItems"])
    else:
        more = keys_of(data, update="UpdateExpression" in data)
    return original_context(body) | more


def transaction_checks(iam_action, body, region, account_id):
    """The actions of a transaction, each with its table, which carries the keys."""
    checks = original_checks(iam_action, body, region, account_id)
    items = [item for part in json.loads(body)["TransactItems"] for item in part.items()] if checks else []
    out = []
    for (action, arn), (member, item) in zip(checks, items, strict=True):
        part = Part(arn)
        part.keys = keys_of(item, update=member == "Update")
        out.append((action, part))
    return out


def resource_arn(service, method, path, headers, body, *more):
    """The ARN of what a call is about."""
    if service == "dynamodbstreams":
        return json.loads(body or b"{}").get("StreamArn", "*")
    return original_resource(service, method, path, headers, body, *more)


def enforce(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
    """Evaluates the caller's policies, with the keys of a part of a transaction."""
    if isinstance(resource_arn, Part):
        service_context = (service_context or {}) | resource_arn.keys
    return original_enforce(access_key_id, iam_action, service, region, resource_arn=resource_arn, service_context=service_context)


def put_events(data):
    """Takes events of AWS's own services too, as the bus does from these alone: the test is CloudWatch."""
    return original_put_events(data, allow_aws_source=True)


eventbridge._put_events = put_events
iam_actions.dynamodb_service_context = service_context
iam_actions.dynamodb_transaction_checks = transaction_checks
iam_actions.extract_resource_arn = resource_arn
iam_evaluator.enforce = enforce
iam_evaluator.pin_request_origin = lambda source_ip, _: original_origin(source_ip, True)

if __name__ == "__main__":
    # Only now, since it takes these functions by name.
    import cdn  # noqa: F401 (what it lacks of CloudFront)
    from ministack.app import main

    main()
