"""What is read off bootstrap tokens, and the signature that they make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from strongroom.resources.bootstrap_token import (
    allows,
    group_error,
    groups_of,
    has_expired,
    parse_token,
    signing_key,
    time_left,
    usages_error,
)
from strongroom.resources.cluster_info import detached_signature, is_signed
from strongroom.resources.secret import BOOTSTRAP_TOKEN, OPAQUE, Secret

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
GOOD = {
    "token-id": b"abcdef",
    "token-secret": b"0123456789abcdef",
    "usage-bootstrap-signing": b"true",
    "usage-bootstrap-authentication": b"true",
}


def token(name: str = "bootstrap-token-abcdef", of: str = BOOTSTRAP_TOKEN, **data: bytes) -> Secret:
    """A good one, with these keys (``_`` for ``-``) changed; empty values are left out."""
    changed = GOOD | {key.replace("_", "-"): content for key, content in data.items()}
    made = Secret(type=of, data={k: v for k, v in changed.items() if v})
    made.metadata.name = name
    return made


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("abcdef.0123456789abcdef", ("abcdef", "0123456789abcdef")),
        ("abcde.0123456789abcdef", None),
        ("abcdef.0123456789abcde", None),
        ("abcdef.0123456789abcdef\n", None),
        ("ABCDEF.0123456789abcdef", None),
        ("abcdef0123456789abcdef", None),
        ("eyJh.eyJp.c2ln", None),
        ("", None),
    ],
)
def test_a_token_is_an_id_and_a_secret(text: str, parts: tuple[str, str] | None) -> None:
    assert parse_token(text) == parts


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (b"", None),
        (b"2026-01-01T12:00:01Z", timedelta(seconds=1)),
        (b"2026-01-01T12:00:00Z", timedelta()),
        (b"2025-12-31T12:00:00Z", timedelta()),
        (b"2026-01-01T14:00:00+01:00", timedelta(hours=1)),
        (b"2026-01-01T12:00:00.123456789Z", timedelta(microseconds=123456)),
        # Ends that cannot be read have passed: no time, no zone, no such day.
        (b"2026-02-01", timedelta()),
        (b"20260201T120000Z", timedelta()),
        (b"2026-02-01T12:00:00", timedelta()),
        (b"2026-02-30T12:00:00Z", timedelta()),
        (b"never", timedelta()),
        (b"\xff", timedelta()),
    ],
)
def test_how_long_a_token_holds(text: bytes, left: timedelta | None) -> None:
    made = token(expiration=text)
    assert time_left(made, NOW) == left
    assert has_expired(made, NOW) == (left == timedelta())


def test_usages_must_say_true() -> None:
    assert allows(token(), "signing")
    for content in (b"", b"false", b"True", b"1"):
        assert not allows(token(usage_bootstrap_signing=content), "signing")
    assert usages_error(["authentication", "signing"]) is None
    assert usages_error(["b", "signing", "a"]) == (
        "invalid bootstrap token usage string: a,b, valid usage options: signing,authentication"
    )


@pytest.mark.parametrize(
    ("extra", "groups"),
    [
        (b"", ("system:bootstrappers",)),
        (
            b"system:bootstrappers:z,system:bootstrappers:a:b-1,system:bootstrappers:z",
            ("system:bootstrappers", "system:bootstrappers:a:b-1", "system:bootstrappers:z"),
        ),
    ],
)
def test_groups_are_sorted_and_each_once(extra: bytes, groups: tuple[str, ...]) -> None:
    assert groups_of(token(auth_extra_groups=extra)) == groups


@pytest.mark.parametrize(
    "name",
    [
        "",
        "system:masters",
        "system:bootstrappers:",
        "system:bootstrappers:a-",
        "system:nodes",
        "system:bootstrappers:A",
        "system:bootstrappers:" + "a" * 257,
        "system:bootstrappers:a\n",
    ],
)  # fmt: skip - a list of words
def test_other_groups_are_none_that_a_token_can_bring(name: str) -> None:
    problem = group_error(name)
    assert problem is not None
    assert problem.endswith(r"must match \Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\z)")
    with pytest.raises(ValueError, match="is invalid"):
        groups_of(token(auth_extra_groups=f"system:bootstrappers:ok,{name}".encode()))


def test_the_longest_group() -> None:
    assert group_error("system:bootstrappers:" + "a" * 256) is None


@pytest.mark.parametrize(
    "made",
    [
        token(of=OPAQUE),
        token("bootstrap-token-abcdeg"),
        token("other"),
        token(token_id=b""),
        token(token_secret=b""),
        token(usage_bootstrap_signing=b""),
        token(expiration=b"2026-01-01T12:00:00Z"),
        token("bootstrap-token-abcdefg", token_id=b"abcdefg"),
    ],
)
def test_what_may_not_sign(made: Secret) -> None:
    assert signing_key(token(), NOW) == ("abcdef", b"0123456789abcdef")
    assert signing_key(made, NOW) is None


SONG = "Hello from the other side. I must have called a thousand times."
HEADER = "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9.."


@pytest.mark.parametrize(
    ("content", "key", "signature"),
    [
        (SONG, b"my voice is my passcode", "VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8"),
        ("", b"my voice is my passcode", "7Ui1ALizW4jXphVUB7xUqC9vLYLL9RZeOFfVLoB7Tgk"),
        (SONG, b"", "UfkqvDGiIFxrMnFseDj9LYJOLNrvjW8aHhF71mvvAs8"),
    ],
)
def test_signatures_are_upstreams(content: str, key: bytes, signature: str) -> None:
    """The vectors of ``k8s.io/cluster-bootstrap/token/jws/jws_test.go``."""
    assert detached_signature(content, "joshua", key) == HEADER + signature


def test_only_the_tokens_own_signature_of_this_kubeconfig_counts() -> None:
    key = b"0123456789abcdef"
    data = {"kubeconfig": "k", "jws-kubeconfig-abcdef": detached_signature("k", "abcdef", key)}
    assert is_signed(data, "abcdef", key)
    assert not is_signed(data, "abcdef", b"0123456789abcdeg")
    assert not is_signed(data, "abcdeg", key)
    assert not is_signed(data | {"kubeconfig": "K"}, "abcdef", key)
    without = {"jws-kubeconfig-abcdef": detached_signature("", "abcdef", key)}
    assert not is_signed(without, "abcdef", key)
    assert not is_signed(data | {"jws-kubeconfig-abcdef": "é"}, "abcdef", key)
