"""Homes of the key-encryption key, as a server opens them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strongroom.server.encryption.file_source import CLEAR, FileSource, UnderPassphrase
from strongroom.server.ground import StartError
from strongroom.server.options import parse_options
from strongroom.server.runfile import RunFile
from strongroom.server.storage import open_store
from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.passphrase import PassphraseSeal
from strongroom.storage.encryption.port import KeyServiceError
from tests.server.conftest import SECRETS, running, secret
from tests.server.encryption.test_operations import ask, by_key, rewrapped


def private(path: Path, text: str) -> Path:
    path.touch(0o600)
    path.write_text(text)
    return path


def given(directory: Path, phrase: str = "open sesame\n") -> list[str]:
    """The arguments of a server with a passphrase."""
    path = private(directory / "phrase", phrase)
    key = directory / "keys" / "the.key"
    return ["--encryption-key", f"passphrase:{key}", "--encryption-passphrase-file", str(path)]


async def test_a_server_under_a_passphrase(tmp_path: Path) -> None:
    arguments = given(tmp_path)
    key = tmp_path / "keys" / "the.key"
    async with running(tmp_path, *arguments) as api:
        await api.ask("POST", SECRETS, secret("db", password="t0p"))
        (old,) = by_key(await ask(api, "Status"))
        new = (await ask(api, "Rotate"))["newKeyID"]
        await ask(api, "Rewrap")
        status = await rewrapped(api)
        assert by_key(status) == {new: status["rewrap"]["seen"], old: 0}
    content = key.read_text()
    assert content.startswith("strongroom sealed keys, version 1\n")
    async with running(tmp_path, *arguments) as api:
        found = await api.ask("GET", f"{SECRETS}/db")
        assert found.json["data"] == {"password": "dDBw"}
    # Whoever has another passphrase, or none, gets nothing and breaks nothing.
    given(tmp_path, "open barley\n")
    with pytest.raises(StartError, match="the passphrase does not open"):
        await running(tmp_path, *arguments).__aenter__()
    with pytest.raises(StartError, match="is sealed under a passphrase"):
        await running(tmp_path).__aenter__()
    assert key.read_text() == content
    key.unlink()
    with pytest.raises(StartError, match="there is no key file"):
        await running(tmp_path, *arguments).__aenter__()
    assert not key.exists()


def test_a_passphrase_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(KeyServiceError, match="no passphrase is given"):
        FileSource(tmp_path / "key", UnderPassphrase()).open(new=True)
    assert not list(tmp_path.iterdir())


async def test_what_is_told_of_the_source(tmp_path: Path) -> None:
    options = parse_options(["--data-dir", str(tmp_path / "data"), *given(tmp_path)])
    options.data_dir.mkdir()
    opened = await open_store(options.data_dir, options.store, options.encryption, options.etcd)
    RunFile(options, "https://127.0.0.1:1", opened)
    told = json.loads((options.data_dir / "run" / "apiserver.json").read_text())["encryption"]
    key = tmp_path / "keys" / "the.key"
    assert told["source"] == f"passphrase:{key}"
    assert told["files"] == [str(key), str(tmp_path / "phrase")]
    seal = PassphraseSeal(lambda: b"open sesame")
    assert told["keyID"] == KeyRing.load(key, seal).status()


@pytest.mark.parametrize(
    ("text", "path", "sealed"),
    [
        ("file:/etc/key", "/etc/key", False),
        ("file:///etc/key", "/etc/key", False),
        ("passphrase:/etc/a:b", "/etc/a:b", True),
        ("passphrase:key", str(Path.cwd() / "key"), True),
    ],
)
def test_names_of_files(text: str, path: str, sealed: bool) -> None:
    found = parse_options(["--encryption-key", text]).encryption.encryption_key
    assert found == FileSource(Path(path), UnderPassphrase() if sealed else CLEAR)


WRONG = [
    (["--encryption-key", "/etc/key"], "expected file:FILE"),
    (["--encryption-key", "file:"], "expected file:FILE"),
    (["--encryption-key", "tape:reel"], "expected file:FILE"),
    (["--encryption-key", "file:a", "--encryption-key-file", "b"], "not allowed with"),
    (["--encryption-passphrase-file", "a"], "a passphrase is for a key that is named"),
    (["--encryption-key", "file:a", "--encryption-passphrase-file", "b"], "a passphrase is for"),
    (
        ["--encryption-key", "passphrase:a", "--encryption-passphrase-file", "-", "--workers", "2"],
        "every worker reads the passphrase",
    ),
]


@pytest.mark.parametrize(("argv", "message"), WRONG)
def test_settings_that_do_not_fit(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_options(argv)
    assert message in capsys.readouterr().err
