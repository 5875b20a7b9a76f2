"""`python -m bench.screenshot`: the playground as the README shows it, from the promoted release of a lake."""

import argparse
import io
import json
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from inference.dev_server import make_gateway
from inference.handler import App, make_app
from inference.settings import Settings
from tasks.workspace import Workspace

ROOT = Path(__file__).parents[1]
SIZE = {"width": 1280, "height": 1010}
COLOURS = 96  # of the palette: the picture has few, and takes a third of the room


def main(arguments: Sequence[str] | None = None) -> None:
    """Take the picture."""
    parser = argparse.ArgumentParser(prog="python -m bench.screenshot", description=__doc__)
    parser.add_argument("--store", default="", help="a lake with a promoted release; default: the last run's")
    parser.add_argument(
        "--sku", default="", help="the product; default: the one with the most to gain inside its range"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "playground.png")
    options = parser.parse_args(arguments)
    api = make_app(Settings(store=options.store or Workspace(ROOT).store), log=lambda _: None)
    picture = Image.open(io.BytesIO(photograph(api, options.sku or most_telling(api))))
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(options.out, optimize=True)
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB")


def photograph(api: App, sku: str) -> bytes:
    """A PNG of the page with the answer for a SKU."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("no Chromium here: apt-get install chromium")
    server = make_server("127.0.0.1", 0, make_gateway(api), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as playwright:
            launched = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
            page = launched.new_context(viewport=SIZE, locale="en-GB", color_scheme="light").new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/?sku={sku}&num_price_bins=100")
            page.wait_for_selector("body[data-ready]")
            return page.screenshot()
    finally:
        server.shutdown()
        server.server_close()


def most_telling(api: App) -> str:
    """The SKU with the most to gain whose best price lies well inside its guardrail: a curve with a top to see."""
    rows = json.loads(api({"httpMethod": "GET", "path": "/v1/price-list"})["body"])["prices"]
    inside = [row for row in rows if row["guardrail_low"] * 1.1 < row["optimal_price"] < row["guardrail_high"] * 0.9]
    return str(max(inside or rows, key=lambda row: row["expected_sales"] - row["current_expected_sales"])["stock_code"])


if __name__ == "__main__":
    main()
