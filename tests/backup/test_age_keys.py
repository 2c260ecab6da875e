"""Recipients and identities of age: against age itself, and when their text or a file is wrong."""

from __future__ import annotations

import io
import subprocess
from functools import partial
from pathlib import Path

import pytest

from strongroom.backup import bech32
from strongroom.backup.age import BadFile, Opener, Sealer, Stanza
from strongroom.backup.age_keys import Identity, Recipient, identities, unlock_by
from tests.parts import require_part

# Of BIP 173, "Test vectors".
VECTORS = [
    ("a", "A12UEL5L", b""),
    (
        "abcdef",
        "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
        bytes.fromhex("00443214c74254b635cf84653a56d7c675be77df"),
    ),
]


def sealed(content: bytes, *recipients: Recipient) -> bytes:
    file = io.BytesIO()
    sealer = Sealer(file, *(partial(Recipient.lock, recipient) for recipient in recipients))
    sealer.write(content)
    sealer.finish()
    return file.getvalue()


def opened(file: bytes, *by: Identity) -> bytes:
    return b"".join(Opener(io.BytesIO(file), partial(unlock_by, by)).chunks())


@pytest.mark.needs("age")
def test_age_and_we_open_what_the_other_sealed(tmp_path: Path) -> None:
    keygen, age = require_part("age-keygen"), require_part("age")
    file = tmp_path / "identity"
    told = subprocess.run([keygen, "-o", file], capture_output=True, text=True, check=True)
    (identity,) = identities(file.read_text())
    assert told.stderr.split()[-1] == str(identity.recipient)
    another, text = Identity.make()
    (tmp_path / "another").write_text(text)

    ours = sealed(b"from us", identity.recipient, another.recipient)
    for by in (file, tmp_path / "another"):
        done = subprocess.run([age, "-d", "-i", by], input=ours, capture_output=True, check=True)
        assert done.stdout == b"from us"
    to = ["-r", str(another.recipient), "-r", str(identity.recipient)]
    theirs = subprocess.run([age, *to], input=b"from age", capture_output=True, check=True).stdout
    assert opened(theirs, identity) == opened(theirs, another) == b"from age"


def test_others_open_nothing() -> None:
    (one, _), (two, _) = Identity.make(), Identity.make()
    with pytest.raises(BadFile, match="not encrypted to any of these identities"):
        opened(sealed(b"content", one.recipient), two)
    assert opened(sealed(b"content", one.recipient), two, one) == b"content"


def test_every_changed_byte_is_noticed() -> None:
    identity, _ = Identity.make()
    whole = sealed(b"content", identity.recipient)
    for at in range(len(whole)):
        with pytest.raises(BadFile):
            opened(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], identity)


def test_keys_of_no_strength_are_refused() -> None:
    identity, _ = Identity.make()
    with pytest.raises(ValueError, match="shared key"):
        Recipient.parse(bech32.encoded("age", bytes(32)))
    with pytest.raises(BadFile, match="damaged"):
        identity.unlock([Stanza(("X25519", "A" * 43), bytes(32))])


@pytest.mark.parametrize(("prefix", "text", "content"), VECTORS)
def test_bech32(prefix: str, text: str, content: bytes) -> None:
    assert bech32.decoded(prefix, text) == content
    assert bech32.encoded(prefix, content) == text.lower()


def test_one_wrong_letter_is_noticed_and_none_is_quoted() -> None:
    identity, text = Identity.make()
    assert repr(identity) == f"Identity({identity.recipient})"
    assert Identity.parse(text.lower()).recipient == identity.recipient
    start = len("AGE-SECRET-KEY-1")
    wrong = [text[:at] + ("Q" if text[at] != "Q" else "P") + text[at + 1 :] for at in range(74)]
    wrong += [text[:-1], text + "Q", text[:40].lower() + text[40:], text + "B", ""]
    wrong += [str(identity.recipient), bech32.encoded("age-secret-key-", bytes(31)).upper()]
    for way in wrong:
        with pytest.raises(ValueError, match=r"identity|text|letter") as caught:
            Identity.parse(way)
        assert text[start : start + 8] not in str(caught.value)
    with pytest.raises(ValueError, match="length"):
        Recipient.parse(bech32.encoded("age", bytes(31)))
    with pytest.raises(ValueError, match="cut off"):
        Recipient.parse("age1xyz")


def test_files_of_identities() -> None:
    (one, first), (two, second) = Identity.make(), Identity.make()
    found = identities(f"# created: today\n\n{first}\n  {second}\n")
    assert [identity.recipient for identity in found] == [one.recipient, two.recipient]
    assert len({one.recipient, two.recipient, found[0].recipient}) == 2
    with pytest.raises(ValueError, match="there is no identity"):
        identities("# nothing\n")
    with pytest.raises(ValueError, match=r"^line 2 is no identity of age"):
        identities(f"{first}\nAGE-PLUGIN-YUBIKEY-1QQQ\n")
