"""The pages: all links lead somewhere, all pages are in the site, and the files that they name exist."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cli.run import parameters_page
from pricewright.parameters import list_parameters
from tasks.stages import STAGES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]+)")
ROOMS = "pricewright|tasks|flows|blocks|inference|deployments|cli|testing|bench|drill|tests"
CODE = re.compile(rf"`((?:{ROOMS})/[\w/]+\.(?:py|json|yaml))`")


def test_the_site_is_built_without_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    built = {page.stem for page in tmp_path.glob("*.html")}
    assert {page.stem for page in (ROOT / "docs").glob("*.md")} <= built


def test_the_site_lists_every_page() -> None:
    listed = [entry if isinstance(entry, str) else next(iter(entry.values())) for entry in SITE["nav"]]
    assert sorted(listed) == sorted(page.name for page in (ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_and_names_is_there(page: Path) -> None:
    text = page.read_text()
    missing = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert missing == []
    assert [name for name in CODE.findall(text) if not (ROOT / name).exists()] == []


def test_the_architecture_names_only_files_that_there_are() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`([a-z_/]+\.(?:py|yaml|json))`", text))
    rooms = ("", "pricewright", "pricewright/ingest", "pricewright/network", "pricewright/core", "inference")
    assert {name for name in named if not any((ROOT / room / name).exists() for room in rooms)} == set()


def test_the_architecture_shows_the_stages_in_their_order() -> None:
    assert " ─► ".join(STAGES) in (ROOT / "docs" / "architecture.md").read_text()


def test_the_page_of_parameters_is_that_of_params_yaml_and_its_schema() -> None:
    entries = list_parameters(yaml.safe_load((ROOT / "params.yaml").read_text()))
    page = (ROOT / "docs" / "parameters.md").read_text()
    assert page == parameters_page(entries), "pricewright parameters --markdown > docs/parameters.md"


EXTENDING = (ROOT / "docs" / "extending.md").read_text()


def test_a_model_and_a_gate_are_added_in_three_edited_places_at_most() -> None:
    _, *sections = EXTENDING.split("\n## ")
    edited = {
        section.splitlines()[0]: re.findall(r"^\d\. `?\[?([\w/.]+)", section, re.MULTILINE) for section in sections
    }
    assert list(edited) == ["A backup model", "A gate", "A feature", "A stage"]
    assert all(edited.values()) and len(edited["A backup model"]) <= 3 and len(edited["A gate"]) <= 3
    files = {name for named in edited.values() for name in named if name != "Architecture"}
    assert [name for name in files if not (ROOT / name).is_file()] == []


def test_what_the_extending_page_calls_by_its_whole_name_can_be_imported() -> None:
    names = set(re.findall(r"`((?:pricewright|tasks)(?:\.\w+)+)`", EXTENDING))
    modules = {name: importlib.import_module(name.rpartition(".")[0]) for name in names}
    assert len(names) >= 7
    assert [name for name, module in modules.items() if not hasattr(module, name.rpartition(".")[2])] == []
