"""A store that moves from a key file to a token by its backup, and a token behind our plugin."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from strongroom.backup.age import Sealer, lock
from strongroom.backup.lines import PATH
from strongroom.server.encryption.sources import key_source
from strongroom.server.ground import StartError
from strongroom.server.restore import main
from strongroom.storage.encryption.plugin import PluginV2
from strongroom.storage.encryption.plugin_server import KMSServer
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError
from tests.server.conftest import SECRETS, running, secret
from tests.server.encryption.test_operations import ask, by_key
from tests.storage.encryption.softhsm import SoftHsm, with_key

pytestmark = pytest.mark.needs("softhsm2-util")


@pytest.fixture
def hsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    yield from with_key(tmp_path, monkeypatch)


async def test_a_store_moves_from_a_file_to_a_token(
    hsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.server.restore.harden", lambda: None)
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    async with running(before) as api:
        made = await api.ask("POST", SECRETS, secret("db", password="t0p"))
        content = (await api.ask("GET", PATH)).body
    backup, phrase = tmp_path / "store.backup", tmp_path / "phrase"
    phrase.write_text("open sesame\n")
    with backup.open("wb") as file:
        sealer = Sealer(file, partial(lock, passphrase=b"open sesame", work=1))
        sealer.write(content)
        sealer.finish()
    new = ("--encryption-key", hsm.uri("kek"))
    words = ["--input", str(backup), "--passphrase-file", str(phrase)]
    assert main([*words, "--data-dir", str(after / "data"), *new]) == 0
    chain = ("--audit-log-chain-key-file", str(tmp_path / "chain.key"))
    async with running(after, *new, *chain) as api:
        assert (await api.ask("GET", f"{SECRETS}/db")).json == made.json
        (key_id,) = by_key(await ask(api, "Status"))
        assert key_id.startswith("pkcs11:kek:01:")
        assert "in the token room/kek" in await ask(api, "Rotate", code=400)
    # The old store is as it was, and neither opens with the other's key.
    with pytest.raises(StartError):
        await running(before, *new, *chain).__aenter__()
    with hsm.away(), pytest.raises(StartError, match="there is no such token"):
        await running(after, *new, *chain).__aenter__()
    async with running(after, *new, *chain) as api:
        assert (await api.ask("GET", f"{SECRETS}/db")).json == made.json
    async with running(before) as api:
        assert (await api.ask("GET", f"{SECRETS}/db")).json == made.json


def test_any_api_server_may_use_the_token(hsm: SoftHsm, tmp_path: Path) -> None:
    service = key_source(hsm.uri("kek")).open()
    socket = tmp_path / "kms.sock"
    server = KMSServer(service, socket)
    plugin = PluginV2(f"unix://{socket}", 20.0)
    try:
        wrapped = plugin.encrypt(b"a seed")
        assert wrapped.key_id == plugin.status() == service.status()
        assert plugin.decrypt(wrapped) == b"a seed"
        with hsm.away(), pytest.raises(KeyServiceError):
            plugin.status()
        assert plugin.decrypt(wrapped) == b"a seed"
        with pytest.raises((DecryptionFailed, KeyServiceError)):
            plugin.decrypt(type(wrapped)(wrapped.ciphertext, "local:1"))
    finally:
        plugin.close()
        server.stop(0)
