"""Issuers on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.oidc_issuer import LocalIssuer, issuing


@pytest.fixture
async def issuer() -> AsyncIterator[LocalIssuer]:
    """An issuer of a test's own, which it may change."""
    async with issuing() as found:
        yield found
