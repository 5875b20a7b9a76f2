"""What a merchandiser reads on the page of one product: words, intervals, what is a guess, what is out of date."""

import json
import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from inference.dev_server import make_gateway
from inference.handler import App
from tests.hostile_release import bodies_of, write_unchecked
from tests.pages import PATIENCE, SIZES, drawn, findings, found, ready, running
from tests.synthetic_shop import Shop


def test_the_dot_is_red_while_the_api_is_dead_and_green_again_when_it_lives(page: Page, address: str) -> None:
    page.clock.install()
    ready(page, f"{address}/?sku=20007")
    expect(page.locator("#release")).to_have_attribute("data-state", "ok")
    page.route("**/v1/**", lambda route: route.abort())
    page.clock.run_for(16_000)
    expect(page.locator("#release")).to_have_attribute("data-state", "down")
    expect(page.locator("#release")).to_have_text("The price API does not answer")
    page.unroute("**/v1/**")
    page.clock.run_for(16_000)
    expect(page.locator("#release")).to_contain_text("40 products")


def test_old_results_never_stand_under_a_new_code(page: Page, address: str) -> None:
    ready(page, f"{address}/?sku=20007")
    expect(page.locator("#answer")).to_be_visible()
    held: list[Route] = []
    page.route("**/v1/predict-price/*", lambda route: held.append(route))
    page.get_by_role("combobox", name="Product").fill("20021")
    page.get_by_role("button", name="Start analysis").click()
    expect(page.locator("#answer")).to_be_hidden()
    held[0].continue_()
    expect(page.locator("#code")).to_contain_text("20021")
    page.unroute("**/v1/predict-price/*")
    page.get_by_role("combobox", name="Product").fill("NOPE")
    page.get_by_role("button", name="Start analysis").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#answer")).to_be_hidden()


def test_prices_are_typed_as_people_write_them(page: Page, address: str) -> None:
    ready(page, f"{address}/?sku=20007")
    page.get_by_label("Lowest price").fill("1,25")
    page.get_by_label("Highest price").fill("£ 1,020.50")
    page.get_by_role("button", name="Start analysis").click()
    expect(page).to_have_url(re.compile("unitprice_max=1020.5"))
    prices = drawn(page, "demand-chart", "expected")["x"]
    assert (prices[0], prices[-1]) == (1.25, 1020.5)
    page.get_by_label("Lowest price").fill("cheap")
    page.get_by_role("button", name="Start analysis").click()
    expect(page.get_by_role("alert")).to_contain_text("Lowest price is")


def test_the_page_speaks_the_merchandisers_words(page: Page, address: str) -> None:
    ready(page, f"{address}/?sku=20007&unitprice_min=9999")
    expect(page.get_by_role("alert")).to_contain_text("Lowest price is 9999")
    for code in ("NOPE", "20000B"):
        page.get_by_role("combobox", name="Product").fill(code)
        page.get_by_role("button", name="Start analysis").click()
        expect(page.get_by_role("alert")).to_contain_text(code)
        for word in ("unitprice", "/v1/", "SKU"):
            expect(page.get_by_role("alert")).not_to_contain_text(word)


@pytest.mark.parametrize("sku", ["20007", "20028", "20147"])
def test_a_move_promises_with_its_interval_and_a_large_one_with_a_warning(
    page: Page, address: str, api: App, sku: str
) -> None:
    ready(page, f"{address}/?sku={sku}")
    answer = api({"stock_code": sku})
    if answer["moved"]:
        low, high = (f"{100 * abs(answer[f'promised_{end}']):.1f}".removesuffix(".0") for end in ("low", "high"))
        expect(page.locator("#promise")).to_contain_text(re.compile(f"{low} % to .{high} %"))
        large = abs(answer["sales_uplift"]) > 0.2
        assert ("upper estimate" in (page.locator("#promise").text_content() or "")) is large
    else:
        expect(page.locator("#promise")).to_be_empty()
    curve = answer["curve"]
    top = curve["unit_price"][int(np.argmax(curve["predicted_sales"]))]
    step = curve["unit_price"][1] - curve["unit_price"][0]
    explained = "is highest at" in (page.locator("#peak").text_content() or "")
    assert explained is (abs(top - answer["optimal_price"]) > 1.5 * step + 0.01)


def test_a_question_of_ones_own_promises_no_uplift_without_its_interval(page: Page, address: str, api: App) -> None:
    ready(page, f"{address}/?sku=20007&unit_cost=0,5&objective=profit")
    answer = api({"stock_code": "20007", "unit_cost": 0.5, "objective": "profit"})
    assert answer["promised_low"] is None
    expect(page.locator("#headline")).not_to_contain_text(" % sales")
    expect(page.locator("#promise")).to_contain_text("is not promised")
    expect(page.locator("#figures dt").first).to_have_text("Best price for profit")
    expect(page.locator("#sales-title")).to_have_text("Expected profit a week at each price")


def test_now_is_the_regular_price_and_another_one_paid_last_is_said(page: Page, shop: Shop) -> None:
    def bulk(arrays: dict[str, Any]) -> None:
        arrays["history_price"][1, -1] *= np.float32(1.7)

    shop.point(write_unchecked(shop.folder / "releases", bodies_of(bulk)))
    with running(make_gateway(shop.app())) as url:
        ready(page, f"{url}/?sku=20007")
        now = shop.app()({"stock_code": "20007"})["current_price"]
        expect(page.locator("#headline")).to_contain_text(f"{now:.2f}")
        expect(page.locator("#paid")).to_contain_text(f"customers paid {1.7 * now:.2f} on average")
        ready(page, f"{url}/?sku=20021")
        expect(page.locator("#paid")).to_be_empty()


def test_what_was_never_paid_is_drawn_as_extrapolated(page: Page, address: str, api: App) -> None:
    ready(page, f"{address}/?sku=20007&unitprice_min=1&unitprice_max=20")
    sold = json.loads(api({"httpMethod": "GET", "path": "/v1/sales/20007"})["body"])
    paid = [price for price, units in zip(sold["unit_price"], sold["quantity"], strict=True) if units]
    for chart in ("sales-chart", "demand-chart"):
        solid, dotted = (drawn(page, chart, name) for name in ("paid before", "extrapolated"))
        for price, value in zip(solid["x"], solid["y"], strict=True):
            inside = min(paid) * 0.995 <= price <= max(paid) * 1.005
            assert (value is not None) is inside
        assert dotted["y"][0] is not None and dotted["y"][-1] is not None
        code = f"document.getElementById('{chart}').data.find((it) => it.name === 'extrapolated').line.dash"
        assert page.evaluate(code) == "dot"


@pytest.mark.parametrize("size", SIZES)
def test_no_label_is_clipped(page: Page, address: str, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    for sku in ("20007", "20035A", "20259"):
        ready(page, f"{address}/?sku={sku}")
        outside = """all => all.filter((it) => {
            const [own, chart] = [it.getBoundingClientRect(), it.closest('.chart').getBoundingClientRect()];
            return own.left < chart.left - 1 || own.right > chart.right + 1 || own.top < chart.top - 1;
        }).map((it) => it.textContent)"""
        assert page.locator(".chart .annotation-text").evaluate_all(outside) == []
        assert page.locator("#sales-chart .annotation-text").count() >= 1


def test_escape_closes_the_list_and_then_empties_the_field(page: Page, address: str) -> None:
    ready(page, address)
    box = page.get_by_role("combobox", name="Product")
    box.fill("vintage")
    expect(found(page).first).to_be_visible()
    page.keyboard.press("Escape")
    expect(found(page)).to_have_count(0)
    assert box.input_value() == "vintage"
    page.keyboard.press("Escape")
    assert box.input_value() == ""


def test_a_phone_shows_what_gains_most_and_then_the_answer(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    ready(page, address)
    first = page.locator("#gains button").first
    expect(first).to_be_visible()
    expect(first).to_contain_text(" % to ")
    first.click()
    expect(page.locator("#headline")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_an_accessibility_checker_finds_nothing(browser: Browser, address: str, size: str, scheme: Any) -> None:
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.set_default_timeout(PATIENCE)
    ready(page, address)
    assert findings(page) == []
    ready(page, f"{address}/?sku=20007")
    page.get_by_text("The curve as a table").click()
    assert findings(page) == []
    ready(page, f"{address}/?sku=NOPE")
    assert findings(page) == []
    page.close()
