"""What tests of pages share: a server for them, a page that is ready, what an accessibility checker finds."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Locator, Page, expect
from werkzeug.serving import make_server

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
PATIENCE = 60_000  # milliseconds: on a machine with other work a page takes twenty seconds to load
expect.set_options(timeout=PATIENCE / 3)
SIZES = {"desk": (1440, 900), "phone": (390, 844)}


@contextmanager
def running(gateway: Flask) -> Iterator[str]:
    """The address of a web application, for as long as the context lasts."""
    server = make_server("127.0.0.1", 0, gateway, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def ready(page: Page, url: str) -> Page:
    """The page at an address, when all of it was loaded."""
    page.goto(url)
    page.wait_for_selector("body[data-ready]")
    return page


def findings(page: Page) -> list[str]:
    """What axe-core has against the page as it is now: the rule, and where."""
    found = Axe().run(page).response["violations"]
    return [f"{it['id']}: {it['help']} {[node['html'][:120] for node in it['nodes'][:3]]}" for it in found]


def found(page: Page) -> Locator:
    """The products that are offered for what was typed."""
    return page.get_by_role("listbox", name="Products found").get_by_role("option")


def drawn(page: Page, chart: str, name: str) -> dict[str, Any]:
    """A trace of a chart, as the chart library holds it."""
    code = "([chart, name]) => { const it = document.getElementById(chart).data.find((it) => it.name === name);"
    trace: dict[str, Any] = page.evaluate(code + " return { x: [...it.x], y: [...it.y] }; }", [chart, name])
    return trace
