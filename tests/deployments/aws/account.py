"""What lies in an account of AWS: everything that the templates, or what they make, could leave behind."""

import json
from typing import Any

import boto3

from tests.deployments.aws.moto_stack import ACCOUNT, KEYS

Question = tuple[str, str, dict[str, Any], str, str]  # kind, operation, arguments, where its list is, what names one
QUESTIONS: dict[str, list[Question]] = {
    "apigatewayv2": [("", "get_apis", {}, "Items", "Name")],
    "budgets": [("", "describe_budgets", {"AccountId": ACCOUNT}, "Budgets", "BudgetName")],
    "cloudformation": [("", "describe_stacks", {}, "Stacks", "StackName")],
    "cloudwatch": [("", "describe_alarms", {}, "MetricAlarms", "AlarmName")],
    "ec2": [
        ("network", "describe_vpcs", {}, "Vpcs", "VpcId"),
        ("subnet", "describe_subnets", {}, "Subnets", "SubnetId"),
        ("routes", "describe_route_tables", {}, "RouteTables", "RouteTableId"),
        ("group", "describe_security_groups", {}, "SecurityGroups", "GroupId"),
        ("gateway", "describe_internet_gateways", {}, "InternetGateways", "InternetGatewayId"),
        ("endpoint", "describe_vpc_endpoints", {}, "VpcEndpoints", "VpcEndpointId"),
    ],
    "ecr": [("", "describe_repositories", {}, "repositories", "repositoryName")],
    "ecs": [
        ("cluster", "list_clusters", {}, "clusterArns", ""),
        ("task", "list_task_definitions", {"status": "ACTIVE"}, "taskDefinitionArns", ""),
    ],
    "events": [("", "list_rules", {}, "Rules", "Name")],
    "iam": [
        ("role", "list_roles", {}, "Roles", "RoleName"),
        ("policy", "list_policies", {"Scope": "Local"}, "Policies", "PolicyName"),
    ],
    "kms": [
        ("key", "list_keys", {}, "Keys", "KeyId"),
        ("alias", "list_aliases", {}, "Aliases", "AliasName"),
    ],
    "lambda": [("", "list_functions", {}, "Functions", "FunctionName")],
    "logs": [("", "describe_log_groups", {}, "logGroups", "logGroupName")],
    "s3": [("", "list_buckets", {}, "Buckets", "Name")],
    "secretsmanager": [("", "list_secrets", {}, "SecretList", "Name")],
    "sns": [("", "list_topics", {}, "Topics", "TopicArn")],
}


def contents(endpoint: str) -> set[str]:
    """The names of what an account has, each behind its service; keys that wait for their end are gone."""
    found = set()
    for service, questions in QUESTIONS.items():
        client = boto3.client(service, endpoint_url=endpoint, **KEYS)
        for kind, operation, given, where, name in questions:
            entries = getattr(client, operation)(**given).get(where, [])
            names = [each[name] if name else each for each in entries]
            if (service, kind) == ("kms", "key"):
                names = [each for each in names if not _ends(client, each)]
            if (service, kind) == ("kms", "alias"):
                names = [each for each in names if not each.startswith("alias/aws/")]
            found |= {f"{service} {kind} {each}".replace("  ", " ") for each in names}
    return found


def _ends(kms: Any, key: str) -> bool:
    return kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def empty_bucket(s3: Any, bucket: str) -> None:
    """All versions and delete markers, then the bucket, as docs/aws.md does it by hand."""
    while True:
        page = s3.list_object_versions(Bucket=bucket, MaxKeys=1000)
        listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not listed:
            break
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in listed]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    s3.delete_bucket(Bucket=bucket)


def through_gateway(endpoint: str, api: str, path: str, key: str, authorise: Any, call: Any) -> tuple[int, Any]:
    """Status and content of a GET, as API Gateway answers it: route, authoriser, and what the route leads to.

    authorise: a function that gets the authoriser's event; call: one that gets function, alias and event.
    """
    gateway = boto3.client("apigatewayv2", endpoint_url=endpoint, **KEYS)
    (route,) = [each for each in gateway.get_routes(ApiId=api)["Items"] if each["RouteKey"] == "GET /v1/{proxy+}"]
    assert route["AuthorizationType"] == "CUSTOM"
    if not authorise({"headers": {"x-api-key": key}})["isAuthorized"]:
        return 403, {"message": "Forbidden"}
    integration = gateway.get_integration(ApiId=api, IntegrationId=route["Target"].rpartition("/")[2])
    function, _, alias = integration["IntegrationUri"].partition(":function:")[2].partition("/")[0].partition(":")
    http = {"method": "GET", "path": path}
    event = {"version": "2.0", "rawPath": path, "requestContext": {"http": http, "stage": "$default"}}
    reply, failed = call(function, alias, event)
    return (500, reply) if failed else (reply["statusCode"], json.loads(reply["body"]))
