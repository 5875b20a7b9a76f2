"""A merchandiser at the playground, in a real browser: chooses, analyses, reads, and is told what went wrong."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from inference.dev_server import make_gateway
from inference.handler import App
from testing.synthetic_release import backup_onnx, contents
from tests.hostile_release import bodies_of, write_unchecked
from tests.odd_codes import ODD
from tests.pages import drawn, found, ready, running
from tests.synthetic_shop import Shop

STYLE = Path(__file__).parents[2] / "inference" / "playground" / "page.css"
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
Open = Callable[..., Page]


def test_typing_choosing_and_starting_shows_the_answer_of_the_api(page: Page, address: str, api: App) -> None:
    ready(page, address)
    expect(page.get_by_text("Which price sells best?")).to_be_visible()
    page.get_by_role("combobox", name="Product").fill("vintage mug")
    found(page).first.dispatch_event("mousedown")
    expect(page.locator("#answer")).to_be_visible()
    answer = api({"stock_code": page.get_by_role("combobox", name="Product").input_value()})
    expect(page.locator("#headline")).to_contain_text(f"{answer['current_price']:.2f}")
    prices = answer["curve"]["unit_price"]
    assert drawn(page, "demand-chart", "expected") == {"x": prices, "y": answer["curve"]["quantity"]}
    assert drawn(page, "sales-chart", "sales a week") == {"x": prices, "y": answer["curve"]["predicted_sales"]}
    low, high = (drawn(page, "demand-chart", name)["y"] for name in ("low", "high"))
    assert (low, high) == (answer["curve"]["quantity_min"], answer["curve"]["quantity_max"])
    marks = drawn(page, "sales-chart", "marks")["x"]
    assert set(marks) == {answer["current_price"], answer["optimal_price"]}
    expect(page.locator("#source")).to_contain_text(answer["release"])
    expect(page.locator("#figures")).to_contain_text(f"{answer['optimal_price']:.2f}")


def test_a_product_that_competes_shows_its_family_and_what_the_plan_promises(
    page: Page, address: str, api: App
) -> None:
    moved = next(sku for sku in ("20021", "20028", "20042") if api({"stock_code": sku})["moved"])
    ready(page, f"{address}/?sku={moved}")
    expect(page.locator("#figures")).to_contain_text("MUGS")
    expect(page.locator("#figures")).to_contain_text("Change of sales")


def test_the_weekly_history_is_drawn_as_it_was_sold(page: Page, address: str, api: App) -> None:
    sold = json.loads(api({"httpMethod": "GET", "path": "/v1/sales/20007"})["body"])
    ready(page, f"{address}/?sku=20007")
    assert drawn(page, "history-chart", "units") == {"x": sold["week"], "y": sold["quantity"]}
    assert drawn(page, "history-chart", "price")["y"] == sold["unit_price"]


def test_the_range_asked_for_is_the_range_drawn(page: Page, address: str) -> None:
    ready(page, f"{address}/?sku=20007")
    page.get_by_label("Lowest price").fill("1")
    page.get_by_label("Highest price").fill("20")
    page.get_by_role("button", name="Start analysis").click()
    expect(page).to_have_url(re.compile("unitprice_max=20"))
    prices = drawn(page, "demand-chart", "expected")["x"]
    assert (prices[0], prices[-1]) == (1, 20)


def test_the_keyboard_alone_is_enough(page: Page, address: str) -> None:
    ready(page, address)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the results")).to_be_focused()
    box = page.get_by_role("combobox", name="Product")
    for _ in range(6):  # the pages, the download, store and category where there are any
        if not box.evaluate("node => node === document.activeElement"):
            page.keyboard.press("Tab")
    expect(box).to_be_focused()
    expect(box).to_have_attribute("aria-expanded", "false")
    page.keyboard.type("2000")
    expect(found(page).first).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "found-1")
    expect(page.locator("#found-1")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_be_visible()
    box.fill("vintage")
    expect(found(page).first).to_be_visible()
    page.keyboard.press("Escape")
    expect(found(page)).to_have_count(0)


def test_a_screen_reader_knows_what_everything_is(page: Page, address: str) -> None:
    ready(page, f"{address}/?sku=20007")
    unnamed = "all => all.filter((it) => it.offsetParent && !it.labels?.length && !it.ariaLabel).map((it) => it.id)"
    assert page.locator("input, select").evaluate_all(unnamed) == []
    for chart in ("sales-chart", "demand-chart", "history-chart"):
        assert len(page.locator(f"#{chart}").get_attribute("aria-label") or "") > 20
        expect(page.locator(f"#{chart}")).to_have_attribute("role", "img")
    expect(page.locator("#results")).to_have_attribute("aria-live", "polite")
    assert page.locator("h1").count() == 1 and page.locator("html").get_attribute("lang") == "en"
    page.get_by_text("The curve as a table").click()
    columns = page.locator("#table th[scope=col]").all_inner_texts()
    assert columns == ["Price", "Units", "Low", "High", "Sales", "Profit"]  # the unit cost of this one is known
    assert page.locator("#table td").count() == len(columns) * 50


def contrast(one: str, two: str) -> float:
    """Of two colours #rrggbb, by WCAG 2."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((light(one), light(two)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_what_it_stands_on(theme: int) -> None:
    block = STYLE.read_text().split("color-scheme: dark)")[theme]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
    pairs = [("ink", "paper"), ("ink", "card"), ("soft", "card"), ("soft", "paper"), ("brand", "card")]
    for text, ground in [*pairs, ("brand-ink", "brand"), ("bad", "bad-paper"), ("accent", "card")]:
        least = 4.5 if text != "accent" else 4.0  # lines and marks, beside words in ink
        assert contrast(colours[text], colours[ground]) >= least, (text, ground)


@pytest.mark.parametrize("width", [360, 768, 1360])
def test_nothing_is_wider_than_the_screen(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    ready(page, f"{address}/?sku=20007")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator("#demand-chart .main-svg").first.bounding_box()
    assert box is not None and 250 <= box["width"] <= width


def test_an_unknown_product_comes_with_near_ones_to_click(page: Page, address: str) -> None:
    ready(page, f"{address}/?sku=20000B")
    expect(page.get_by_role("alert")).to_contain_text("in no price list")
    page.get_by_role("button", name="20000A").click()
    expect(page.locator("#code")).to_contain_text("20000A")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_wrong_range_is_named_in_the_words_of_the_form_and_marked(page: Page, address: str) -> None:
    ready(page, f"{address}/?sku=20007&unitprice_min=9&unitprice_max=2")
    expect(page.get_by_role("alert")).to_contain_text("Lowest price is 9")
    expect(page.get_by_label("Lowest price")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("combobox", name="Product").fill("")
    page.get_by_role("button", name="Start analysis").click()
    expect(page.get_by_role("alert")).to_contain_text("No product chosen")


def cut(route: Route) -> None:
    route.abort()


def nonsense(route: Route) -> None:
    route.fulfill(status=502, body="<html>bad gateway</html>", content_type="text/html")


@pytest.mark.parametrize(("fault", "words"), [(cut, "does not answer"), (nonsense, "status 502")])
def test_an_api_that_fails_is_reported_and_asked_again(page: Page, address: str, fault: Any, words: str) -> None:
    ready(page, address)
    page.route("**/v1/predict-price/*", fault)
    page.get_by_role("combobox", name="Product").fill("20007")
    page.get_by_role("button", name="Start analysis").click()
    expect(page.get_by_role("alert")).to_contain_text(words)
    page.unroute("**/v1/predict-price/*")
    page.get_by_role("button", name="Start analysis").click()
    expect(page.locator("#answer")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_cold_start_shows_that_something_goes_on(page: Page, address: str) -> None:
    held: list[Route] = []
    page.route("**/v1/warmup", lambda route: held.append(route))
    page.goto(address)
    expect(page.locator("#release")).to_contain_text("Waking the price API")
    expect(page.get_by_role("progressbar").locator("span")).to_be_visible()
    page.wait_for_timeout(100)
    held[0].continue_()
    page.wait_for_selector("body[data-ready]")
    expect(page.get_by_role("progressbar").locator("span")).to_be_hidden()
    expect(page.locator("#release")).to_contain_text("40 products")


def test_without_a_release_the_page_says_so(page: Page, tmp_path: Path) -> None:
    with running(make_gateway(Shop(tmp_path / "empty").app())) as url:
        ready(page, url)
        expect(page.locator("#release")).to_have_text("No prices yet: start a run, then approve")
        expect(page.locator("#release")).to_have_attribute("data-state", "down")
        expect(page.get_by_role("alert")).to_contain_text("No prices yet")
        expect(page.get_by_role("alert")).to_contain_text("start a run, then approve")


def test_a_stand_in_is_named_where_the_network_could_not_answer(page: Page, shop: Shop) -> None:
    (path,) = shop.folder.glob("releases/*/network.onnx")
    path.unlink()
    with running(make_gateway(shop.app())) as url:
        ready(page, f"{url}/?sku=20007")
        expect(page.locator("#source")).to_contain_text("Answered by the backup lightgbm")
        expect(page.locator("#source")).to_contain_text("the network did not answer")


def test_the_models_of_the_release_can_be_asked_first(page: Page, shop: Shop) -> None:
    arrays = contents()["catalog_arrays"]
    fifth = {f"{kind}_fifth_model": arrays[f"{kind}_svr"] for kind in ("smear", "residuals")}
    bodies = bodies_of(lambda arrays: arrays.update(fifth)) | {"fifth_model.onnx": backup_onnx(0.2)}
    shop.point(write_unchecked(shop.folder / "releases", bodies))
    with running(make_gateway(shop.app())) as url:
        ready(page, f"{url}/?sku=20007&model=fifth_model")
        models = ["network", "lightgbm", "svr", "elastic_net", "fifth_model", "price list"]
        expect(page.locator("#model option")).to_have_text(models)
        expect(page.locator("#source")).to_contain_text("Answered by the backup fifth_model")


def test_html_in_a_product_name_is_shown_and_never_executed(page: Page, shop: Shop) -> None:
    shop.point(shop.write(descriptions={1: HOSTILE}))
    with running(make_gateway(shop.app())) as url:
        ready(page, f"{url}/?sku=20007")
        expect(page.locator("#code")).to_contain_text("<img src=x")
        page.get_by_role("combobox", name="Product").fill("onerror")
        expect(found(page).first).to_contain_text("<script>")
        assert page.locator("img[src=x]").count() == 0 and page.title() == "Pricewright"


def named(text: str) -> Callable[[dict[str, Any]], None]:
    """Gives the last SKU this code, which sorts after all that begin with a digit."""

    def change(arrays: dict[str, Any]) -> None:
        for name in ("stock_code", "list_stock_code"):
            arrays[name] = np.append(arrays[name][:-1], text)

    return change


def test_html_in_a_stock_code_is_shown_and_never_executed(page: Page, shop: Shop) -> None:
    code = HOSTILE.upper().replace("/", "")  # which no gateway keeps apart from the path's own
    shop.point(write_unchecked(shop.folder / "releases", bodies_of(named(code))))
    with running(make_gateway(shop.app())) as url:
        ready(page, f"{url}/?sku={quote(code, safe='')}")
        expect(page.locator("#code")).to_contain_text("<IMG SRC=X")
        page.get_by_role("combobox", name="Product").fill("<img")
        expect(found(page).first).to_contain_text("<SCRIPT>")
        assert page.locator("img[src=X]").count() == 0 and page.title() == "Pricewright"


def test_a_link_to_any_code_shows_that_code(page: Page, shop: Shop) -> None:
    shop.point(shop.write(codes=ODD))
    with running(make_gateway(shop.app())) as url:
        for code in (" A", "A%41", "A/B", "A?B", "A#B", "A+B", "A&B=C", "A@B", "50%", "🍋"):
            ready(page, f"{url}/?sku={quote(code, safe='')}")
            assert page.evaluate("document.querySelector('#code').textContent").partition(" · ")[0] == code
            assert page.evaluate("new URLSearchParams(location.search).get('sku')") == code


def test_html_in_the_address_is_shown_and_never_executed(page: Page, address: str) -> None:
    ready(page, f"{address}/?sku={quote(HOSTILE, safe='')}&unitprice_min={quote(HOSTILE, safe='')}")
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.locator("img[src=x]").count() == 0 and page.title() == "Pricewright"


def test_the_pages_policy_runs_no_script_but_its_own(browser: Browser, address: str) -> None:
    page = ready(browser.new_page(), address)
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'top.ran = 1'}))")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"top.ran = 2\">')")
    page.wait_for_timeout(200)
    assert page.evaluate("top.ran") is None
    page.close()


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    shop = Shop(tmp_path_factory.mktemp("chain"))
    codes = [f"{20000 + sku}@{zone}" for sku in range(8) for zone in ("North", "South")]
    shop.point(shop.write(codes=codes, zones={"1": "North", "2": "South"}))
    with running(make_gateway(shop.app())) as url:
        yield url


def test_a_store_is_chosen_where_prices_differ_by_store(page: Page, chain: str) -> None:
    ready(page, chain)
    store = page.get_by_label("Store")
    offered = ["choose a store", "all of North", "all of South", "1 (North)", "2 (South)"]
    assert store.locator("option").all_text_contents() == offered
    page.get_by_role("combobox", name="Product").fill("20003")
    page.get_by_role("button", name="Start analysis").click()
    expect(page.get_by_role("alert")).to_contain_text("has a price in each store: name one of 1, 2.")
    store.select_option("2")
    page.get_by_role("button", name="Start analysis").click()
    expect(page.locator("#code")).to_contain_text("20003 in South")
    assert "store=2" in page.url
    ready(page, page.url)
    expect(page.locator("#code")).to_contain_text("20003 in South")


def test_a_shop_without_stores_shows_none_to_choose(page: Page, address: str) -> None:
    ready(page, address)
    expect(page.get_by_label("Store")).to_be_hidden()
    expect(page.get_by_label("Category")).to_be_visible()
