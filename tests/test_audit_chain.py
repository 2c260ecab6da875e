"""The links of an audit log, and the files with its key and its head."""

import hmac
import json
from pathlib import Path

import pytest

from strongroom.audit_chain import (
    START,
    Chain,
    ChainError,
    ChainKey,
    Head,
    HeadFile,
    boot_id,
    link_of,
    read_head,
)

KEY = bytes(range(32))
PLAIN = b'{"auditID":"1","stageTimestamp":"t"}\n'
ANNOTATED = b'{"auditID":"2","annotations":{"a":"b"}}\n'


def test_the_form_of_links_is_settled() -> None:
    """Logs that were written once must be verified for ever."""
    chain = Chain(ChainKey(KEY))
    first, second = chain.link(PLAIN), chain.link(ANNOTATED, lost=3)
    head = PLAIN[:-2] + b',"annotations":{"chain.strongroom.io/link":"1.%b.' % START.encode()
    mac = hmac.digest(KEY, head, "sha256").hex()[:32].encode()
    assert first == head + mac + b'"}}\n'
    told = b',"chain.strongroom.io/lost":"3","chain.strongroom.io/link":"2.%b.' % mac
    head = ANNOTATED[:-3] + told
    assert second == head + hmac.digest(KEY, head, "sha256").hex()[:32].encode() + b'"}}\n'
    assert json.loads(second)["annotations"].keys() == {
        "a",
        "chain.strongroom.io/lost",
        "chain.strongroom.io/link",
    }


def test_empty_annotations_stay_json() -> None:
    line = Chain(ChainKey(KEY)).link(b'{"annotations":{}}\n', lost=1)
    assert len(json.loads(line)["annotations"]) == 2


def test_a_key_proves_its_own_lines_only() -> None:
    key, other = ChainKey(KEY), ChainKey(bytes(32))
    line = Chain(key, 6, "ab" * 16).link(PLAIN)
    link = link_of(line)
    assert link is not None
    assert (link.sequence, link.previous) == (7, "ab" * 16)
    assert key.proves(line, link)
    assert not other.proves(line, link)
    for at in range(len(line) - 38):
        changed = bytearray(line)
        changed[at] ^= 1
        assert not key.proves(bytes(changed), link)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        PLAIN,
        b'{"annotations":{"chain.strongroom.io/link":"1.x.y"}}\n',
        Chain(ChainKey(KEY)).link(PLAIN)[:-1],
        Chain(ChainKey(KEY)).link(PLAIN) + b"\n",
        Chain(ChainKey(KEY)).link(PLAIN).replace(b"link", b"lnik"),
    ],
)
def test_other_lines_have_no_link(line: bytes) -> None:
    assert link_of(line) is None


def test_a_chain_follows_its_own_next_line_only() -> None:
    key = ChainKey(KEY)
    chain = Chain(key)
    lines = [chain.link(PLAIN) for _ in range(3)]
    follower = Chain(key)
    assert not follower.follow(lines[1])
    assert not follower.follow(PLAIN)
    assert not follower.follow(Chain(ChainKey(bytes(32))).link(PLAIN))
    assert all(follower.follow(line) for line in lines)
    assert (follower.sequence, follower.mac) == (chain.sequence, chain.mac)


def test_a_key_file_is_private_and_tells_its_id(tmp_path: Path) -> None:
    path = tmp_path / "new" / "the.audit.key"
    made = ChainKey.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert ChainKey.load(path).id == made.id
    assert repr(made) == f"ChainKey({made.id})"
    with pytest.raises(FileExistsError):
        ChainKey.create(path)


@pytest.mark.parametrize("at", [0, 50, 90])
def test_a_changed_key_file_is_refused(tmp_path: Path, at: int) -> None:
    path = tmp_path / "the.audit.key"
    ChainKey.create(path)
    text = bytearray(path.read_bytes())
    text[at] = ord("A") if text[at] != ord("A") else ord("B")
    path.write_bytes(text)
    with pytest.raises(ChainError, match="is damaged"):
        ChainKey.load(path)


def test_a_head_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "the.audit.head"
    assert read_head(path) is None
    head = HeadFile(path)
    assert read_head(path) is None
    head.write(12, "ab" * 16)
    head.write_floor(4)
    assert read_head(path) == Head(12, "ab" * 16, 4, boot_id())
    head.write(5, "cd" * 16)
    head.close()
    again = HeadFile(path, read_head(path))
    again.write(6, "ef" * 16)
    again.close()
    assert read_head(path) == Head(6, "ef" * 16, 4, boot_id())
    assert path.stat().st_mode & 0o777 == 0o600
