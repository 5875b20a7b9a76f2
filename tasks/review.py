"""What a reviewer sees: the candidate beside what is served, its gates, its biggest price moves, the reports."""

from tasks.candidate import Candidate
from tasks.markdown import links, shown, table


def review_page(candidate: Candidate, trouble: str = "") -> str:
    """Markdown; `trouble` says why the last answer was not taken."""
    against = f"`{candidate.served}`" if candidate.served else "nothing yet"
    warned = f"**{', '.join(candidate.warned)} did not say ok**: approving needs a reason in `override`."
    parts = [
        f"# {candidate.release} for {candidate.channel}",
        f"Served now: {against}.",
        f"**The last answer was not taken**: {shown(trouble)}" if trouble else "",
        "## Metrics, one week ahead on the last full weeks",
        table(candidate.metrics),
        "## Gates",
        warned if candidate.warned else "All checks are ok.",
        table(candidate.gates),
        "## Biggest price moves",
        table(candidate.moves),
        "## Reports",
        links(candidate.links),
        "## To decide",
        "`pricewright approve` or `pricewright reject` in a terminal that holds the approval key; or here, with what "
        f"`pricewright sign {candidate.release}` prints.",
    ]
    return "\n\n".join(part for part in parts if part)
