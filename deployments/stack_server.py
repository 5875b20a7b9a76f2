"""The stack's Prefect server: Prefect's own application, under names of this machine alone, and `/open`.

`up` prints the link to `/open`: its page keeps the log-in where Prefect's UI looks for it, and goes on to the UI.
What is after the # of a link stays in the browser.
"""

from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from prefect.server.api.server import create_app
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp

from inference.dev_server import OWN_NAMES

KEPT_AS = "prefect-password"  # in the browser's storage for this address, where the UI itself keeps it
PAGE = f"""<!doctype html><meta charset="utf-8"><title>Prefect</title><script>
if (location.hash.length > 1) localStorage.setItem("{KEPT_AS}", location.hash.slice(1));
location.replace("/");
</script>
"""


def make_app() -> ASGIApp:
    """The application as `prefect server start` serves it; uvicorn calls this.

    The hosts are checked around it, not in it: Prefect's automations ask the same application, in its own process
    and by a name of their own.
    """
    app = create_app(final=True)
    app.router.routes.insert(0, APIRoute("/open", _open, include_in_schema=False))  # the UI answers everything else
    return TrustedHostMiddleware(app, allowed_hosts=OWN_NAMES, www_redirect=False)


def _open() -> HTMLResponse:
    return HTMLResponse(PAGE, headers={"cache-control": "no-store", "referrer-policy": "no-referrer"})
