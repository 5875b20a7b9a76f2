"""Routes of the merchandiser's desk beside the price API: decisions, the accepted list, past changes and promises.

They write to the lake: a server has them that stands on one's own desk, or behind a log-in of one's own. Where only the
price API answers, as behind CloudFront, the page shows the plan and decides nothing.
"""

import json
from functools import wraps
from typing import Any

from flask import Flask, Response, abort, request

from inference.settings import Settings
from pricewright.core.errors import ParameterError, PricewrightError
from tasks.accepted_list import FORMATS, written
from tasks.desk import Desk

LARGEST = 1 << 20  # bytes of a decision: 5,000 prices take half of it
TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
SAFE = {"x-content-type-options": "nosniff", "cache-control": "no-store"}


def add_desk(gateway: Flask, desk: Desk, settings: Settings) -> Flask:
    """The gateway with /desk/decisions, /desk/accepted.csv and .xlsx, and /desk/proof."""

    @gateway.get("/desk/decisions")
    @_answered
    def decisions() -> Response:
        return _json(desk.decisions())

    @gateway.post("/desk/decisions")
    @_answered
    def decide() -> Response:
        return _json(desk.decide(_asked()), 201)

    @gateway.get("/desk/proof")
    @_answered
    def proof() -> Response:
        return _json(desk.proof())

    @gateway.get("/desk/accepted.<form>")
    @_answered
    def accepted(form: str) -> Response:
        if form not in FORMATS:
            abort(404)
        release, rows = desk.accepted()
        locale = settings.locale or request.args.get("locale", "")
        body = written(rows, form, locale, settings.currency)
        name = {"content-disposition": f'attachment; filename="accepted-{release}.{form}"'}
        return Response(body, mimetype=None, content_type=TYPES[form], headers=SAFE | name)

    return gateway


def _answered(view: Any) -> Any:
    """The view, whose errors are answered as the price API answers its own."""

    @wraps(view)
    def answer(**segments: str) -> Response:
        try:
            found: Response = view(**segments)
        except PricewrightError as error:
            status = 422 if isinstance(error, ParameterError) else 503
            title = "This cannot be decided" if status == 422 else "The desk cannot answer"
            problem = {"title": title, "status": status, "detail": error.message, "hint": error.hint}
            return _json(problem, status, "application/problem+json")
        return found

    return answer


def _asked() -> dict[str, Any]:
    """The JSON object of a request. Another site's page cannot send one: it may not name this type of content."""
    size, kind = request.content_length or 0, request.mimetype or "no type"
    if kind != "application/json" or size > LARGEST:
        raise ParameterError(f"the request has {size:,} bytes of {kind}: JSON of at most {LARGEST:,} bytes is needed.")
    origin = request.headers.get("origin", "")
    if origin and origin.partition("://")[2] != request.host:
        raise ParameterError(f"the request comes from a page of {origin[:80]}: only the desk's own page decides.")
    content = request.get_json(silent=True)
    if not isinstance(content, dict):
        raise ParameterError("the request is no JSON object.")
    return content


def _json(content: Any, status: int = 200, kind: str = "application/json") -> Response:
    return Response(json.dumps(content), status, content_type=kind, headers=SAFE)
