"""Every kind of event is answered, and what cannot be answered says why with a status that fits."""

import base64
import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.api import ROUTES
from inference.catalog import Catalog
from inference.handler import App
from inference.query import PARAMETERS
from inference.what_if import PARAMETERS as WHAT_IF
from pricewright.core.item import Item
from pricewright.core.spreadsheet import harmless

ROOT = Path(__file__).parents[2]


def http(path: str, method: str = "GET", query: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """An event of an HTTP API (payload 2.0), as function URLs send it too."""
    context = {"http": {"method": method, "path": path}, "stage": more.pop("stage", "$default")}
    return {"version": "2.0", "rawPath": path, "queryStringParameters": query, "requestContext": context, **more}


def rest(path: str, method: str = "GET", query: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """An event of a REST API (payload 1.0)."""
    context = {"stage": "prod", "path": f"/prod{path}"}
    return {"httpMethod": method, "path": path, "queryStringParameters": query, "requestContext": context, **more}


def content(answer: dict[str, Any]) -> Any:
    return json.loads(answer["body"])


@pytest.mark.parametrize("event", [http, rest])
def test_both_kinds_of_api_gateway_get_the_same_price(api: App, event: Any) -> None:
    direct = api({"stock_code": "20007", "num_price_bins": 9})
    answer = api(event("/v1/predict-price/20007", query={"num_price_bins": "9"}))
    assert answer["statusCode"] == 200 and answer["headers"]["content-type"] == "application/json"
    assert content(answer) | {"cache": ""} == direct | {"cache": ""}


def test_the_stage_in_front_of_a_path_is_none_of_our_business(api: App) -> None:
    assert api(http("/prod/v1/ready", stage="prod"))["statusCode"] == 200


def test_a_body_in_base64_is_read(api: App) -> None:
    body = base64.b64encode(b'{"stock_codes": ["20007"]}').decode()
    assert len(content(api(http("/v1/prices", "POST", body=body, isBase64Encoded=True)))["prices"]) == 1
    assert api(http("/v1/prices", "POST", body="%%%", isBase64Encoded=True))["status"] == 400


@pytest.mark.parametrize("event", [{"warmup": True}, {"source": "aws.events"}])
def test_a_warm_up_loads_the_release_and_its_network(shop, event: dict[str, Any]) -> None:
    api = shop.app()
    assert api(event)["status"] == "warm"
    assert content(api(http("/v1/health")))["models"]["network"] == "open"


@pytest.mark.parametrize("event", [None, [], "text", 3, {}, {"what": 1}])
def test_an_event_of_no_known_kind_is_a_400(api: App, event: Any) -> None:
    assert api(event)["status"] == 400


@pytest.mark.parametrize(
    ("path", "query", "status", "word"),
    [
        ("/v1/predict-price/NOPE", {}, 404, "in no price list"),
        ("/v1/predict-price/20007", {"unitprice_min": "ten"}, 422, "unitprice_min"),
        ("/v1/predict-price/20007", {"unitprice_min": "nan"}, 422, "unitprice_min"),
        ("/v1/predict-price/20007", {"unitprice_max": "-1"}, 422, "unitprice_max"),
        ("/v1/predict-price/20007", {"unitprice_max": "inf"}, 422, "unitprice_max"),
        ("/v1/predict-price/20007", {"unitprice_min": "3", "unitprice_max": "2"}, 422, "below unitprice_max"),
        ("/v1/predict-price/20007", {"unitprice_min": "1000"}, 422, "are recommended from"),
        ("/v1/predict-price/20007", {"unitprice_max": "0.01"}, 422, "are recommended from"),
        ("/v1/predict-price/20007", {"num_price_bins": "1"}, 422, "num_price_bins"),
        ("/v1/predict-price/20007", {"num_price_bins": "2.5"}, 422, "whole number"),
        ("/v1/predict-price/20007", {"num_price_bins": "100000"}, 422, "num_price_bins"),
        ("/v1/predict-price/20007", {"objective": "fame"}, 422, "sales, profit"),
        ("/v1/predict-price/20007", {"model": "oracle"}, 422, "elastic_net"),
        ("/v1/predict-price/20007", {"bins": "3"}, 422, "not a parameter"),
        ("/v1/skus", {"limit": "0"}, 422, "limit"),
        ("/v1/skus", {"search": "no such thing"}, 404, "no SKU has"),
        ("/v1/price-list", {"format": "xlsx"}, 422, "format"),
        ("/v1/sales/NOPE", {}, 404, "in no price list"),
        ("/v1/nothing", {}, 404, "openapi.json"),
        ("/", {}, 404, "nothing at /"),
    ],
)
def test_what_cannot_be_answered_is_one_clear_problem(
    api: App, path: str, query: dict[str, str], status: int, word: str
) -> None:
    answer = api(http(path, query=query))
    problem = content(answer)
    assert (answer["statusCode"], problem["status"]) == (status, status)
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert word in problem["detail"] + problem.get("hint", "")


def test_all_wrong_parameters_are_named_at_once(api: App) -> None:
    answer = api(http("/v1/predict-price/20007", query={"objective": "fame", "num_price_bins": "x", "y": "1"}))
    assert {error["parameter"] for error in content(answer)["errors"]} == {"objective", "num_price_bins", "y"}


def test_an_unknown_sku_comes_with_near_matches(api: App) -> None:
    assert "20000A" in content(api(http("/v1/predict-price/20000B")))["hint"]


def test_a_sku_is_found_in_any_case_where_one_is_meant(api: App) -> None:
    catalog = api._served.current().catalog
    codes = ["AB-1", "Cd-2", "ab-1", *(f"z{i}" for i in range(len(catalog) - 3))]
    lettered = Catalog({**catalog.arrays, "stock_code": np.array(sorted(codes))}, lambda: {})
    found = {asked: lettered.find(Item(asked)) for asked in ("AB-1", "ab-1", " cD-2", "Ab-1", "Z0", "x")}
    assert {asked: index if index is None else str(lettered.codes[index]) for asked, index in found.items()} == {
        "AB-1": "AB-1", "ab-1": "ab-1", " cD-2": "Cd-2", "Ab-1": None, "Z0": "z0", "x": None}  # fmt: skip
    assert set(lettered.near(Item("Ab-1"))) == {"AB-1", "ab-1"}
    assert len(lettered.search("ab-")) >= 2


@pytest.mark.parametrize("body", [None, "", "{", "[]", "3", '{"stock_codes": []}', '{"stock_codes": [3]}'])
def test_a_bulk_request_without_skus_is_a_422(api: App, body: str | None) -> None:
    assert api(http("/v1/prices", "POST", body=body))["statusCode"] == 422


def test_a_bulk_request_names_what_it_could_not_price(api: App) -> None:
    answer = api({"stock_codes": ["20007", "20007", "NOPE", "20000A"], "objective": "profit"})
    assert [row["stock_code"] for row in answer["prices"]] == ["20007"]
    assert [row["stock_code"] for row in answer["unknown"]] == ["NOPE"]
    assert [row["stock_code"] for row in answer["refused"]] == ["20000A"]
    assert api({"stock_codes": ["NOPE"]})["status"] == 404


def test_too_many_skus_and_too_long_a_reply_are_a_413(shop) -> None:
    assert shop.app(most_skus=3)({"stock_codes": ["1", "2", "3", "4"]})["status"] == 413
    assert shop.app(most_bytes=1000)(http("/v1/price-list"))["statusCode"] == 413


def test_another_method_is_a_405_that_says_which_are_allowed(api: App) -> None:
    answer = api(http("/v1/prices", "GET"))
    assert (answer["statusCode"], answer["headers"]["allow"]) == (405, "POST")


def test_a_web_page_on_the_list_may_ask_and_another_may_not(shop) -> None:
    api = shop.app(allowed_origins="https://shop.example, https://desk.example")
    asked = {"Origin": "https://desk.example"}
    allowed = api(http("/v1/ready", headers=asked))["headers"]
    assert allowed["access-control-allow-origin"] == "https://desk.example" and allowed["vary"] == "origin"
    preflight = api(http("/v1/prices", "OPTIONS", headers=asked))
    assert preflight["statusCode"] == 204 and "POST" in preflight["headers"]["access-control-allow-methods"]
    stranger = api(http("/v1/ready", headers={"origin": "https://evil.example"}))["headers"]
    assert "access-control-allow-origin" not in stranger


def test_the_pages_of_the_sku_list_hold_every_sku_once(api: App) -> None:
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = content(api(http("/v1/skus", query={"limit": "7", "cursor": cursor})))
        seen += [row["stock_code"] for row in page["skus"]]
        cursor = page["next_cursor"]
    assert len(seen) == page["count"] == 40 and seen == sorted(set(seen))


def test_skus_are_found_by_code_and_by_words_in_any_case(api: App) -> None:
    assert {row["stock_code"] for row in content(api(http("/v1/skus", query={"search": "2000"})))["skus"]} >= {"20007"}
    found = content(api(http("/v1/skus", query={"search": "vintage mug"})))
    assert found["skus"] and all("VINTAGE MUG" in row["description"] for row in found["skus"])


def test_the_price_list_is_the_same_as_csv_and_as_json(api: App) -> None:
    rows = content(api(http("/v1/price-list")))["prices"]
    answer = api(http("/v1/price-list", query={"format": "csv"}))
    table = list(csv.DictReader(io.StringIO(answer["body"])))
    assert [row["stock_code"] for row in table] == [row["stock_code"] for row in rows]
    assert [float(row["optimal_price"]) for row in table] == [row["optimal_price"] for row in rows]
    assert "attachment" in answer["headers"]["content-disposition"]


FORMULAS = ["=HYPERLINK(A1)", "+1", "-1+2", "@SUM(1)", "  =1", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_looks_like_a_formula_is_none_in_a_spreadsheet(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", ["RED MUG", "CAKE = LOVE", "", "'tis", "  two  ", -0.5, 3.0, None])
def test_other_cells_stay_as_they_are(value: Any) -> None:
    assert harmless(value) == value


def test_no_product_name_reaches_the_exported_price_list_as_a_formula(shop) -> None:
    names = dict(enumerate([*FORMULAS, '=cmd|"/C calc"!A0', "a,b\n=1"]))
    shop.point(shop.write(descriptions=names))
    body = shop.app()(http("/v1/price-list", query={"format": "csv"}))["body"]
    table = list(csv.DictReader(io.StringIO(body, newline="")))
    assert len(table) == 40
    cells = [cell for row in table for name, cell in row.items() if name in ("stock_code", "description", "reason")]
    assert not [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@＝＋－＠")]
    assert {f"'{name}" for name in names.values() if name[0] != "a"} <= {row["description"] for row in table}


def test_sales_are_the_weeks_in_which_the_sku_was_on_sale(api: App) -> None:
    answer = content(api(http("/v1/sales/20007")))
    assert len(answer["week"]) == len(answer["quantity"]) == len(answer["unit_price"]) == 13
    assert answer["week"][0] == "2011-09-05"


def test_without_its_history_a_release_still_answers_and_says_what_is_missing(shop) -> None:
    (path,) = (shop.folder / "releases").glob("*/history.npz")
    body = path.read_bytes()
    path.write_bytes(body[:-1])
    api = shop.app()
    assert content(api(http("/v1/predict-price/20007")))["model"] == "network"
    row = api({"stock_code": "20007", "model": "price_list"})
    assert row["model"] == "price_list" and "history.npz" in row["fallbacks"][0]["why"]
    for route in ("/v1/sales/20007", "/v1/skus", "/v1/price-list"):
        answer = api(http(route))
        assert answer["statusCode"] == 503 and "history.npz" in content(answer)["detail"]
    path.write_bytes(body)
    assert api(http("/v1/sales/20007"))["statusCode"] == 200
    assert not api({"stock_code": "20007", "model": "price_list"})["fallbacks"]


def test_the_release_says_where_it_comes_from_and_how_old_its_data_are(api: App) -> None:
    answer = content(api(http("/v1/releases/current")))
    assert answer["gates"]["drift"]["status"] == "ok" and answer["lineage"]["data"] == "abc"
    assert (answer["last_week"], answer["data_age_days"]) == ("2011-W48", 1)


def test_an_error_of_ours_is_a_500_whose_story_is_in_the_log_alone(shop) -> None:
    api = shop.app()
    api({"warmup": True})
    api._served.current().catalog.arrays.pop("description")
    answer = api(http("/v1/predict-price/20007"))
    assert answer["statusCode"] == 500 and "description" not in answer["body"]
    assert "KeyError: 'description'" in json.loads(shop.log[-1])["error"]


def test_every_request_is_one_line_of_json(shop) -> None:
    api = shop.app()
    for event in (http("/v1/ready"), {"warmup": True}, None, http("/v1/nothing")):
        api(event)
    lines = [json.loads(text) for text in shop.log]
    assert [line["Status"] for line in lines] == [200, 200, 400, 404]
    assert lines[0]["Route"] == "/v1/ready"
    assert {line["Channel"] for line in lines} == {"production"}


def test_a_warm_up_tells_the_alarm_how_old_the_data_is(shop) -> None:
    api = shop.app()
    for event in ({"warmup": True}, {"stock_code": "20007"}):
        api(event)
    warm, price = (json.loads(text) for text in shop.log)
    metrics = [metric["Name"] for metric in warm["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    assert warm["DataAgeDays"] == 1 and "DataAgeDays" in metrics
    assert "DataAgeDays" not in json.dumps(price)


def test_the_api_description_lists_exactly_what_the_handler_answers() -> None:
    described = json.loads((ROOT / "inference" / "openapi.json").read_text())
    paths = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    assert paths == {(route.method, route.template) for route in ROUTES}
    price = described["paths"]["/v1/predict-price/{stock_code}"]["get"]["parameters"]
    assert {entry["name"] for entry in price} == {"stock_code", "store", *PARAMETERS}


def test_every_described_property_of_a_price_is_there_and_no_other(api: App) -> None:
    described = json.loads((ROOT / "inference" / "openapi.json").read_text())["components"]["schemas"]
    answer = api({"stock_code": "20007", "objective": "profit"})
    assert answer.keys() == described["Price"]["properties"].keys() - {"ignored"}
    assert answer["curve"].keys() == described["Curve"]["properties"].keys()
    row = api({"stock_code": "20007", "model": "price_list"})
    assert row.keys() == described["Price"]["properties"].keys()


def test_every_described_property_of_what_if_is_there_and_no_other(api: App) -> None:
    described = json.loads((ROOT / "inference" / "openapi.json").read_text())
    schemas = described["components"]["schemas"]
    found = content(api(http("/v1/what-if", "POST", body='{"category": "MUGS", "change": "-10%"}')))
    assert found.keys() == schemas["WhatIf"]["properties"].keys()
    assert found["all"].keys() == schemas["Totals"]["properties"].keys()
    body = described["paths"]["/v1/what-if"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"].keys() == set(WHAT_IF)
    rows = content(api(http("/v1/price-list")))["prices"]
    assert rows[0].keys() == schemas["Listed"]["properties"].keys()


def test_importing_the_handler_reads_and_opens_nothing(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "seen = []\n"
        "sys.addaudithook(lambda name, args: seen.append((name, args)) if name.startswith(('socket.', 'subprocess.')) "
        "or name == 'open' and not str(args[0]).endswith(('.py', '.pyc', '.so')) else None)\n"
        "import inference.handler\n"
        "heavy = {'redis', 'obstore', 'onnxruntime', 'flask', 'boto3'} & set(sys.modules)\n"
        "print([entry for entry in seen if str(entry[1][0]).startswith(sys.argv[1])], heavy)\n"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "PRICEWRIGHT_STORE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[] set()"
