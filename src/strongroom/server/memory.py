"""Whether the memory of processes that hold keys is kept out of swap, and what is told if not."""

from __future__ import annotations

import argparse
import logging
from typing import Final

from strongroom.process import lock_memory, swaps
from strongroom.storage.encryption.port import KeyServiceError

logger = logging.getLogger("strongroom.server")

AUTO, ALWAYS, NEVER = "auto", "always", "never"
LOCKING: Final = (AUTO, ALWAYS, NEVER)


def add_lock_option(group: argparse._ActionsContainer) -> None:
    """Have a parser know ``--lock-memory``."""
    group.add_argument(
        "--lock-memory",
        choices=LOCKING,
        default=AUTO,
        help="keep keys and values out of swap: on machines that swap, where the limit of locked "
        "memory is infinite (auto); always, or there is no start; or never",
    )


def keep_in_memory(wish: str) -> None:
    """Lock this process's memory as is wished, before it holds a key.

    Raises KeyServiceError when that is to be done and cannot.
    """
    if wish == NEVER or (wish == AUTO and not swaps()):
        return
    try:
        lock_memory()
    except OSError as error:
        if wish == ALWAYS:
            raise KeyServiceError(f"memory cannot be locked: {error.strerror}") from error
        logger.warning("keys may come to the disk that this machine swaps to: %s", error.strerror)
