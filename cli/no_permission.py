"""A file or folder that this user may not read or write, whichever library met it."""

import errno

from cli.full_disk import causes
from pricewright.core.errors import PricewrightError

REFUSED = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))


def no_permission(error: BaseException) -> PricewrightError | None:
    """The error to show where a right is missing behind this one; None where it is something else."""
    for cause in causes(error):
        if isinstance(cause, OSError) and cause.errno in REFUSED and cause.filename:
            return PricewrightError(
                f"{cause.filename} cannot be used by this user: {cause.strerror}.",
                hint="give the user the right to read the source, and to write the checkout and the lake; or copy the "
                "checkout to a folder of the user's own.",
            )
    return None
