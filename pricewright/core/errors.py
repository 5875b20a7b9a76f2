"""Every error that Pricewright raises on purpose, as one tree.

PricewrightError
├── SourceError            the transactions cannot be used; nothing was written (exit code 2)
├── ParameterError         a parameter or an argument breaks its rule (exit code 2)
│   └── InvalidItem        what names a product cannot be a stock code (exit code 2)
├── UnknownSku             the SKU is in no release
├── ModelError             a model cannot be fitted or does not keep its promises
├── ReleaseError           a release is incomplete, altered or cannot be loaded
├── ChannelConflict        another writer moved the channel pointer first
├── GateBlocked            a gate stops the promotion
├── DeploymentError        flows or the function were not deployed as asked
├── ApprovalError          an approval is missing, forged, expired, or about another release
├── LedgerError            a stage's inputs are missing, or moved while it ran
└── LakeError              the object store cannot be reached or refuses
"""


class PricewrightError(Exception):
    """Base of the tree. `message` says what, the value seen and the rule; `hint` what to do about it."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} hint: {hint}" if hint else message)
        self.message = message
        self.hint = hint


class SourceError(PricewrightError):
    """The transactions cannot be used: a missing column, an unreadable value, no table."""

    exit_code = 2


class ParameterError(PricewrightError, ValueError):
    """A parameter or an argument breaks its rule."""

    exit_code = 2


class InvalidItem(ParameterError):
    """A stock code is blank, too long, or holds what no code does."""


class UnknownSku(PricewrightError, KeyError):
    """No release knows this SKU."""

    def __str__(self) -> str:  # KeyError would show the message in quotes
        return str(self.args[0])


class ModelError(PricewrightError):
    """A model cannot be fitted, converted or trusted."""


class ReleaseError(PricewrightError):
    """A release is incomplete, altered or cannot be loaded."""


class ChannelConflict(PricewrightError):
    """Another writer moved the channel pointer between our read and our write."""


class GateBlocked(PricewrightError):
    """A gate's verdict is `block`: the promotion stops and the channel stays as it was."""


class DeploymentError(PricewrightError):
    """Flows, schedules or the function are not deployed as asked."""


class ApprovalError(PricewrightError):
    """An approval is missing, forged, expired, or about another release."""


class LedgerError(PricewrightError):
    """A stage cannot be recorded: an input is missing or moved while it ran, an output was not written."""


class LakeError(PricewrightError):
    """The object store cannot be reached, or refuses."""
