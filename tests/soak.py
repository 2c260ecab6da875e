"""How often what is repeated is repeated: `make soak` sets STRONGROOM_SOAK."""

import os


def times(count: int) -> int:
    """``count`` in ``make test``, that many times more in ``make soak``."""
    return count * int(os.environ.get("STRONGROOM_SOAK", "1"))
