"""What the emulator leaves out of the HTTP API.

SAM writes all routes of an AWS::Serverless::HttpApi into the Body of the API, an OpenAPI document, which API Gateway imports. The emulator makes
the API but does not read the Body: it would answer every request 404. apply_routes reads the template of the stack as it was deployed and adds
the same routes by API calls. Nor does it look whether the gateway may call the functions: check_permissions does.
"""

import fnmatch
import json
import re

import boto3

ANY = "x-amazon-apigateway-any-method"
METHODS = {"get", "head", "post", "put", "patch", "delete", "options", ANY}


class Failed(Exception):
    """The template has something that this can't turn into a route, or a route that may not call its function."""


def deployed_template(stack):
    """The template of the stack after SAM's transform."""
    body = boto3.client("cloudformation").get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
    return json.loads(body) if isinstance(body, str) else body


def physical_ids(stack):
    """Physical id by logical id, of every resource of the stack."""
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}


def apply_routes(stack):
    """Gives the stack's HTTP API the routes of its Body, in place of those that it has, and returns how many there are."""
    template, ids = deployed_template(stack), physical_ids(stack)
    [(name, api)] = [(n, r) for n, r in template["Resources"].items() if r["Type"] == "AWS::ApiGatewayV2::Api"]
    wanted = list(body_routes(api["Properties"]["Body"]))
    if not wanted:
        raise Failed(f"{name} has a Body without routes")
    routes = [(key, function_arn(integration["uri"], ids), integration) for key, integration in wanted]
    check_permissions(ids[name], routes)
    gateway = boto3.client("apigatewayv2")
    clear(gateway, ids[name])
    integrations = {}
    for key, function, integration in routes:
        if function not in integrations:
            made = gateway.create_integration(
                ApiId=ids[name],
                IntegrationType="AWS_PROXY",
                IntegrationMethod="POST",
                IntegrationUri=function,
                PayloadFormatVersion=integration["payloadFormatVersion"],
            )
            integrations[function] = made["IntegrationId"]
        gateway.create_route(ApiId=ids[name], RouteKey=key, Target="integrations/" + integrations[function])
    return len(routes)


def body_routes(body):
    """Yields the key of each route, such as 'GET /healthcheck' or '$default', with its integration."""
    for path, operations in body["paths"].items():
        for method, operation in operations.items():
            if method not in METHODS:
                continue
            if path == "/$default":
                key = "$default"
            else:
                key = ("ANY" if method == ANY else method.upper()) + " " + path
            yield key, operation["x-amazon-apigateway-integration"]


def function_arn(uri, ids):
    """The ARN of the function, or of its alias, inside the uri of an integration: …/functions/${Function.Arn}/invocations."""
    found = re.fullmatch(r"arn:.*:lambda:path/2015-03-31/functions/\$\{(\w+)(\.Arn)?\}/invocations", uri["Fn::Sub"])
    if not found:
        raise Failed(f"no function in the integration's uri {uri}")
    physical = ids[found[1]]
    # Ref gives the ARN of an alias, but the name of a function.
    if not found[2]:
        return physical
    return boto3.client("lambda").get_function(FunctionName=physical)["Configuration"]["FunctionArn"]


def check_permissions(api, routes):
    """Raises Failed unless the policy of each route's function lets the gateway call it for that route."""
    statements = {}
    for key, function, _ in routes:
        if function not in statements:
            statements[function] = gateway_statements(function)
        method, _, path = key.rpartition(" ")
        source = f"{api}/$default/{method or 'GET'}{path if method else '/' + path}"
        if not any(fnmatch.fnmatchcase(source, pattern) for pattern in statements[function]):
            raise Failed(f"the gateway may not call {function} for {key}")


def gateway_statements(function):
    """The patterns of API, stage, method and path for which the gateway may call the function, or its alias, with this ARN."""
    _, _, alias = function.partition(":function:")[2].partition(":")
    name = function.removesuffix(":" + alias) if alias else function
    qualifier = {"Qualifier": alias} if alias else {}
    policy = json.loads(boto3.client("lambda").get_policy(FunctionName=name, **qualifier)["Policy"])
    return [
        s["Condition"]["ArnLike"]["AWS:SourceArn"].rpartition(":")[2]
        for s in policy["Statement"]
        if s["Effect"] == "Allow"
        and s["Action"] == "lambda:InvokeFunction"
        and s["Principal"] == {"Service": "apigateway.amazonaws.com"}
        and s["Resource"] == function
    ]


def clear(gateway, api):
    """Removes the routes and integrations that an earlier call has made."""
    for route in pages(gateway.get_routes, api):
        gateway.delete_route(ApiId=api, RouteId=route["RouteId"])
    for integration in pages(gateway.get_integrations, api):
        gateway.delete_integration(ApiId=api, IntegrationId=integration["IntegrationId"])


def pages(read, api):
    """All items of a list of the API Gateway."""
    token = {}
    while True:
        page = read(ApiId=api, **token)
        yield from page["Items"]
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}
