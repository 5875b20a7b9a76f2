"""Both templates on moto: what they make, and that it is shut where it must be."""

import json
import re

import pytest

from inference.api import ROUTES
from inference.log import NAMESPACE, line
from inference.messages import read_event
from inference.settings import Settings, read_settings
from tests.deployments.aws.moto_stack import BY_SERVICE, LEFT_OUT, Stack
from tests.deployments.aws.template import FILES, FOLDER, read, resources


def test_both_stacks_are_made(shared: Stack, stage: Stack) -> None:
    assert (shared.status, stage.status) == ("CREATE_COMPLETE", "CREATE_COMPLETE")


def test_whatever_is_not_deployed_here_is_named_with_a_reason() -> None:
    used = {entry["Type"] for name in FILES for entry in read(name)["Resources"].values()}
    assert used >= BY_SERVICE | LEFT_OUT.keys()
    assert not BY_SERVICE & LEFT_OUT.keys()


def test_templates_fit_into_a_request() -> None:

    assert all((FOLDER / name).stat().st_size < 51_200 for name in FILES)  # beyond, CloudFormation wants a bucket


@pytest.mark.parametrize(("of", "name"), [("shared", "Lake"), ("stage", "Page")])
def test_buckets_keep_versions_encrypt_and_let_nobody_in(of: str, name: str, request: pytest.FixtureRequest) -> None:
    stack: Stack = request.getfixturevalue(of)
    s3, bucket = stack.client("s3"), stack.ids[name]
    properties = stack.of("AWS::S3::Bucket")[name]  # moto's CloudFormation takes the encryption alone from it
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=properties["VersioningConfiguration"])
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    blocked = properties["PublicAccessBlockConfiguration"]
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocked)
    assert len(blocked) == 4 and all(blocked.values())
    rules = properties["LifecycleConfiguration"]["Rules"]
    assert any("NoncurrentVersionExpiration" in each for each in rules)
    (policy,) = [each for each in stack.of("AWS::S3::BucketPolicy").values() if each["Bucket"] == bucket]
    denied = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in [each["Condition"] for each in denied]


def test_a_lake_with_a_key_of_its_own_is_encrypted_with_it(cloud: str) -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/0f0f0f0f-0000-0000-0000-000000000000"
    template = read("shared.yaml")
    template["Resources"] = {"Lake": template["Resources"]["Lake"]}
    template["Outputs"] = {}
    stack = Stack(cloud, "keyed", template, {"Repository": "acme/pricewright", "LakeKeyArn": key})
    found = stack.client("s3").get_bucket_encryption(Bucket=stack.ids["Lake"])
    (rule,) = found["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}


def test_images_are_scanned_and_their_tags_never_move(shared: Stack) -> None:
    found = shared.client("ecr").describe_repositories()["repositories"]
    assert {each["repositoryName"] for each in found} == {"pricewright/api", "pricewright/flows"}
    for properties in resources("AWS::ECR::Repository").values():
        assert properties["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert properties["ImageTagMutability"] == "IMMUTABLE"
        (rule,) = json.loads(properties["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
        assert rule["selection"]["tagPrefixList"] == ["commit-"]


def test_approvals_are_signed_with_the_shared_key(shared: Stack) -> None:
    from blocks.approval_key import KmsSeal

    kms, properties = shared.client("kms"), shared.of("AWS::KMS::Key")["ApprovalKey"]
    spec = {name: properties[name] for name in ("KeySpec", "KeyUsage")}  # moto's CloudFormation ignores them
    seal = KmsSeal(kms, kms.create_key(**spec)["KeyMetadata"]["Arn"])
    code = seal.sign(b"serve it")
    assert seal.verify(b"serve it", code) and not seal.verify(b"serve another", code)


def test_the_function_is_the_image_in_the_network_with_the_settings_it_reads(shared: Stack, stage: Stack) -> None:
    made = stage.client("lambda").get_function(FunctionName=stage.outputs["FunctionName"])
    assert made["Code"]["ImageUri"].endswith("@sha256:" + "a" * 64)
    configuration = made["Configuration"]
    assert set(configuration["VpcConfig"]["SubnetIds"]) == {stage.ids["SubnetA"], stage.ids["SubnetB"]}
    variables = configuration["Environment"]["Variables"]
    known = {f"PRICEWRIGHT_{name.upper()}" for name in vars(Settings())}
    assert set(variables) <= known
    settings = read_settings(variables)
    assert (settings.store, settings.channel) == (f"s3://{shared.outputs['Lake']}", "staging")
    assert settings.redis_url.startswith("rediss://")


def test_the_network_leads_to_the_lake_and_nowhere_else(stage: Stack) -> None:
    ec2 = stage.client("ec2")
    mine = [{"Name": "vpc-id", "Values": [stage.ids["Vpc"]]}]
    assert (
        ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [stage.ids["Vpc"]]}])[
            "InternetGateways"
        ]
        == []
    )
    assert ec2.describe_nat_gateways(Filters=mine)["NatGateways"] == []
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=mine)["VpcEndpoints"]
    assert (endpoint["VpcEndpointType"], endpoint["ServiceName"]) == ("Gateway", "com.amazonaws.eu-west-1.s3")
    assert endpoint["RouteTableIds"] == [stage.ids["Routes"]]
    groups = {each["GroupId"]: each for each in ec2.describe_security_groups(Filters=mine)["SecurityGroups"]}
    assert groups[stage.ids["FunctionSecurity"]]["IpPermissions"] == []
    (way_in,) = groups[stage.ids["CacheSecurity"]]["IpPermissions"]
    assert [each["GroupId"] for each in way_in["UserIdGroupPairs"]] == [stage.ids["FunctionSecurity"]]
    assert (way_in["FromPort"], way_in["IpRanges"]) == (6379, [])


def test_the_warm_up_is_an_event_that_the_function_knows(stage: Stack) -> None:
    events = stage.client("events")
    assert events.describe_rule(Name=stage.ids["WarmUp"])["ScheduleExpression"] == "rate(5 minutes)"
    (target,) = events.list_targets_by_rule(Rule=stage.ids["WarmUp"])["Targets"]
    assert target["Arn"] == stage.outputs["LiveArn"]
    assert read_event(json.loads(target["Input"])).path == "/v1/warmup"


def test_the_api_asks_for_a_key_throttles_and_answers_listed_pages_alone(stage: Stack) -> None:
    api = stage.client("apigatewayv2")
    made = api.get_api(ApiId=stage.ids["Api"])
    assert made["CorsConfiguration"]["AllowOrigins"] == ["https://shop.example", "https://desk.example"]
    routes = api.get_routes(ApiId=stage.ids["Api"])["Items"]
    assert {route["RouteKey"] for route in routes} == {"GET /v1/{proxy+}", "POST /v1/{proxy+}"}
    assert {route.method for route in ROUTES} == {"GET", "POST"} and all(r.template.startswith("/v1/") for r in ROUTES)
    for route in routes:
        assert (route["AuthorizationType"], route["AuthorizerId"]) == ("CUSTOM", stage.ids["ApiAuthoriser"])
    (integration,) = api.get_integrations(ApiId=stage.ids["Api"])["Items"]
    assert integration["IntegrationUri"].endswith(":pricewright-staging:live")
    assert integration["PayloadFormatVersion"] == "2.0"
    (deployed,) = api.get_stages(ApiId=stage.ids["Api"])["Items"]
    assert deployed["DefaultRouteSettings"]["ThrottlingRateLimit"] == 50
    assert deployed["RouteSettings"]["POST /v1/{proxy+}"]["ThrottlingRateLimit"] == 5
    assert json.loads(deployed["AccessLogSettings"]["Format"])["caller"] == "$context.authorizer.caller"


def test_alarms_look_at_metrics_that_exist_and_tell_somebody(stage: Stack) -> None:
    watch = stage.client("cloudwatch")
    alarms = watch.describe_alarms()["MetricAlarms"]
    assert len(alarms) == len(resources("AWS::CloudWatch::Alarm")) >= 7
    assert all(alarm["AlarmActions"] == [stage.outputs["AlarmsArn"]] for alarm in alarms)
    ours = [alarm for alarm in alarms if alarm["Namespace"] == NAMESPACE]
    routes = {route.template for route in ROUTES}
    written = json.loads(line("/v1/warmup", 200, 1.0, {"DataAgeDays": 3}, "", 0, channel="staging"))["_aws"]
    (about,) = written["CloudWatchMetrics"]
    for alarm in ours:
        dimensions = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        assert [sorted(dimensions)] == about["Dimensions"] and dimensions["Channel"] == "staging"
        assert dimensions["Route"] in routes
        assert alarm["MetricName"] in {metric["Name"] for metric in about["Metrics"]}
    assert {alarm["MetricName"] for alarm in ours} == {"Failures", "FellBack", "ReleaseTrouble", "DataAgeDays"}
    (age,) = [alarm for alarm in ours if alarm["MetricName"] == "DataAgeDays"]
    assert age["TreatMissingData"] == "breaching"  # no warm-up came through: nobody knows how old the data is


def test_the_budget_counts_this_stage_alone_and_tells_the_same_people(stage: Stack) -> None:
    budgets = stage.client("budgets")
    (made,) = budgets.describe_budgets(AccountId="123456789012")["Budgets"]
    assert made["CostFilters"] == {"TagKeyValue": ["user:pricewright-stage$staging"]}
    (topic,) = stage.of("AWS::SNS::TopicPolicy").values()
    (statement,) = topic["PolicyDocument"]["Statement"]
    assert {"cloudwatch.amazonaws.com", "budgets.amazonaws.com"} == set(statement["Principal"]["Service"])
    kept = stage.client("sns").get_topic_attributes(TopicArn=stage.outputs["AlarmsArn"])["Attributes"]["Policy"]
    assert json.loads(kept) == topic["PolicyDocument"]


def test_every_log_ends_after_a_while() -> None:
    groups = resources("AWS::Logs::LogGroup")
    assert len(groups) >= 4 and all(0 < group["RetentionInDays"] <= 90 for group in groups.values())


def test_the_cache_is_serverless_and_the_build_may_run_docker() -> None:
    (cache,) = resources("AWS::ElastiCache::ServerlessCache").values()
    assert cache["Engine"] == "valkey" and cache["CacheUsageLimits"]["DataStorage"]["Unit"] == "GB"
    (build,) = resources("AWS::CodeBuild::Project").values()
    assert (
        build["Environment"]["PrivilegedMode"] is True and build["Source"]["BuildSpec"] == "deployments/buildspec.yml"
    )


def test_the_playground_and_its_prices_have_one_origin_and_ask_for_a_login() -> None:
    (distribution,) = resources("AWS::CloudFront::Distribution").values()
    configuration = distribution["DistributionConfig"]
    behaviours = [configuration["DefaultCacheBehavior"], *configuration["CacheBehaviors"]]
    assert [each.get("PathPattern") for each in behaviours] == [None, "/v1/*"]
    for behaviour in behaviours:
        (login,) = behaviour["FunctionAssociations"]
        assert login == {"EventType": "viewer-request", "FunctionARN": {"Fn::GetAtt": ["Login", "FunctionARN"]}}
        assert behaviour["ViewerProtocolPolicy"] in ("https-only", "redirect-to-https")
    (headers,) = resources("AWS::CloudFront::ResponseHeadersPolicy").values()
    policy = headers["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]["ContentSecurityPolicy"]
    from inference.dev_server import PAGES

    assert policy["ContentSecurityPolicy"].startswith(PAGES["content-security-policy"])


def test_the_flows_run_where_the_work_pool_says(shared: Stack) -> None:

    pool = (FOLDER.parent / "work_pools.yaml").read_text()
    assert f"family: {read('shared.yaml')['Resources']['FlowTask']['Properties']['Family']}\n" in pool
    for name in ("Cluster", "FlowVpc", "FlowExecutionRoleArn", "FlowTaskRoleArn"):
        description = read("shared.yaml")["Outputs"][name]["Description"]
        assert f"${description}" in pool and shared.outputs[name]
    subnets = shared.client("ec2").describe_subnets(
        Filters=[{"Name": "vpc-id", "Values": [shared.outputs["FlowVpc"]]}]
    )["Subnets"]
    assert {each["SubnetId"] for each in subnets} == set(shared.outputs["FlowSubnets"].split(","))


@pytest.mark.parametrize("name", ["staging", "production"])
def test_parameters_of_a_stage_are_those_of_the_template(name: str) -> None:
    lines = (FOLDER / f"{name}.parameters").read_text().splitlines()
    given = dict(text.split("=", 1) for text in lines)
    assert given.keys() <= read("template.yaml")["Parameters"].keys() and given["Stage"] == name


def test_the_playground_s_page_is_uploaded_where_its_links_point() -> None:
    guide = (FOLDER.parents[1] / "docs" / "aws.md").read_text()
    playground = FOLDER.parents[1] / "inference" / "playground"
    text = "".join(path.read_text() for path in playground.iterdir() if path.suffix in (".html", ".js"))
    links = set(re.findall(r'(?:src|href|from|src:)[ =]"(/[^"?]+\.m?\w+)"', text)) | {"/desk"}
    assert {"/vendored/tabulator.mjs", "/plotly.min.js", "/playground/desk.js"} <= links
    for link in links - {"/desk/accepted.csv", "/desk/accepted.xlsx"}:  # where decisions are taken
        folder, _, name = link[1:].partition("/")
        synced = f"inference/{folder} s3://$PAGE/{folder}" in guide and (playground.parent / folder / name).exists()
        assert synced or re.search(rf"s3://\$PAGE{re.escape(link)}\s", guide), link
