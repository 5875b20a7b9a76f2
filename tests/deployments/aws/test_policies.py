"""Nobody may do more than their work needs."""

import copy
import re
from typing import Any

import pytest

from tests.deployments.aws.policies import EXPLAINED, complaints, statements
from tests.deployments.aws.template import FILES, FOLDER, read


@pytest.mark.parametrize("name", FILES)
def test_no_policy_allows_more_than_is_explained(name: str) -> None:
    template = read(name)
    assert len(statements(template)) > 15
    assert complaints(template) == []


def test_every_explanation_is_needed() -> None:
    used = {
        action
        for name in FILES
        for statement in statements(read(name))
        for action in statement.actions
        if statement.content["Effect"] == "Allow" and ("*" in statement.resources or "*" in action)
    }
    assert used == set(EXPLAINED)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"Action": "s3:*"}, "allows s3:*"),
        ({"Action": ["s3:Get*"]}, "allows s3:Get*"),
        ({"Action": "*"}, "allows *"),
        ({"Resource": "*"}, "allows s3:GetObject on ['*']"),
        ({"Resource": ["arn:aws:s3:::*"]}, "allows s3:GetObject on"),
        ({"Principal": {"AWS": "*"}}, "lets everybody in"),
        ({"NotAction": "s3:PutObject"}, "all but something"),
    ],
)
def test_what_is_too_wide_is_found(change: dict[str, Any], complaint: str) -> None:
    template = copy.deepcopy(read("template.yaml"))
    role = template["Resources"]["FunctionRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    role["Statement"][0].update(change)
    assert complaint in " ".join(complaints(template))


def test_a_policy_behind_a_condition_is_read_too() -> None:
    template = copy.deepcopy(read("shared.yaml"))
    (optional,) = [
        policy["Fn::If"][1]
        for policy in template["Resources"]["FlowTaskRole"]["Properties"]["Policies"]
        if "Fn::If" in policy
    ]
    optional["PolicyDocument"]["Statement"][0]["Resource"] = "*"
    assert any("kms:Decrypt" in complaint for complaint in complaints(template))


def test_a_stage_deploys_for_its_own_environment_alone_and_builds_come_from_main() -> None:
    trusts = {
        statement.path.split(".")[0]: statement.content["Condition"]["StringEquals"]
        for name in FILES
        for statement in statements(read(name))
        if statement.actions == ["sts:AssumeRoleWithWebIdentity"]
    }
    subject = "token.actions.githubusercontent.com:sub"
    assert {role: trust[subject] for role, trust in trusts.items()} == {
        "BuildStarter": {"Fn::Sub": "repo:${Repository}:ref:refs/heads/main:ref:refs/heads/main"},
        "DeployRole": {"Fn::Sub": "repo:${Repository}:environment:${Stage}:ref:refs/heads/main"},
    }
    assert all(trust["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com" for trust in trusts.values())


def test_whoever_reads_or_writes_the_lake_may_use_its_key() -> None:
    found: dict[str, set[str]] = {}
    for statement in (each for name in FILES for each in statements(read(name)) if each.content["Effect"] == "Allow"):
        found.setdefault(statement.path.split(".")[0], set()).update(statement.actions)
    readers = {name: actions for name, actions in found.items() if "s3:GetObject" in actions and "Endpoint" not in name}
    readers.pop("PagePolicy")  # of the playground's bucket
    assert set(readers) == {"FunctionRole", "DeployPolicy", "BuildRole", "FlowTaskRole"}
    assert all("kms:Decrypt" in actions for actions in readers.values())
    assert all("kms:GenerateDataKey" in actions for actions in readers.values() if "s3:PutObject" in actions)


def test_the_function_reads_its_own_channel_and_writes_nothing() -> None:
    own = [s for s in statements(read("template.yaml")) if s.path.startswith("FunctionRole.")]
    allowed = {action for s in own if s.content["Effect"] == "Allow" for action in s.actions}
    assert {action for action in allowed if action.startswith("s3:")} == {"s3:GetObject", "s3:ListBucket"}
    reading = next(s for s in own if s.path == "FunctionRole.ReadsReleases")
    assert [resource.rsplit("/", 2)[-2:] for resource in reading.resources] == [
        ["releases", "*"],
        ["channels", "${Stage}.json"],
    ]


def test_a_deployment_may_do_what_the_command_does_and_no_more() -> None:
    text = (FOLDER.parents[1] / "blocks" / "lambda_release.py").read_text()
    called = set(re.findall(r'_call\(\s*"(\w+)"|_lambda\.([a-z]\w+)\(', text))
    names = {(first or second).title().replace("_", "") for first, second in called} - {"Exceptions"}
    needed = {"lambda:InvokeFunction" if name == "Invoke" else f"lambda:{name}" for name in names}
    needed -= {"lambda:CreateAlias"}  # the stack makes the alias
    allowed = {
        action
        for statement in statements(read("template.yaml"))
        if statement.path.startswith("DeployPolicy.")
        for action in statement.actions
    }
    assert len(needed) >= 6 and {action for action in allowed if action.startswith("lambda:")} == needed
    assert "cloudwatch:GetMetricStatistics" in allowed and "get_metric_statistics" in text


def test_one_role_moves_production_whatever_others_are_allowed() -> None:
    found = {statement.path: statement.content for statement in statements(read("shared.yaml"))}
    denied = found["LakePolicy.OneRoleMovesProduction"]
    assert denied["Effect"] == "Deny" and denied["Principal"] == "*"
    assert denied["Resource"] == {"Fn::Sub": "${Lake.Arn}/channels/production.json"}
    assert {"s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"} <= set(denied["Action"])
    assert denied["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": {"Ref": "ProductionRoleArn"}}}


def test_a_deployment_writes_no_manifest_and_keeps_the_decision_that_it_uses() -> None:
    (writing,) = (
        statement
        for statement in statements(read("template.yaml"))
        if statement.path.startswith("DeployPolicy.") and "s3:PutObject" in statement.actions
    )
    folders = [resource.partition("${Lake}/")[2] for resource in writing.resources]
    assert folders == ["channels/${Stage}.json", "holds/*", "approvals/*"]
