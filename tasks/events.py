"""What happens to gates and releases, as events of Prefect, which automations wait for. Outside of a run: nothing."""

from typing import Any

GATE = "pricewright.gate."
RELEASE = "pricewright.release."
API = "pricewright.price-api"
BACKUP, NETWORK, SILENT = f"{API}.serves-from-backup", f"{API}.serves-from-network", f"{API}.silent"


def tell_gate(gate: str, status: str, worst: str) -> None:
    """`pricewright.gate.ok`, `.warned` or `.blocked`, about the gate."""
    said = {"ok": "ok", "warn": "warned", "block": "blocked"}[status]
    _emit(f"{GATE}{said}", f"{GATE}{gate}", {"gate": gate, "status": status, "worst": worst})


def tell_release(release: str, channel: str, previous: str | None) -> None:
    """`pricewright.release.promoted`, about the release."""
    _emit(f"{RELEASE}promoted", f"{RELEASE}{release}", {"channel": channel, "previous": previous or ""})


def _emit(event: str, resource: str, payload: dict[str, Any]) -> None:
    from prefect.context import FlowRunContext
    from prefect.events import emit_event

    context = FlowRunContext.get()
    if context and context.flow_run:
        run = {"prefect.resource.id": f"prefect.flow-run.{context.flow_run.id}", "prefect.resource.role": "flow-run"}
        about = {"prefect.resource.id": resource, "prefect.resource.name": resource}
        emit_event(event, about, related=[run], payload=payload)
