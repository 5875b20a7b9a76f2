"""Every statement of every policy in a template, whoever carries it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Each action that no policy can limit to a resource, or where a star is no star, with the reason.
EXPLAINED = {
    "ecr:GetAuthorizationToken": "the token is the registry's, not a repository's: AWS allows no resource",
    "ec2:AssignPrivateIpAddresses": "Lambda puts the function into the network, and takes no narrower resource",
    "ec2:CreateNetworkInterface": "as before; a Deny keeps the function's own code from it",
    "ec2:DeleteNetworkInterface": "as before",
    "ec2:DescribeNetworkInterfaces": "AWS allows no resource",
    "ec2:DescribeSubnets": "AWS allows no resource",
    "ec2:DescribeVpcs": "AWS allows no resource",
    "ec2:UnassignPrivateIpAddresses": "as ec2:AssignPrivateIpAddresses",
    "ecs:DescribeTaskDefinition": "AWS allows no resource",
    "ecs:ListTaskDefinitions": "AWS allows no resource",
    "ecs:RegisterTaskDefinition": "AWS allows no resource",
    "cloudwatch:GetMetricStatistics": "AWS allows no resource for metrics",
    "kms:*": "a key's own policy: the account may rule the key by IAM, and * is this key",
}
KEY_POLICY = "TheAccountRulesItsKeys"
DOCUMENTS = ("PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy", "RepositoryPolicyText")


@dataclass(frozen=True)
class Statement:
    """One statement and where it stands."""

    path: str
    content: dict[str, Any]

    @property
    def actions(self) -> list[str]:
        return _listed(self.content.get("Action"))

    @property
    def resources(self) -> list[str]:
        return [_text(entry) for entry in _listed(self.content.get("Resource"))]


def statements(template: dict[str, Any]) -> list[Statement]:
    """All of them; a policy in an Fn::If counts like any other."""
    found = []
    for name, entry in template["Resources"].items():
        for document in _documents(entry.get("Properties", {})):
            for each in _listed(document["Statement"]):
                given = each["Fn::If"][1] if "Fn::If" in each else each
                found.append(Statement(f"{name}.{given.get('Sid', '')}", given))
    return found


def complaints(template: dict[str, Any]) -> list[str]:
    """What is wider than it must be and not explained."""
    found = []
    for statement in statements(template):
        if statement.content["Effect"] != "Allow":
            continue
        if "NotAction" in statement.content or "NotResource" in statement.content:
            found.append(f"{statement.path} allows all but something")
        open_to_all = _open(statement.content.get("Principal"))
        if open_to_all and not statement.content.get("Condition"):
            found.append(f"{statement.path} lets everybody in")
        own_key = statement.content.get("Sid") == KEY_POLICY
        for action in statement.actions:
            if "*" in action and not (own_key and action in EXPLAINED):
                found.append(f"{statement.path} allows {action}")
            elif any(_wide(resource) for resource in statement.resources) and action not in EXPLAINED:
                found.append(f"{statement.path} allows {action} on {statement.resources}")
    return found


def _wide(resource: str) -> bool:
    """All of a service: *, or an ARN whose resource begins with a star."""
    return resource == "*" or (resource.startswith("arn:") and resource.split(":", 5)[-1].startswith("*"))


def _open(principal: Any) -> bool:
    return principal == "*" or (isinstance(principal, dict) and "*" in _listed(principal.get("AWS")))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        (inner,) = value.values()
        return inner if isinstance(inner, str) else _text(inner[0]) if isinstance(inner, list) else _text(inner)
    return str(value)


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _documents(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in DOCUMENTS:
                yield value
            else:
                yield from _documents(value)
    elif isinstance(node, list):
        for value in node:
            yield from _documents(value)
