"""Where the JavaScript client is, which npm installs beside its lock."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from tests.parts import require_part

HERE: Final = Path(__file__).parent / "js"


def require_client() -> Path:
    """Node, when the client is there; else the test is skipped, and failed where CI is set."""
    node = require_part("node")
    if not (HERE / "node_modules" / "@kubernetes" / "client-node").is_dir():
        reason = "the JavaScript client is not installed; install it with: make js"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return node
