"""All is gone with the key: what docs/operations.md says of destroying it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from strongroom.server.ground import StartError
from tests.server.conftest import running, secret


async def test_without_the_key_nothing_opens_and_nothing_is_made(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        key = tmp_path / "keys" / "the.key"
        done = await run.ask(
            "POST", "/api/v1/namespaces/default/secrets", secret("db", a="hunter2")
        )
        assert done.code == 201
    key.unlink()
    before = {path.name: path.read_bytes() for path in (tmp_path / "data" / "store").iterdir()}
    with pytest.raises(StartError, match=r"there is no key file .*: restore it from its backup"):
        async with running(tmp_path):
            pass
    after = {path.name: path.read_bytes() for path in (tmp_path / "data" / "store").iterdir()}
    assert after == before
    assert not key.exists()
    for value in (b"hunter2", base64.b64encode(b"hunter2")):
        assert not any(value in content for content in after.values())
