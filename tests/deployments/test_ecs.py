"""Runs on ECS: the pool's job variables become a task of AWS with our image, roles and settings, seen through moto."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from deployments.apply import apply_work_pool, read_work_pool
from tests.conftest import KEYS
from tests.deployments.conftest import Platform, until

pytestmark = pytest.mark.platform

POOL, REGION = "pricewright-ecs", "eu-west-1"
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/pricewright@sha256:" + "0" * 64
ROLE = "arn:aws:iam::123456789012:role/pricewright-{}"


@pytest.fixture(scope="module")
def aws(s3_endpoint: str) -> Any:
    """Clients of ECS and EC2, and what a pool needs to know about the account."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
    ecs, ec2 = (boto3.client(name, endpoint_url=s3_endpoint, **keys) for name in ("ecs", "ec2"))
    ecs.create_cluster(clusterName="pricewright")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    within = {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]}
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets(**within)["Subnets"]]
    group = ec2.create_security_group(GroupName="flows", Description="flows", VpcId=vpc)["GroupId"]
    values = {
        "PRICEWRIGHT_TASK_API_URL": "http://prefect.internal:4200/api",
        "PRICEWRIGHT_TASK_IMAGE": IMAGE,
        "PRICEWRIGHT_ECS_CLUSTER": "pricewright",
        "PRICEWRIGHT_VPC": vpc,
        "PRICEWRIGHT_SUBNETS": ",".join(subnets[:2]),
        "PRICEWRIGHT_SECURITY_GROUP": group,
        "PRICEWRIGHT_EXECUTION_ROLE": ROLE.format("execution"),
        "PRICEWRIGHT_TASK_ROLE": ROLE.format("task"),
        "PRICEWRIGHT_STORE": "s3://lake/shop",
        "PRICEWRIGHT_APPROVAL_KEY_ARN": "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555",
    }
    return ecs, ec2, values


def test_a_run_becomes_a_task_with_our_image_roles_and_settings(
    platform: Platform, aws: Any, s3_endpoint: str, tmp_path: Path
) -> None:
    ecs, ec2, values = aws
    kind, variables = read_work_pool(POOL, values)
    apply_work_pool(platform.client, POOL, kind, variables)
    apply_work_pool(platform.client, POOL, kind, variables)
    local = platform.client.read_deployment_by_name("release-model/on-demand")
    on_ecs = platform.client.create_deployment(
        flow_id=local.flow_id, name="on-ecs", work_pool_name=POOL, entrypoint=local.entrypoint, parameters={}
    )
    run = platform.client.create_flow_run_from_deployment(on_ecs)
    environment = (
        os.environ
        | KEYS
        | {
            "AWS_ENDPOINT_URL": s3_endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "PREFECT_API_URL": platform.stack.environment["PREFECT_API_URL"],
            "PREFECT_API_AUTH_STRING": platform.stack.environment["PREFECT_API_AUTH_STRING"],
            "PREFECT_HOME": str(tmp_path),
        }
    )
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "ecs", "--run-once"]
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        arns = until(lambda: ecs.list_tasks(cluster="pricewright")["taskArns"], "a task on ECS")
    finally:
        worker.terminate()
        worker.wait(30)
        platform.client._client.post(
            f"/flow_runs/{run.id}/set_state", json={"state": {"type": "CANCELLED"}, "force": True}
        )
    (task,) = ecs.describe_tasks(cluster="pricewright", tasks=arns)["tasks"]
    definition = ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
    container = definition["containerDefinitions"][0]
    assert (container["image"], definition["family"]) == (IMAGE, "pricewright")
    assert (definition["cpu"], definition["memory"]) == ("4096", "16384")
    assert definition["executionRoleArn"] == ROLE.format("execution")
    override = task["overrides"]["containerOverrides"][0]
    assert "flow-run" in " ".join(override["command"]) and "execute" in override["command"]
    seen = {entry["name"]: entry["value"] for entry in override["environment"]}
    pinned = json.loads(json.dumps(variables["env"]))
    assert {name: seen[name] for name in pinned} == pinned, "the worker's own settings do not leak into the task"
    assert task["overrides"]["taskRoleArn"] == ROLE.format("task")
    ours = {"Name": "group-id", "Values": [values["PRICEWRIGHT_SECURITY_GROUP"]]}
    (card,) = ec2.describe_network_interfaces(Filters=[ours])["NetworkInterfaces"]
    assert card["SubnetId"] in values["PRICEWRIGHT_SUBNETS"].split(",")
