"""Looks whether the documented actions of the deploying account are enough: check_rights.py TRANSFORMED

TRANSFORMED is what SAM makes of the template. CloudFormation makes, reads, changes and deletes each resource with the rights of who deploys, and AWS
publishes, in the schema of each type of resource, which actions that takes; cfn-lint has these schemas. They name the actions of all
properties, also of those that this template does not use: NOT_NEEDED.
"""

import fnmatch
import json
import pathlib
import sys

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "deploy"))
import rights  # noqa: E402 (the folder is known only now)

REGION = "us-east-1"

# Of the stack that SAM CLI makes for its bucket.
SAM_CLI = ["AWS::S3::Bucket", "AWS::S3::BucketPolicy"]

NOT_NEEDED = {
    "AWS::Lambda::Function": [
        "ec2:*",  # VpcConfig
        "elasticfilesystem:*", "s3files:*",  # FileSystemConfigs
        "kms:*",  # KmsKeyArn
        "lambda:PutRuntimeManagementConfig", "lambda:PassCapacityProvider",
    ],
    "AWS::Lambda::Version": ["lambda:PutProvisionedConcurrencyConfig", "lambda:PutRuntimeManagementConfig"],
    "AWS::Lambda::EventSourceMapping": ["kms:*"],  # KmsKeyArn
    "AWS::Lambda::Alias": ["lambda:*ProvisionedConcurrencyConfig"],
    "AWS::IAM::Role": ["iam:UpdateRoleDescription", "iam:*RolePermissionsBoundary"],
    "AWS::DynamoDB::Table": [
        "dynamodb:DeleteTable",  # it stays
        "dynamodb:UpdateContributorInsights", "dynamodb:*KinesisStreamingDestination", "kinesis:*",
        "dynamodb:ImportTable", "logs:*",  # ImportSourceSpecification
        "dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy",
        "dynamodb:*TableReplica",
        "kms:*",  # SSESpecification
    ],
    "AWS::Logs::LogGroup": [
        "logs:*DataProtectionPolicy", "s3:REST.PUT.OBJECT", "firehose:TagDeliveryStream",
        "logs:*IndexPolicy", "logs:*AssociateKmsKey",
        "logs:PutBearerTokenAuthentication", "logs:PutLogGroupDeletionProtection",
        "logs:DeleteResourcePolicy",  # ResourcePolicyDocument
    ],
    "AWS::CloudFront::Distribution": ["cloudfront:CreateConnectionGroup"],  # of distributions for many tenants
    "AWS::CodeDeploy::DeploymentGroup": ["codedeploy:RegisterOnPremisesInstance"],
    "AWS::S3::Bucket": [
        "s3:PutAccelerateConfiguration", "s3:PutAnalyticsConfiguration", "s3:PutIntelligentTieringConfiguration", "s3:PutInventoryConfiguration",
        "s3:PutMetricsConfiguration", "s3:PutObjectLockConfiguration", "s3:PutReplicationConfiguration",
        "s3tables:*", "s3:*BucketMetadata*TableConfiguration",
        "s3:PutObjectAcl",
        "s3:DeleteBucket*",  # the bucket and what it has stay
    ],
}


def needed(kind):
    """The actions that CloudFormation needs for this type of resource."""
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema.get("handlers", {})
    actions = {a for name, h in handlers.items() if name != "list" for a in h["permissions"]}
    return {a for a in actions if not allowed(a, NOT_NEEDED.get(kind, []))}


def allowed(action, patterns):
    """Whether one of the patterns is about the action. The case does not count, as in IAM."""
    return any(fnmatch.fnmatchcase(action.lower(), p.lower()) for p in patterns)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        kinds = {r["Type"] for r in json.load(file)["Resources"].values()}
    granted = rights.documented()
    unsaid, missing = [], []
    for kind in sorted(kinds.union(SAM_CLI)):
        actions = needed(kind)
        if not actions:
            unsaid.append(kind)
        missing += [f"{action}, for {kind}" for action in sorted(actions) if not allowed(action, granted)]
    if unsaid:
        print("AWS does not say what is needed for", ", ".join(unsaid), file=sys.stderr)
    if missing:
        sys.exit(f"{rights.DOCUMENT.name} does not say that who deploys needs\n  " + "\n  ".join(missing))


if __name__ == "__main__":
    main()
