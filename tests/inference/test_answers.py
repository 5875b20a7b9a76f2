"""Whatever is wrong with a model, the next one answers, says so, and gives way again once the fault is gone."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from testing.synthetic_release import DRAWS, EFFECTS, FEATURES, backup_onnx, models, network_onnx, onnx_model
from tests.hostile_release import bodies_of, write_unchecked

BACKUPS = ("lightgbm", "svr", "elastic_net")
ROOT = Path(__file__).parents[2]
NETWORK_INPUTS: dict[str, list[Any]] = {
    "features": ["r", len(FEATURES)], "effects": ["r", EFFECTS], "log_price_ratio": ["n"],
}  # fmt: skip


def constant_network(value: float) -> bytes:
    """A network whose units are this value plus the number of times that the price rises: never right."""
    nodes = [
        helper.make_node("Unsqueeze", ["log_price_ratio", "axis"], ["x"]),
        helper.make_node("Mul", ["x", "ones"], ["wide"]),
        helper.make_node("Add", ["wide", "value"], ["units"]),
    ]
    constants = {"axis": [1], "ones": np.ones((1, DRAWS), np.float32), "value": np.float32(value)}
    return onnx_model(nodes, constants, NETWORK_INPUTS, {"units": ["n", DRAWS]})


def slow_network() -> bytes:
    """A network that goes round in a loop for minutes before it says anything."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still"]),
            helper.make_node("Add", ["value", "value_one"], ["sum"]),
            helper.make_node("Sin", ["sum"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("round", 7, []),
            helper.make_tensor_value_info("going", 9, []),
            helper.make_tensor_value_info("value", 1, [1]),
        ],
        [helper.make_tensor_value_info("still", 9, []), helper.make_tensor_value_info("next", 1, [1])],
    )
    nodes = [
        helper.make_node("Loop", ["rounds", "yes", "value_one"], ["last"], body=body),
        helper.make_node("Unsqueeze", ["log_price_ratio", "axis"], ["x"]),
        helper.make_node("Mul", ["x", "ones"], ["wide"]),
        helper.make_node("Add", ["wide", "last"], ["units"]),
    ]
    constants = {
        "rounds": np.asarray(10**9, np.int64), "yes": np.asarray(True), "value_one": np.ones(1, np.float32),
        "axis": [1], "ones": np.ones((1, DRAWS), np.float32),
    }  # fmt: skip
    return onnx_model(nodes, constants, NETWORK_INPUTS, {"units": ["n", DRAWS]})


def one_row_network() -> bytes:
    """A network that gives the units of one price, however many were asked for."""
    nodes = [
        helper.make_node("Slice", ["log_price_ratio", "first", "second", "first"], ["one"]),
        helper.make_node("Unsqueeze", ["one", "second"], ["x"]),
        helper.make_node("Mul", ["x", "ones"], ["wide"]),
        helper.make_node("Exp", ["wide"], ["units"]),
    ]
    constants = {"first": [0], "second": [1], "ones": -np.ones((1, DRAWS), np.float32)}
    return onnx_model(nodes, constants, NETWORK_INPUTS, {"units": ["n", DRAWS]})


BAD_MODELS = {
    "is no ONNX": (b"not a model", "no ONNX file"),
    "gives NaN": (constant_network(float("nan")), "finite"),
    "gives less than nothing": (constant_network(-5.0), "finite and >= 0"),
    "gives a rising curve": (constant_network(50.0), "rise with the price"),
    "has other inputs": (backup_onnx(0.0), "Required inputs"),
    "gives fewer rows than prices": (one_row_network(), "units of shape"),
    "takes too long": (slow_network(), "no answer within 0.1 s"),
}


@pytest.mark.parametrize("fault", BAD_MODELS)
def test_a_network_that_is_wrong_gives_way_to_lightgbm(shop, fault: str) -> None:
    body, why = BAD_MODELS[fault]
    shop.point(write_unchecked(shop.folder / "releases", bodies_of(given={"network": body})))
    started = time.monotonic()
    answer = shop.app(model_seconds=0.1)({"stock_code": "20007"})
    assert time.monotonic() - started < 5
    assert answer["model"] == "lightgbm"
    ((fallback),) = answer["fallbacks"]
    assert fallback["model"] == "network"
    assert re.search(why, fallback["why"]), fallback["why"]
    assert answer["curve"]["quantity"] and answer["optimal_price"] > 0


def damage(shop, how: str, name: str) -> bytes:
    """Do something to a file of the production release; its bytes before."""
    release = json.loads((shop.folder / "channels" / "production.json").read_text())["release"]
    path = shop.folder / "releases" / release / name
    body = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(body[: len(body) // 2])
    else:
        path.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    return body


@pytest.mark.parametrize(
    ("how", "why"), [("missing", "cannot be read"), ("truncated", "its manifest says"), ("altered", "has sha256")]
)
def test_a_network_file_that_is_damaged_gives_way_to_lightgbm(shop, how: str, why: str) -> None:
    damage(shop, how, "network.onnx")
    answer = shop.app()({"stock_code": "20007"})
    assert answer["model"] == "lightgbm"
    assert why in answer["fallbacks"][0]["why"]


@pytest.mark.parametrize("broken", range(1, 5))
def test_each_model_stands_in_for_those_before_it(shop, broken: int) -> None:
    order = ("network", *BACKUPS)
    for name in order[:broken]:
        damage(shop, "missing", f"{name}.onnx")
    answer = shop.app()({"stock_code": "20007"})
    assert answer["model"] == (*order, "price_list")[broken]
    assert [fallback["model"] for fallback in answer["fallbacks"]] == list(order[:broken])


def test_the_price_list_answers_when_no_model_can_and_says_what_it_could_not_heed(shop) -> None:
    good = shop.app()({"stock_code": "20007"})
    for name in models():
        damage(shop, "truncated", f"{name}.onnx")
    answer = shop.app()({"stock_code": "20007", "num_price_bins": 20})
    assert answer["model"] == "price_list" and answer["ignored"] == ["num_price_bins"]
    for name in ("optimal_price", "current_price", "expected_units", "sales_uplift", "elasticity", "reason"):
        assert answer[name] == good[name]
    assert answer["curve"]["unit_price"] == sorted({answer["current_price"], answer["optimal_price"]})


def test_a_model_that_failed_rests_and_is_tried_again_without_a_restart(shop) -> None:
    api = shop.app(retry_seconds=15)
    body = damage(shop, "missing", "network.onnx")
    assert api({"stock_code": "20007"})["model"] == "lightgbm"
    release = json.loads((shop.folder / "channels" / "production.json").read_text())["release"]
    (shop.folder / "releases" / release / "network.onnx").write_bytes(body)
    shop.clock.seconds += 10
    resting = api({"stock_code": "20007"})
    assert resting["model"] == "lightgbm" and "resting for 5 s after" in resting["fallbacks"][0]["why"]
    shop.clock.seconds += 6
    recovered = api({"stock_code": "20007"})
    assert recovered["model"] == "network" and recovered["fallbacks"] == []


def test_an_answer_of_a_stand_in_is_not_kept(shop) -> None:
    api = shop.app()
    damage(shop, "missing", "network.onnx")
    assert [api({"stock_code": "20007"})["cache"] for _ in range(2)] == ["miss", "miss"]


def test_every_fallback_is_one_line_that_an_alarm_can_use(shop) -> None:
    damage(shop, "altered", "network.onnx")
    shop.app()({"stock_code": "20007"})
    (line,) = [json.loads(text) for text in shop.log]
    assert (line["Fallbacks"], line["FellBack"], line["Status"], line["model"]) == (1, 1, 200, "lightgbm")
    metrics = {metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert metrics <= line.keys() and "Fallbacks" in metrics
    assert line["fallbacks"][0]["why"]


def without_onnxruntime(shop, folder: Path, **asked: Any) -> dict[str, Any]:
    """The answer of an interpreter in which ONNX Runtime cannot be imported."""
    (folder / "onnxruntime.py").write_text("raise ImportError('onnxruntime is not here')")
    code = (
        "import json, sys; from inference.handler import handler; "
        "print('answer', json.dumps(handler(json.loads(sys.argv[1]))))"
    )
    environment = os.environ | {"PYTHONPATH": f"{folder}:{ROOT}", "PRICEWRIGHT_STORE": str(shop.folder)}
    command = [sys.executable, "-c", code, json.dumps({"stock_code": "20007"} | asked)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    (text,) = [line for line in done.stdout.splitlines() if line.startswith("answer ")]
    return dict(json.loads(text.removeprefix("answer ")))


def test_without_onnxruntime_the_network_answers_all_the_same(steady, tmp_path: Path) -> None:
    answer = without_onnxruntime(steady, tmp_path)
    assert (answer["model"], answer["fallbacks"]) == ("network", [])


def test_without_network_and_onnxruntime_the_price_list_answers(shop, tmp_path: Path) -> None:
    damage(shop, "altered", "network.onnx")
    answer = without_onnxruntime(shop, tmp_path)
    assert answer["model"] == "price_list" and len(answer["fallbacks"]) == 4
    assert "has sha256" in answer["fallbacks"][0]["why"]
    assert all("onnxruntime is not here" in fallback["why"] for fallback in answer["fallbacks"][1:])


def test_the_model_asked_for_is_the_first_to_answer(shop) -> None:
    damage(shop, "missing", "svr.onnx")
    answer = shop.app()({"stock_code": "20007", "model": "svr"})
    assert answer["model"] == "elastic_net"
    assert shop.app()({"stock_code": "20007", "model": "price_list"})["model"] == "price_list"


def test_a_model_that_took_too_long_is_stopped(shop) -> None:
    shop.point(shop.write(given={"network": slow_network()}))
    shop.app(model_seconds=0.1)({"stock_code": "20007"})
    time.sleep(0.5)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.25


def test_a_good_network_answers_within_the_same_limit(shop) -> None:
    shop.point(shop.write(given={"network": network_onnx(0.2)}))
    assert shop.app(model_seconds=0.1)({"stock_code": "20007"})["model"] == "network"
