"""What the workflows do is what the documents say they do, and nothing in them can be moved under our feet."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"
NAMES = ("test", "build", "deploy", "newest")
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def workflow(name: str) -> dict[str, Any]:
    content = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    content["on"] = content.pop(True)  # YAML 1.1 reads `on` as true
    return content


def steps(name: str) -> dict[str, str]:
    """What each named step runs; a step that was commented out is none."""
    jobs = [job for job in workflow(name)["jobs"].values() if "uses" not in job]
    return {step["name"]: step["run"] for job in jobs for step in job["steps"] if "name" in step and "run" in step}


def test_there_are_these_workflows_and_no_others() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_by_commit_with_its_version(name: str) -> None:
    lines = [line.strip(" -") for line in (FOLDER / f"{name}.yml").read_text().splitlines() if "uses: " in line]
    lines = [line for line in lines if not line.startswith("uses: ./.github/workflows/test.yml")]  # of the same commit
    assert lines and all(PINNED.match(line) for line in lines), lines


def test_an_action_has_the_same_commit_everywhere() -> None:
    text = "".join((FOLDER / f"{name}.yml").read_text() for name in NAMES)
    assert len(set(re.findall(r"uses: (\S+)@", text))) == len(set(re.findall(r"uses: (\S+@\S+)", text)))


@pytest.mark.parametrize("name", NAMES)
def test_every_job_ends_by_itself_may_little_and_keeps_no_credentials(name: str) -> None:
    content = workflow(name)
    assert content["permissions"] == {} and content["concurrency"]["group"]
    for job in (job for job in content["jobs"].values() if "uses" not in job):
        assert job["timeout-minutes"] <= 120 and "permissions" in job
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
            assert "${{" not in step.get("run", ""), "what GitHub fills in goes through env"


def shell_scripts() -> list[Path]:
    """Every program of the shell that is kept here."""
    files = [path for folder in (".ci", "deployments") for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in files if re.match(rb"#!/bin/(ba)?sh\n", path.read_bytes())]


def test_no_shell_goes_on_after_a_failure() -> None:
    scripts = shell_scripts()
    assert len(scripts) >= 8
    for path in scripts:
        first = "set -euo pipefail" if path.read_text().startswith("#!/bin/bash") else "set -eu"
        assert next(line for line in path.read_text().splitlines() if not line.startswith("#")) == first, path
    for name in NAMES:
        assert workflow(name)["defaults"]["run"]["shell"] == "bash", "GitHub's default has no pipefail"
    assert ".SHELLFLAGS := -e -o pipefail -c" in (ROOT / "Makefile").read_text()


def test_no_value_hides_the_failure_of_the_command_that_gives_it() -> None:
    others = ["deployments/buildspec.yml", "Makefile", "Dockerfile", "deployments/platform.Dockerfile"]
    others += [f".github/workflows/{name}.yml" for name in NAMES]
    hides = re.compile(r"^[^#\n]*\b(export|local|declare|readonly|typeset)\s+\"?[\w$]+=[^#\n]*\$\(", re.M)
    for path in [*shell_scripts(), *(ROOT / name for name in others)]:
        found = hides.search(path.read_text())
        assert not found, f"{path}: {found.group()}: assign, then export"


def test_ci_runs_what_a_developer_runs() -> None:
    assert steps("test")["make test"] == ".ci/run"
    assert (ROOT / ".ci" / "run").read_text().endswith("\nmake test\nexec make test-platform\n")


def test_every_scan_that_is_claimed_is_an_active_step() -> None:
    table = re.findall(r"^\| ([^|]+) \| `([^`]+)` \| `([^`]+)` \|", (ROOT / "SECURITY.md").read_text(), re.M)
    assert len(table) >= 9
    for scan, file, command in table:
        text = (ROOT / file).read_text()
        active = [line.strip() for line in text.splitlines() if not line.strip().startswith("#")]
        assert any(command in line for line in active), f"{scan}: {file} does not run {command}"
    claimed = {command for _, file, command in table if file.endswith("test.yml")}
    assert {run for name, run in steps("test").items() if name not in ("set up", "make test")} == claimed - {".ci/run"}


def test_the_main_branch_asks_for_the_jobs_that_exist() -> None:
    rules = json.loads((ROOT / ".github" / "rulesets" / "main.json").read_text())["rules"]
    (checks,) = [rule["parameters"] for rule in rules if rule["type"] == "required_status_checks"]
    asked = {check["context"] for check in checks["required_status_checks"]}
    assert asked == {job["name"] for job in workflow("test")["jobs"].values()}
    (reviews,) = [rule["parameters"] for rule in rules if rule["type"] == "pull_request"]
    assert reviews["required_approving_review_count"] >= 1 and reviews["require_code_owner_review"]


def test_whatever_has_an_owner_exists() -> None:
    owned = re.findall(r"^/(\S+)", (ROOT / ".github" / "CODEOWNERS").read_text(), re.M)
    assert owned and all((ROOT / path).exists() for path in owned)


def test_production_waits_for_reviewers_and_the_set_up_says_how() -> None:
    content = workflow("deploy")
    assert set(content["on"]) == {"workflow_dispatch"}
    (job,) = content["jobs"].values()
    assert job["environment"] == "${{ inputs.stage }}" and job["if"] == "github.ref == 'refs/heads/main'"
    assert content["on"]["workflow_dispatch"]["inputs"]["stage"]["options"] == ["staging", "production"]
    guide = (ROOT / "docs" / "aws.md").read_text()
    assert "environments/production" in guide and "reviewers[]" in guide and "prevent_self_review=true" in guide


def test_the_set_up_lets_main_alone_deploy_and_administrators_wait_too() -> None:
    guide = (ROOT / "docs" / "aws.md").read_text()
    made = re.findall(
        r"--method PUT repos/\$REPOSITORY/environments/\S+ (?:.|\n)*?custom_branch_policies\]=(\w+)'", guide
    )
    assert made == ["true", "true"] and guide.count("can_admins_bypass=false") == 2
    assert "protected_branches]=true" not in guide, "it lets every branch pass where none is protected the older way"
    assert "environments/$stage/deployment-branch-policies -f name=main" in guide
    asked = re.findall(r"include_claim_keys\[\]=(\w+)", guide)
    assert asked == ["repo", "context", "ref"], "what the roles of the templates ask for"


def test_every_update_of_a_stage_keeps_the_tag_that_its_budget_counts_by() -> None:
    guide = (ROOT / "docs" / "aws.md").read_text().replace("\\\n", " ")
    updates = [line for line in guide.splitlines() if "deploy --stack-name pricewright-$STAGE" in line]
    assert len(updates) == 2 and all("--tags pricewright-stage=$STAGE" in line for line in updates)


def test_the_guide_sets_every_variable_that_the_pool_of_ecs_needs() -> None:
    guide = (ROOT / "docs" / "aws.md").read_text()
    pool = yaml.safe_load((ROOT / "deployments" / "work_pools.yaml").read_text())["pricewright-ecs"]
    needed = set(re.findall(r"\$(PRICEWRIGHT_\w+)", json.dumps(pool)))
    set_there = set(re.findall(r"(?:export | )(P\w+)=", guide))
    assert needed | {"PREFECT_API_URL", "PRICEWRIGHT_WORK_POOL", "PRICEWRIGHT_ROOT"} <= set_there
    assert "pricewright deploy-flows" in guide and "worker start --pool pricewright-ecs" in guide
    assert guide.index("create-service-linked-role --aws-service-name ecs") < guide.index("deploy --stack-name")


@pytest.mark.parametrize("name", ["build", "deploy"])
def test_the_credentials_of_a_job_last_as_long_as_it_does(name: str) -> None:
    (job,) = [job for job in workflow(name)["jobs"].values() if "steps" in job]
    (given,) = [
        step["with"]["role-duration-seconds"]
        for step in job["steps"]
        if "role-duration-seconds" in step.get("with", {})
    ]
    assert given >= 60 * job["timeout-minutes"]
    wait = int(re.findall(r"PATIENCE:-(\d+)", (ROOT / ".ci" / "build").read_text())[0])
    assert name != "build" or wait < given


def test_what_is_built_was_tested() -> None:
    jobs = workflow("build")["jobs"]
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml" and jobs["build"]["needs"] == "test"
    assert "workflow_call" in workflow("test")["on"]


def test_an_image_is_deployed_only_after_its_signature_was_checked() -> None:
    (job,) = workflow("deploy")["jobs"].values()
    runs = [step.get("run", "") for step in job["steps"]]
    (checked,) = [i for i, run in enumerate(runs) if ".ci/verify" in run]
    (deployed,) = [i for i, run in enumerate(runs) if "pricewright deploy" in run]
    assert checked < deployed


def test_the_build_exports_what_it_made() -> None:
    build = yaml.safe_load((ROOT / "deployments" / "buildspec.yml").read_text())
    text = (ROOT / "deployments" / "buildspec.yml").read_text()
    assert build["version"] == 0.2
    exported = [command.split()[1:] for each in build["phases"].values() for command in each["commands"]
                if command.startswith("export ")]  # fmt: skip
    assert set(build["env"]["exported-variables"]) <= {name for names in exported for name in names}
    assert all(phase["on-failure"] == "ABORT" for phase in build["phases"].values())
    project = (ROOT / "deployments" / "aws" / "shared.yaml").read_text()
    for name in ("API_IMAGES", "FLOW_IMAGES", "SIGNING_KEY", "LAKE", "BAKED_CHANNEL"):
        assert f"Name: {name}," in project and name in text + (ROOT / ".ci" / "image").read_text()


def test_the_workflow_calls_the_command_with_options_that_it_has() -> None:
    from typer.main import get_command

    from cli.main import app

    known = {option for each in get_command(app).commands["deploy"].params for option in each.opts}
    asked = set(re.findall(r"--[a-z-]+", steps("deploy")["deploy"]))
    assert asked and asked <= known
