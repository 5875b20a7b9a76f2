"""The console command: help that a newcomer understands, errors with a hint, exit codes that say whose turn it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.odd_codes import ODD
from tests.synthetic_shop import Shop

COMMANDS = (
    "register-blocks",
    "run",
    "look",
    "accepted",
    "decisions",
    "price",
    "what-if",
    "serve",
    "releases",
    "promote",
    "roll-back",
    "doctor",
    "stage",
    "configure",
)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "lake")
    made.point(made.write())
    return made


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop(tmp_path_factory.mktemp("odd"))
    made.point(made.write(codes=ODD))
    return made


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_is_for(command: str) -> None:
    assert command in run("--help")
    assert len(run(command, "--help")) > 200


def test_a_slip_in_a_parameter_is_found_before_prefect_is_loaded_and_changes_nothing(tmp_path: Path) -> None:
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "run.yaml").write_text("as it was")
    code = (
        "import os, sys; from cli import run\n"
        "from pricewright.core.errors import ParameterError\n"
        "try: run.refresh('', '', {'price': {'minimum_probability': 1.7}}, {}, {})\n"
        "except ParameterError as error: print(error.message)\n"
        "print([name for name in ('prefect', 'great_expectations', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True)  # fmt: skip
    assert done.stdout.splitlines()[-2:] == [
        "price.minimum_probability is 1.7: it must be less than or equal to 1.", "[]",
    ], done.stdout + done.stderr  # fmt: skip
    assert (tmp_path / "run.yaml").read_text() == "as it was"


def test_parameters_are_listed_with_what_they_may_be() -> None:
    listed = run("parameters", "price")
    assert "price.minimum_probability = 0.75" in listed and "number from 0 to 1." in listed and "market" not in listed


def test_a_command_that_is_in_a_hurry_waits_for_no_library_that_it_does_not_need() -> None:
    code = (
        "import sys, cli.main\n"
        "heavy = {'polars', 'pandas', 'torch', 'prefect', 'boto3', 'dvc', 'supervisor', 'rich.markdown', 'obstore'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['obstore']", "the lake's own client"


def test_price_answers_with_the_best_price_and_the_curve(shop: Shop) -> None:
    answer = run("price", "20000A", "--store", str(shop.folder), "--bins", "20")
    assert "optimal price" in answer
    assert "answered by     network of release 2011-W48-" in answer
    assert "90 % interval" in answer


def test_price_names_the_family_and_what_the_plan_promises(shop: Shop) -> None:
    answers = [run("price", sku, "--store", str(shop.folder), "--bins", "3") for sku in ("20021", "20028", "20042")]
    assert all("competes in     MUGS" in answer for answer in answers)
    assert any("sales with the whole plan" in answer for answer in answers)


def test_a_sku_that_is_not_known_is_one_line_with_the_nearest(shop: Shop) -> None:
    command = "from cli.main import main; main()"
    arguments = ["price", "20007B", "--store", str(shop.folder)]
    done = subprocess.run(
        [sys.executable, "-c", command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: SKU '20007B' is in no price list")
    assert "did you mean 20007" in done.stderr


def test_profit_stands_beside_sales_where_costs_are_known(shop: Shop) -> None:
    shown = run("what-if", "--store", str(shop.folder), "--change", "-10%")
    assert "profit of all" in shown and "products whose unit cost is known" in shown
    assert "weekly profit" in run("price", "20007", "--store", str(shop.folder))
    assert "weekly profit" not in run("price", "20028", "--store", str(shop.folder)), "its cost is not known"


def test_what_if_shows_units_and_sales_now_and_then(shop: Shop) -> None:
    shown = run("what-if", "--store", str(shop.folder), "--category", "MUGS", "--change", "-10%")
    assert shown.startswith("4 products, 4 at another price")
    for words in ("units of all", "sales of all", "90 % interval", "release 2011-W48-"):
        assert words in shown


@pytest.mark.parametrize("change", [["--change", "-10%"], ["--change=-10%"]])
def test_what_if_as_json_is_what_the_price_api_says(shop: Shop, change: list[str]) -> None:
    named = ["--sku", "20021", "--sku", "20028"]
    found = json.loads(run("what-if", "--store", str(shop.folder), *named, *change, "--json"))
    body = json.dumps({"stock_codes": ["20021", "20028"], "change": "-10%"})
    assert found == json.loads(shop.app()({"httpMethod": "POST", "path": "/v1/what-if", "body": body})["body"])
    assert found["skus"] == 2 and found["units"] > found["units_now"]


def test_what_if_of_one_price_for_all_says_how_many_lie_beyond_their_guardrail(shop: Shop) -> None:
    assert "beyond their guardrail" in run("what-if", "--store", str(shop.folder), "--price", "3.99")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sku", "20007B", "--change", "-10%"], "hint:  did you mean 20007"),
        (["--category", "MUG", "--change", "-10%"], "hint:  there is MUGS"),
        (["--change", "-0.1"], "with the sign %"),
        (["--change", "-10"], "with the sign %"),
        (["--price", "0"], "above 0"),
        (["--price", "1", "--change", "1%"], "exactly one of them"),
        ([], "exactly one of them"),
    ],
)
def test_what_if_that_cannot_be_answered_says_why_and_ends_with_2(
    shop: Shop, arguments: list[str], message: str
) -> None:
    code = "from cli.main import main; main()"
    command = [sys.executable, "-c", code, "what-if", "--store", str(shop.folder), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ") and message in done.stderr and "hint:" in done.stderr


def test_releases_are_listed_promoted_and_rolled_back(shop: Shop) -> None:
    old, new = shop.write(), shop.write(level=0.5)
    store = ("--store", str(shop.folder))
    assert f"production serves {new} (before: {old})" in run("promote", new, *store)
    listed = run("releases", *store)
    assert old in listed and "production" in next(line for line in listed.splitlines() if line.startswith(new))
    assert f"production serves {old} again" in run("roll-back", *store)


def test_old_releases_are_removed_when_asked_for_and_never_those_in_use(shop: Shop) -> None:
    made = [shop.write(level=1 + day / 10, skus=5) for day in range(12)]
    prune = ("releases", "--store", str(shop.folder), "--prune")
    served = json.loads((shop.folder / "channels" / "production.json").read_text())["release"]
    oldest, *_ = sorted([served, *made])
    shop.point(oldest)
    assert "removed: nothing (the newest 12 stay" in run(*prune)
    shop.write(level=9, skus=5)
    listed = run(*prune)
    assert "removed: nothing" not in listed.splitlines()[0] and oldest in listed
    assert len(list((shop.folder / "releases").iterdir())) == 13


def test_an_empty_lake_says_what_to_do(tmp_path: Path) -> None:
    assert "holds no release yet: pricewright run." in run("releases", "--store", str(tmp_path / "empty"))


@pytest.mark.parametrize("code", ODD)
def test_price_and_what_if_take_any_code_as_it_stands(odd: Shop, code: str) -> None:
    answer = json.loads(run("price", "--store", str(odd.folder), "--bins", "3", "--json", "--", code))
    assert answer["stock_code"] == code
    answer = json.loads(run("what-if", f"--sku={code}", "--change=-10%", "--store", str(odd.folder), "--json"))
    assert answer["skus"] == 1


def test_price_takes_the_text_of_an_item_that_holds_an_at_sign(odd: Shop) -> None:
    assert json.loads(run("price", "A@B@", "--store", str(odd.folder), "--json"))["stock_code"] == "A@B"


def test_price_refuses_what_no_code_can_be(odd: Shop) -> None:
    arguments = ["price", "X" * 201, "--store", str(odd.folder)]
    done = subprocess.run([sys.executable, "-m", "cli.main", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "201 characters" in done.stderr and "hint:" in done.stderr


def test_what_if_takes_a_file_of_prices(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("StockCode,Price\n20021,1.99\n20028,2.49\n")
    asked = ("what-if", "--prices", str(tmp_path / "prices.csv"), "--store", str(shop.folder))
    shown = run(*asked)
    assert shown.startswith("2 products, 2 at another price") and "MUGS" in shown
    assert set(json.loads(run(*asked, "--json"))["by_category"]) == {"MUGS"}
    both = CliRunner().invoke(app, [*asked, "--change", "-10%"])
    assert "leave out all but --prices" in str(both.exception)


def test_a_file_with_two_prices_of_a_product_is_refused(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("StockCode,Price\n20021,1.99\n20021,2.49\n")
    refused = CliRunner().invoke(
        app, ["what-if", "--prices", str(tmp_path / "prices.csv"), "--store", str(shop.folder)]
    )
    assert "20021 has two prices" in str(refused.exception)
