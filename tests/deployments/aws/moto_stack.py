"""Templates on moto's CloudFormation, over HTTP; what it does not know is left out, or made by the service's own API.

Leaving out is by type, each with its reason. A reference to what is left out becomes the value given here.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import boto3

REGION = "eu-west-1"
ACCOUNT = "123456789012"
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}

# Unknown to moto's CloudFormation, known to its service: made there, with the very properties of the template.
BY_SERVICE = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
}
# Left out, with the reason; cfn-lint holds their properties against AWS's own schemas all the same.
LEFT_OUT = {
    "AWS::CloudFront::Distribution": "moto's CloudFormation does not know it",
    "AWS::CloudFront::Function": "moto does not know it; tests/deployments/aws/test_login.py runs its code",
    "AWS::CloudFront::OriginAccessControl": "moto's CloudFormation does not know it",
    "AWS::CloudFront::ResponseHeadersPolicy": "moto's CloudFormation does not know it",
    "AWS::CodeBuild::Project": "moto's CloudFormation does not know it",
    "AWS::ElastiCache::ServerlessCache": "moto knows no serverless caches",
    "AWS::IAM::OIDCProvider": "moto's CloudFormation does not know it",
    "AWS::Lambda::EventInvokeConfig": "moto's CloudFormation does not know it",
    "AWS::SNS::Subscription": "moto's CloudFormation makes subscriptions with their topic alone",
    "AWS::SecretsManager::Secret": "moto's CloudFormation does not know it; the tests make one to read keys from",
}
STAND_INS = {"Live": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:pricewright-staging:live"}


# Types of BY_SERVICE in the order in which CloudFormation would make them.
IN_ORDER = (
    "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::Lambda::Alias", "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage", "AWS::Lambda::Permission", "AWS::CloudWatch::Alarm", "AWS::Budgets::Budget",
)  # fmt: skip


class Stack:
    """A template that was deployed: what moto made, by logical name, and a resolver for the rest."""

    def __init__(self, endpoint: str, name: str, template: dict[str, Any], parameters: Mapping[str, str]) -> None:
        self.endpoint = endpoint
        self.template = template
        self._exports = self._read_exports()
        defaults = {key: str(entry.get("Default", "")) for key, entry in template["Parameters"].items()}
        self.parameters = defaults | parameters
        self._cloud = self.client("cloudformation")
        self.name = name
        self._undo: list[Callable[[], object]] = []
        self._cloud.create_stack(
            StackName=name,
            TemplateBody=json.dumps(self._without_the_unknown()),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
        (made,) = self._cloud.describe_stacks(StackName=name)["Stacks"]
        self.status = made["StackStatus"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in made.get("Outputs", [])}
        listed = self._cloud.describe_stack_resources(StackName=name)["StackResources"]
        named = [entry for entry in listed if {"LogicalResourceId", "PhysicalResourceId"} <= entry.keys()]
        self.ids = {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in named}

    def client(self, service: str) -> Any:
        """boto3 on moto."""
        return boto3.client(service, endpoint_url=self.endpoint, **KEYS)

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of a type's resources, with every reference resolved, by logical name."""
        entries = {name: entry for name, entry in self.template["Resources"].items() if entry["Type"] == kind}
        return {name: self.resolve(entry["Properties"]) for name, entry in entries.items() if self._wanted(entry)}

    def make_the_rest(self) -> None:
        """Make by the services' own API what moto's CloudFormation does not know."""
        for kind in IN_ORDER:
            for name, properties in self.of(kind).items():
                self.make(kind, name, properties)

    def make(self, kind: str, name: str, properties: dict[str, Any]) -> None:
        """Make one resource; it goes with the stack, as in AWS."""
        _, service, what = kind.split("::")
        undo = getattr(self, f"_make_{service.lower()}_{what.lower()}", None)
        if undo is not None:
            self._undo.append(undo(properties))
        else:  # parts of an API, which go with it
            api = self.client("apigatewayv2")
            made = getattr(api, f"create_{what.lower()}")(**whole(properties))
            self.ids[name] = made.get(f"{what}Id", name)

    def delete(self) -> None:
        """What CloudFormation deletes with the stack, the last first; what is retained stays."""
        for undo in reversed(self._undo):
            undo()
        self._cloud.delete_stack(StackName=self.name)

    def _make_apigatewayv2_api(self, properties: dict[str, Any]) -> Callable[[], object]:
        api = self.client("apigatewayv2")
        (name,) = self.of("AWS::ApiGatewayV2::Api")
        self.ids[name] = api.create_api(**whole(properties))["ApiId"]
        return lambda: api.delete_api(ApiId=self.ids[name])

    def _make_s3_bucketpolicy(self, properties: dict[str, Any]) -> Callable[[], object]:
        s3, bucket = self.client("s3"), properties["Bucket"]
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(properties["PolicyDocument"]))
        return lambda: s3.delete_bucket_policy(Bucket=bucket)

    def _make_sns_topicpolicy(self, properties: dict[str, Any]) -> Callable[[], object]:
        text, sns = json.dumps(properties["PolicyDocument"]), self.client("sns")
        for topic in properties["Topics"]:
            sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=text)
        return lambda: None  # it goes with its topic

    def _make_lambda_alias(self, properties: dict[str, Any]) -> Callable[[], object]:
        function, name = self.client("lambda"), properties["FunctionName"]
        version = function.publish_version(FunctionName=name)["Version"]
        made = function.create_alias(FunctionName=name, Name=properties["Name"], FunctionVersion=version)
        self.ids["Live"] = made["AliasArn"]
        return lambda: function.delete_alias(FunctionName=name, Name=properties["Name"])

    def _make_lambda_permission(self, properties: dict[str, Any]) -> Callable[[], object]:
        name = properties["FunctionName"].removesuffix(":live")
        service = properties["Principal"].split(".")[0]
        more = {"Qualifier": "live"} if properties["FunctionName"].endswith(":live") else {}
        given = {**properties, "FunctionName": name, "StatementId": service, **more}
        self.client("lambda").add_permission(**given)
        return lambda: None  # it goes with its function

    def _make_cloudwatch_alarm(self, properties: dict[str, Any]) -> Callable[[], object]:
        watch = self.client("cloudwatch")
        watch.put_metric_alarm(**properties)
        return lambda: watch.delete_alarms(AlarmNames=[properties["AlarmName"]])

    def _make_budgets_budget(self, properties: dict[str, Any]) -> Callable[[], object]:
        budgets, budget = self.client("budgets"), properties["Budget"]
        limit = {key: str(value) for key, value in budget["BudgetLimit"].items()}
        budgets.create_budget(AccountId=ACCOUNT, **properties | {"Budget": budget | {"BudgetLimit": limit}})
        return lambda: budgets.delete_budget(AccountId=ACCOUNT, BudgetName=budget["BudgetName"])

    def resolve(self, node: Any) -> Any:
        """A value of the template as CloudFormation would hand it to the service."""
        if isinstance(node, list):
            values = [self.resolve(entry) for entry in node]
            return [value for value in values if value is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, value),) = node.items()
            if name == "Ref":
                return self._ref(value)
            if name == "Fn::GetAtt":
                return self.ids.get(value[0], f"{value[0]}.{value[1]}")
            if name == "Fn::ImportValue":
                return self._exports[value]
            if name == "Fn::If":
                return self.resolve(value[1 if self._holds(value[0]) else 2])
            if name == "Fn::Sub":
                return self._sub(value)
        values = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not None}

    def _wanted(self, entry: dict[str, Any]) -> bool:
        return "Condition" not in entry or self._holds(entry["Condition"])

    def _holds(self, condition: str) -> bool:
        text = json.dumps(self.template["Conditions"][condition])
        (name,) = re.findall(r'\{"Ref": "(\w+)"\}', text)
        return bool(self.parameters[name]) != ('"Fn::Not"' not in text)

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return None
        own = {
            "AWS::Region": REGION,
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }
        value = own.get(name) or self.parameters.get(name) or self.ids.get(name) or name
        kind = self.template["Parameters"].get(name, {}).get("Type", "")
        return value.split(",") if kind == "CommaDelimitedList" else float(value) if kind == "Number" else value

    def _sub(self, value: Any) -> str:
        text, more = (value, {}) if isinstance(value, str) else value

        def put(match: re.Match[str]) -> str:
            name = match.group(1)
            if name in more:
                return str(self.resolve(more[name]))
            return str(self._ref(name)) if "." not in name else str(self.resolve({"Fn::GetAtt": name.split(".", 1)}))

        return re.sub(r"\$\{([\w.:]+)\}", put, text)

    def _read_exports(self) -> dict[str, str]:
        return {entry["Name"]: entry["Value"] for entry in self.client("cloudformation").list_exports()["Exports"]}

    def _decided(self, node: Any) -> Any:
        """Every Fn::If decided here: moto leaves a null where one of a list ends in AWS::NoValue."""
        if isinstance(node, list):
            values = [self._decided(entry) for entry in node]
            return [value for value in values if value != {"Ref": "AWS::NoValue"}]
        if not isinstance(node, dict):
            return node
        if node.keys() == {"Fn::If"}:
            condition, yes, no = node["Fn::If"]
            return self._decided(yes if self._holds(condition) else no)
        values = {key: self._decided(value) for key, value in node.items()}
        return {key: value for key, value in values.items() if value != {"Ref": "AWS::NoValue"}}

    def _without_the_unknown(self) -> dict[str, Any]:
        template: dict[str, Any] = self._decided(self.template)
        unknown = BY_SERVICE | LEFT_OUT.keys()
        gone = {name for name, entry in template["Resources"].items() if entry["Type"] in unknown}
        template["Resources"] = {
            name: _stand_in({key: value for key, value in entry.items() if key != "DependsOn"}, gone)
            for name, entry in template["Resources"].items()
            if name not in gone
        }
        template["Outputs"] = {name: _stand_in(entry, gone) for name, entry in template["Outputs"].items()}
        return template


def _stand_in(node: Any, gone: set[str]) -> Any:
    """A reference to something left out becomes a text that looks like it."""
    if isinstance(node, list):
        return [_stand_in(entry, gone) for entry in node]
    if isinstance(node, dict):
        if len(node) == 1:
            ((name, value),) = node.items()
            target = value[0] if name == "Fn::GetAtt" else value if name == "Ref" else ""
            if target in gone:
                return STAND_INS.get(target, f"{target}-elsewhere")
        return {key: _stand_in(value, gone) for key, value in node.items()}
    if isinstance(node, str):
        names = "|".join(sorted(gone, key=len, reverse=True))
        return re.sub(rf"\$\{{({names})(\.[\w.]+)?\}}", r"\1-elsewhere", node) if names else node
    return node


def whole(node: Any) -> Any:
    """Whole numbers where boto3 wants them."""
    if isinstance(node, dict):
        return {key: whole(value) for key, value in node.items()}
    if isinstance(node, list):
        return [whole(value) for value in node]
    return int(node) if isinstance(node, float) and node.is_integer() else node
