"""What became of one check of an audit."""

from dataclasses import dataclass

from pricewright.audit import Finding


@dataclass(frozen=True)
class Checked:
    """name: what was looked at; words: how much of it; findings: what is wrong, nothing where all is well."""

    name: str
    words: str
    findings: tuple[Finding, ...] = ()
