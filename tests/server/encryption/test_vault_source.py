"""Keys in Vault as settings name them, and a server whose key OpenBao holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.server.encryption.vault_source import VaultSource, vault_source
from strongroom.server.ground import StartError
from strongroom.server.options import parse_options
from tests.server.conftest import SECRETS, running, secret
from tests.server.encryption.test_operations import ask, by_key, rewrapped
from tests.storage.encryption.bao import Bao
from tests.waiting import until


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    server = Bao(tmp_path_factory.mktemp("bao"))
    yield server
    server.stop()


@pytest.mark.needs("bao")
async def test_a_server_whose_key_is_in_vault(
    bao: Bao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.server.encryption.asking.ASK_AGAIN", 0.1)
    token = bao.token_file("strongroom")
    # The audit log's key would lie beside the key file, which there is none of.
    chain = ("--audit-log-chain-key-file", str(tmp_path / "chain.key"))
    arguments = ("--encryption-key", f"vault:{bao.uri(token)}", *chain)
    async with running(tmp_path, *arguments) as api:
        await api.ask("POST", SECRETS, secret("db", password="t0p"))
        (old,) = by_key(await ask(api, "Status"))
        assert old == "vault:transit/strongroom:v1"
        assert (await api.ask("GET", "/readyz/kms-providers")).code == 200
        refused = await ask(api, "Rotate", code=400)
        assert "rotate it there (`bao write -f transit/keys/strongroom/rotate`)" in refused
        assert "keys rewrap" in await ask(api, "Prune", code=400)
        bao.rotate()

        async def writes() -> bool:
            keys = (await ask(api, "Status"))["keys"]
            return [key["keyID"] for key in keys if key.get("writes")] == [f"{old[:-1]}2"]

        await until(writes)
        await ask(api, "Rewrap")
        status = await rewrapped(api)
        assert by_key(status)[old] == 0
        assert status["provider"].endswith(f"vault:{bao.url}/transit/keys/strongroom")
    async with running(tmp_path, *arguments) as api:
        found = await api.ask("GET", f"{SECRETS}/db")
        assert found.json["data"] == {"password": "dDBw"}
        token.write_text("s.nobody\n")

        async def unwell() -> bool:
            return (await api.ask("GET", "/readyz/kms-providers")).code != 200

        await until(unwell)
        # What is known is read without it.
        assert (await api.ask("GET", f"{SECRETS}/db")).code == 200
    with pytest.raises(StartError, match="encrypt is denied to us"):
        await running(tmp_path, *arguments).__aenter__()


LOGINS = {
    "auth=kubernetes&role=r&jwt-file=/j": ("/j",),
    "auth=kubernetes&role=r": (),
    "auth=approle&role-id-file=/r&secret-id-file=/s": ("/r", "/s"),
    "auth=cert&cert-file=/c&key-file=/k": ("/k",),
    "token-file=/t&namespace=ns1/ns2&timeout=3s&ca-file=/ca": ("/t",),
}


@pytest.mark.parametrize("query", LOGINS)
def test_what_settings_say(query: str) -> None:
    found = vault_source(f"https://vault.example:8200/team/transit/keys/k1?{query}")
    assert str(found) == "vault:https://vault.example:8200/team/transit/keys/k1"
    assert (found.key.mount, found.key.name) == ("team/transit", "k1")
    assert tuple(str(path) for path in found.files) == LOGINS[query]
    assert found.open().quick is False
    assert (found.link.namespace, found.link.timeout) == (
        ("ns1/ns2", 3.0) if "namespace" in query else ("", 10.0)
    )


def test_relative_files_are_those_of_now() -> None:
    found = parse_options(
        ["--encryption-key", "vault:https://v/transit/keys/k?token-file=t"]
    ).encryption.encryption_key
    assert isinstance(found, VaultSource)
    assert found.files == (Path.cwd() / "t",)


WRONG = {
    "https://v/transit/keys/k": "auth=token needs token-file",
    "https://v/transit/keys/k?auth=approle&role-id-file=r": "auth=approle needs secret-id-file",
    "https://v/transit/keys/k?auth=magic": "auth is one of",
    "https://v/transit/k?token-file=t": "the path of the key",
    "https://v/transit/keys/?token-file=t": "the path of the key",
    "https://v/transit/keys/k?token=hunter2": "there is no setting 'token'",
    "https://v/transit/keys/k?token-file=a&token-file=b": "once, with a value",
    "https://v/transit/keys/k?token-file=": "once, with a value",
    "https://v/transit/keys/k?token-file=t&timeout=soon": "timeout: expected a duration",
    "http://v/transit/keys/k?token-file=t": "http on loopback only",
}


@pytest.mark.parametrize("uri", WRONG)
def test_settings_that_are_wrong(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options(["--encryption-key", f"vault:{uri}"])
    told = capsys.readouterr().err
    assert WRONG[uri] in told
    assert "hunter2" not in told
