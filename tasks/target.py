"""The function of a stage: the block that an operator filled in, else the one of that name."""

from blocks.document import NAME, find_in_run
from blocks.lambda_release import LambdaRelease


def find_target(stage: str, function: str = "") -> LambdaRelease:
    """Outside of a flow run no server is asked."""
    name = function or f"{NAME}-{stage}"
    return find_in_run(LambdaRelease, name) or LambdaRelease(function=name)
