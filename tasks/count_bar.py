"""A bar in Prefect's UI for work that is counted, such as weeks; outside of a flow run nobody sees it."""

from typing import Any


class CountBar:
    """So many of a total are done."""

    def __init__(self, key: str, total: int) -> None:
        self._key, self._total, self._done = key, max(total, 1), 0
        self._artifact: Any = None

    def show(self, done: int, words: str = "") -> None:
        """So many are done."""
        from prefect.artifacts import create_progress_artifact, update_progress_artifact
        from prefect.context import FlowRunContext

        self._done = done
        if FlowRunContext.get() is None:
            return
        share = 100.0 * done / self._total
        if self._artifact is None:
            self._artifact = create_progress_artifact(share, key=self._key, description=words or None)
        else:
            update_progress_artifact(self._artifact, share, description=words or None)

    def step(self, words: str) -> None:
        """One more is done."""
        self.show(self._done + 1, words)
