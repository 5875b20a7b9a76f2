"""How an image is built, scanned and signed: the real script, with stand-ins for the programs of the cloud."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DIGEST = "sha256:" + "d" * 64
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/pricewright/api"
AWS = """
case "$*" in
  *describe-images*)
    [ -e "$STATE/pushed-$image" ] || { echo "An error occurred (ImageNotFoundException)" >&2; exit 254; }
    echo "$DIGEST" ;;
  *describe-image-scan-findings*) printf '%b' "${FINDINGS:-}" ;;
  *get-login-password*) echo "password" ;;
  "s3 cp"*) echo "fatal error: An error occurred (404) when calling the HeadObject operation" >&2; exit 1 ;;
esac
"""
COSIGN = """
case "$1" in
  verify) [ -e "$STATE/signed-$image" ] ;;
  verify-attestation) [ -e "$STATE/attested-$image" ] ;;
  sign) touch "$STATE/signed-$image" ;;
  attest) touch "$STATE/attested-$image" ;;
esac
"""
S3_OF_AWS = """
import pathlib, sys
import boto3
words = [word for word in sys.argv[2:] if not word.startswith("--")]
bucket, _, key = words[1].removeprefix("s3://").partition("/")
s3 = boto3.client("s3")
listed = s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
if words[0] == "cp":
    if not listed:
        sys.exit("fatal error: An error occurred (404) when calling the HeadObject operation: Key does not exist")
    s3.download_file(bucket, key, words[2])
for each in listed if words[0] == "sync" else []:
    s3.download_file(bucket, each["Key"], str(pathlib.Path(words[2]) / each["Key"].removeprefix(key)))
"""
DOCKER = """
case "$*" in
  *imagetools*) printf '%s\\n' "${UNDER-sha256:$(printf 'b%.0s' {1..64})}" ;;
  push*) touch "$STATE/pushed-$image" ;;
esac
"""
# One after the other in one shell, until one fails, as CodeBuild does: a value's failure is nobody's but its own.
CODEBUILD = """
while IFS= read -r -d "" command; do eval "$command" || exit; done < <(cat "$STATE/commands")
for name in $EXPORTED; do echo "$name=$(printenv "$name")"; done
"""
PROGRAMS = {"aws": AWS, "cosign": COSIGN, "docker": DOCKER, "syft": "", "snyk": ""}


class Bench:
    """A folder of programs that write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        for name, body in PROGRAMS.items():
            program = folder / "bin" / name
            fails = f'[[ -z "${{FAIL:-}}" || "{name} $*" != $FAIL ]] || {{ echo "{name} $* fails" >&2; exit 1; }}'
            about = '[[ "$*" =~ pricewright/([a-z]+) ]]; image=${BASH_REMATCH[1]:-}'
            program.write_text(f'#!/bin/bash\necho "{name} $*" >>"$STATE/calls"\n{fails}\n{about}\n{body}')
            program.chmod(0o755)

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "STATE": str(self.folder)}
        environment |= {"DIGEST": DIGEST, "COMMIT": "c0ffee", "SIGNING_KEY": "awskms:///alias/images", **more}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def build(self, **more: str) -> subprocess.CompletedProcess[str]:
        return self.run(".ci/image", "Dockerfile", REPOSITORY, "--build-arg", "RELEASE=work/release", **more)

    def buildspec(self, *phases: str, **more: str) -> subprocess.CompletedProcess[str]:
        """The commands of the buildspec, until one fails; what it exports is printed at the end, empty or not."""
        spec = yaml.safe_load((ROOT / "deployments" / "buildspec.yml").read_text())
        commands = [each for phase in phases for each in spec["phases"][phase]["commands"]]
        (self.folder / "commands").write_text("".join(f"{command}\0" for command in commands))
        given = {"EXPORTED": " ".join(spec["env"]["exported-variables"]), "API_IMAGES": REPOSITORY}
        given |= {"FLOW_IMAGES": REPOSITORY.replace("api", "flows"), "CODEBUILD_RESOLVED_SOURCE_VERSION": "c0ffee"}
        return self.run("bash", "-c", CODEBUILD, **given, LAKE="s3://lake", BAKED_CHANNEL="production", **more)

    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return [" ".join(line.split()[:2]) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_clean_image_is_built_scanned_pushed_and_signed_by_digest_with_its_sbom(bench: Bench) -> None:
    done = bench.build(SNYK_TOKEN="secret")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{REPOSITORY}@{DIGEST}\n"
    order = [
        "docker buildx",
        "docker buildx",
        "snyk container",
        "docker push",
        "syft scan",
        "cosign attest",
        "cosign sign",
    ]
    assert [call for call in bench.calls() if call in order] == order
    text = (bench.folder / "calls").read_text()
    (signed,) = [line for line in text.splitlines() if line.startswith("cosign sign --")]
    assert signed.endswith(f"{REPOSITORY}@{DIGEST}")
    assert "--provenance=false" in text and "RELEASE=work/release" in text


@pytest.mark.parametrize("dockerfile", ["Dockerfile", "deployments/platform.Dockerfile"])
def test_an_image_is_built_on_the_digest_of_its_base_and_says_so(bench: Bench, dockerfile: str) -> None:
    done = bench.run(".ci/image", dockerfile, REPOSITORY)
    assert done.returncode == 0, done.stderr
    (built,) = [line for line in (bench.folder / "calls").read_text().splitlines() if "buildx build" in line]
    (base,) = re.findall(r"^ARG BASE=(\S+)$", (ROOT / dockerfile).read_text(), re.M)
    under = "sha256:" + "b" * 64
    assert f"--build-arg BASE={base}@{under} " in built
    assert f"image.base.name={base} " in built and f"image.base.digest={under} " in built


@pytest.mark.parametrize("answer", ["", "not found"])
def test_a_base_whose_digest_nobody_knows_is_not_built_on(bench: Bench, answer: str) -> None:
    done = bench.build(UNDER=answer)
    assert done.returncode == 1 and "has no digest" in done.stderr and "docker push" not in bench.calls()


@pytest.mark.parametrize(
    "lines",
    ["FROM python:3.13", "ARG BASE=a:1\nFROM ${BASE}\nFROM b:2 AS other", "ARG BASE=a:1\nfrom b:2",
     "ARG BASE=a:1\nFROM ${BASE}\nCOPY --from=c:3 /x /x", "ARG BASE=a:1\nFROM --platform=linux/arm64 ${BASE}",
     "ARG BASE=a:1\nFROM ${BASE}\nRUN --mount=type=bind,from=c:3,target=/x true", "FROM ${BASE}"],
)  # fmt: skip
def test_an_image_with_a_base_that_no_digest_pins_is_not_built(bench: Bench, tmp_path: Path, lines: str) -> None:
    (tmp_path / "Dockerfile").write_text(f"{lines}\n")
    done = bench.run(".ci/image", str(tmp_path / "Dockerfile"), REPOSITORY)
    assert done.returncode == 1 and "pinned by no digest" in done.stderr, done.stderr
    assert [call for call in bench.calls() if call.startswith("docker")] == []


def test_without_snyks_token_it_says_so_and_goes_on(bench: Bench) -> None:
    done = bench.build()
    assert done.returncode == 0 and "Snyk does not scan this image" in done.stderr
    assert "snyk container" not in bench.calls()


def test_an_image_with_a_finding_stays_unsigned(bench: Bench) -> None:
    done = bench.build(FINDINGS="CVE-2026-0001\tCVE-2026-0002\n")
    assert done.returncode == 1 and "CVE-2026-0001 CVE-2026-0002" in done.stderr and done.stdout == ""
    assert "cosign sign" not in bench.calls()


def test_the_same_commit_again_builds_nothing_and_signs_once(bench: Bench) -> None:
    assert bench.build().returncode == 0
    again = bench.build()
    assert again.returncode == 0 and again.stdout == f"{REPOSITORY}@{DIGEST}\n"
    assert bench.calls().count("docker push") == bench.calls().count("cosign sign") == 1
    assert (bench.folder / "calls").read_text().count("buildx build") == 1


def test_another_error_of_the_registry_is_no_missing_image(bench: Bench) -> None:
    (bench.folder / "bin" / "aws").write_text('#!/bin/bash\necho "AccessDenied" >&2; exit 254\n')
    done = bench.build()
    assert done.returncode != 0 and "AccessDenied" in done.stderr and bench.calls() == []


@pytest.mark.parametrize("image", [f"{REPOSITORY}:commit-c0ffee", f"{REPOSITORY}@sha256:short"])
def test_an_image_by_tag_is_not_even_looked_at(bench: Bench, image: str) -> None:
    done = bench.run(".ci/verify", image)
    assert done.returncode == 2 and "no image by digest" in done.stderr and bench.calls() == []


def test_the_build_makes_both_images_and_exports_their_digests(bench: Bench) -> None:
    done = bench.buildspec("pre_build", "build")
    assert done.returncode == 0, done.stderr
    flows = REPOSITORY.replace("api", "flows")
    exported = dict(line.split("=") for line in done.stdout.splitlines()[-3:])
    assert exported == {"IMAGE": f"{REPOSITORY}@{DIGEST}", "FLOW_IMAGE": f"{flows}@{DIGEST}", "BAKED_RELEASE": ""}


@pytest.mark.parametrize(
    "fails",
    ["aws*get-login-password*", "docker login*", "aws s3 cp*", "docker*imagetools*", "docker buildx build*",
     "docker*platform.Dockerfile*", "snyk*", "docker push*", "docker push*flows*", "aws*wait*", "aws*scan-findings*",
     "syft*", "cosign attest*", "cosign sign --*", "cosign verify-attestation*"],
)  # fmt: skip
def test_the_build_fails_when_any_of_its_programs_fails(bench: Bench, fails: str) -> None:
    done = bench.buildspec("pre_build", "build", FAIL=fails, SNYK_TOKEN="secret")
    assert done.returncode != 0 and " fails" in done.stderr, done.stdout


def test_the_build_fails_when_an_image_has_a_finding_or_is_none(bench: Bench) -> None:
    assert bench.buildspec("pre_build", "build", FINDINGS="CVE-2026-0001\n").returncode != 0
    assert bench.buildspec("pre_build", "build", DIGEST="None").returncode != 0


def test_the_build_fails_when_what_it_needs_cannot_be_installed(bench: Bench) -> None:
    (bench.folder / "bin" / "curl").write_text("#!/bin/bash\nexit 22\n")
    (bench.folder / "bin" / "curl").chmod(0o755)
    assert bench.buildspec("install").returncode != 0


def test_an_unsigned_image_is_refused_and_so_is_one_without_an_sbom(bench: Bench) -> None:
    assert bench.run(".ci/verify", f"{REPOSITORY}@{DIGEST}").returncode != 0
    (bench.folder / "signed-api").touch()
    assert bench.run(".ci/verify", f"{REPOSITORY}@{DIGEST}").returncode != 0
    (bench.folder / "attested-api").touch()
    assert bench.run(".ci/verify", f"{REPOSITORY}@{DIGEST}").returncode == 0


def test_a_build_that_failed_fails_whoever_waits(bench: Bench) -> None:
    answer = (
        'case "$*" in *start-build*) echo b:1 ;; *buildStatus*) echo "$STATUS" ;; *) printf "IMAGE\\tx@y\\n" ;; esac'
    )
    (bench.folder / "bin" / "aws").write_text(f"#!/bin/bash\n{answer}\n")
    good = bench.run(".ci/build", "project", "c0ffee", "1-1", STATUS="SUCCEEDED")
    assert (good.returncode, good.stdout) == (0, "- IMAGE: `x@y`\n")
    bad = bench.run(".ci/build", "project", "c0ffee", "1-1", STATUS="FAILED")
    assert bad.returncode == 1 and "ended as FAILED" in bad.stderr and bad.stdout == ""
    slow = bench.run(".ci/build", "project", "c0ffee", "1-1", STATUS="IN_PROGRESS", PATIENCE="0", PAUSE="0")
    assert slow.returncode == 1 and "does not end" in slow.stderr


def test_the_release_that_is_served_is_baked_in(bench: Bench, s3_url: str, s3_endpoint: str, tmp_path: Path) -> None:
    import boto3

    bucket = s3_url.split("/")[2]
    s3 = boto3.client("s3", endpoint_url=s3_endpoint, region_name="eu-west-1")
    (bench.folder / "bin" / "aws").write_text(f"#!{sys.executable}\n{S3_OF_AWS}")
    keys = {"AWS_ENDPOINT_URL": s3_endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    keys |= {"AWS_DEFAULT_REGION": "eu-west-1"}
    command = (".ci/baked-release", f"s3://{bucket}", "production", str(tmp_path / "out" / "release"))
    first = bench.run(*command, **keys)
    assert (first.returncode, first.stdout) == (0, "") and "points to nothing yet" in first.stderr
    s3.put_object(Bucket=bucket, Key="channels/production.json", Body=b'{"release": "2025-W52-106f74a5"}')
    s3.put_object(Bucket=bucket, Key="releases/2025-W52-106f74a5/manifest.json", Body=b"{}")
    second = bench.run(*command, **keys)
    assert (second.returncode, second.stdout) == (0, "2025-W52-106f74a5\n"), second.stderr
    assert (tmp_path / "out" / "release" / "manifest.json").read_bytes() == b"{}"


def test_a_program_that_is_not_what_was_pinned_is_not_installed(tmp_path: Path) -> None:
    served = tmp_path / "sigstore" / "cosign" / "releases" / "download" / "v3.0.6"
    served.mkdir(parents=True)
    (served / "cosign-linux-amd64").write_text("another program")
    port = tmp_path / "port"
    code = (
        "import functools, http.server, pathlib, sys;"
        "h = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1]);"
        "s = http.server.HTTPServer(('127.0.0.1', 0), h);"
        "pathlib.Path(sys.argv[2]).write_text(str(s.server_port)); s.handle_request()"
    )
    server = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(port)], stderr=subprocess.DEVNULL)
    try:
        while not port.exists() or not port.read_text():
            assert server.poll() is None
        environment = os.environ | {"RELEASES": f"http://127.0.0.1:{port.read_text()}", "no_proxy": "127.0.0.1"}
        done = subprocess.run(
            [".ci/install", str(tmp_path / "bin"), "cosign"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        server.terminate()
        server.wait(10)
    assert done.returncode == 1 and "is not what was pinned" in done.stderr
    assert not (tmp_path / "bin" / "cosign").exists()
