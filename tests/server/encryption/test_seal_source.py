"""Key files that a TPM or age seals, as a server opens them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.backup.age_keys import Identity
from strongroom.server.encryption.file_source import FileSource
from strongroom.server.encryption.seal_source import ByAge, ByTPM
from strongroom.server.ground import StartError
from strongroom.server.options import parse_options
from tests.server.conftest import SECRETS, running, secret
from tests.server.encryption.test_operations import ask, by_key
from tests.server.encryption.test_sources import private
from tests.storage.encryption.softtpm import SoftTPM

Home = tuple[str, Callable[[], object], Callable[[], object]]
"""What follows the file's name, what takes away what opens it, and what brings that back."""
RECIPIENT = str(Identity.make()[0].recipient)


@pytest.fixture
def by_tpm() -> Iterator[Home]:
    tpm = SoftTPM()
    yield f"?pcrs=sha256:0,7&tcti={tpm.tcti}", tpm.stop, tpm.start
    tpm.close()


@pytest.fixture
def by_age(tmp_path: Path) -> Home:
    path = private(tmp_path / "identity", Identity.make()[1])
    away = tmp_path / "elsewhere"
    return f"?identity={path}", lambda: path.rename(away), lambda: away.rename(path)


WAYS = [
    ("tpm", "there is no TPM at swtpm"),
    ("age", "cannot read the identity file"),
]


@pytest.mark.parametrize(("scheme", "message"), WAYS)
async def test_a_server_whose_key_is_sealed(
    scheme: str, message: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings, take_away, bring_back = request.getfixturevalue(f"by_{scheme}")
    key = tmp_path / "keys" / "the.key"
    arguments = ["--encryption-key", f"{scheme}:{key}{settings}"]
    async with running(tmp_path, *arguments) as api:
        await api.ask("POST", SECRETS, secret("db", password="t0p"))
        (old,) = by_key(await ask(api, "Status"))
        take_away()
        if scheme == "tpm":
            # What was open stays so: a rotation needs no TPM. An identity is asked for each time.
            new = (await ask(api, "Rotate"))["newKeyID"]
            assert set(by_key(await ask(api, "Status"))) == {new, old}
    content = key.read_bytes()
    with pytest.raises(StartError, match=message):
        await running(tmp_path, *arguments).__aenter__()
    with pytest.raises(StartError, match=f"name it as {scheme}:"):
        await running(tmp_path).__aenter__()
    assert key.read_bytes() == content
    bring_back()
    async with running(tmp_path, *arguments) as api:
        found = await api.ask("GET", f"{SECRETS}/db")
        assert found.json["data"] == {"password": "dDBw"}


NAMES = [
    ("tpm:/etc/key", "/etc/key", ByTPM()),
    ("tpm:///etc/key?pcrs=sha256:7,0", "/etc/key", ByTPM("sha256:0,7")),
    ("tpm:/etc/key?tcti=device:/dev/tpm0", "/etc/key", ByTPM(None, "device:/dev/tpm0")),
    ("age:/etc/key?identity=/etc/id", "/etc/key", ByAge(Path("/etc/id"))),
    pytest.param(
        f"age:/k?identity=/etc/a%26b&recipient={RECIPIENT}",
        "/k",
        ByAge(Path("/etc/a&b"), (RECIPIENT,)),
        # Every process makes another: in the name of the test, workers would not know it again.
        id="age with a recipient",
    ),
]


@pytest.mark.parametrize(("text", "path", "sealing"), NAMES)
def test_names_of_sealed_files(text: str, path: str, sealing: ByTPM | ByAge) -> None:
    found = parse_options(["--encryption-key", text]).encryption.encryption_key
    assert found == FileSource(Path(path), sealing)
    again = parse_options(["--encryption-key", str(found)]).encryption.encryption_key
    assert again == found


def test_pods_see_no_identity() -> None:
    found = FileSource(Path("/k"), ByAge(Path("/id"), (RECIPIENT,)))
    assert found.files == (Path("/k"), Path("/id"))
    assert found.facts["source"] == f"age:/k?identity=/id&recipient={RECIPIENT}"
    assert FileSource(Path("/k"), ByTPM()).files == (Path("/k"),)


WRONG = [
    ("tpm:", r"expected tpm:FILE\[\?pcrs=sha256:0,7\]"),
    ("tpm:?pcrs=sha256:7", "the file's name is missing"),
    ("tpm:k?pcrs=7", "PCRs are named as sha256:0,7"),
    ("tpm:k?pcrs=sha256:7&pcrs=sha256:8", "each setting stands once"),
    ("tpm:k?tcti=", "each setting stands once"),
    ("tpm:k?identity=f", "there is no setting 'identity'"),
    ("tpm:k?pcrs", "bad query field"),
    ("age:k", "the file of the identity is missing"),
    ("age:k?identity=-", "the file of the identity is missing"),
    ("age:k?identity=f&recipient=age1qqqq", "expected age:FILE"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_names_that_are_refused(
    text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_options(["--encryption-key", text])
    told = capsys.readouterr().err
    assert re.search(message, told)
