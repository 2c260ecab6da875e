"""When Secrets expire and are due, from every place that may tell it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.resources.secret import BOOTSTRAP_TOKEN, Secret
from strongroom.resources.secret_expiry import (
    Facts,
    annotation_problems,
    changed_at,
    expiry_of,
    facts_of,
    facts_of_metadata,
    parse_span,
    token_end,
)
from tests.resources.making import made
from tests.resources.test_certificate_times import START, certificate

CREATED = "2026-01-01T00:00:00Z"
PATH = "metadata.annotations[strongroom.io/expires-at]"
ROTATE = "metadata.annotations[strongroom.io/rotate-after]"


def _secret(annotations: dict[str, str] | None = None, kind: str = "", **values: bytes) -> Secret:
    data = {key.replace("_", "."): base64.b64encode(v).decode() for key, v in values.items()}
    meta = {"name": "s", "creationTimestamp": CREATED, "annotations": annotations or {}}
    return made({"metadata": meta, "data": data, "type": kind}, Secret)


def token(claims: Any, header: Any = {"alg": "RS256"}, signature: bytes = b"AAAA") -> bytes:  # noqa: B006 - read only
    """An unsigned JWT."""
    parts = (
        base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in (header, claims)
    )
    return b".".join([*parts, signature])


def deep(header: str, claims: str, before: str = "[", after: str = "]") -> bytes:
    """A token of which a part has brackets within brackets, more than anybody recurses into."""
    inner = before * 4000 + "1" + after * 4000
    parts = (part.replace("%s", inner) for part in (header, claims))
    encoded = (base64.urlsafe_b64encode(part.encode()).rstrip(b"=") for part in parts)
    return b".".join((*encoded, b"AAAA"))


def _told(secret: Secret) -> tuple[datetime, str, str] | None:
    expiry = facts_of(secret).expiry
    assert expiry_of(secret) == expiry
    return (expiry.at, expiry.what, expiry.path) if expiry else None


def test_nothing_tells_of_an_end() -> None:
    facts = facts_of(_secret(password=b"eyJ.eyJ.eyJ", other=b"\xff\x00"))
    assert facts == Facts(START)
    assert facts.due is None
    assert facts.age(START + timedelta(days=3)) == timedelta(days=3)
    assert facts.age(START - timedelta(days=3)) == timedelta()


def test_every_source_tells_of_its_field() -> None:
    day = timedelta(days=1)
    noon = "2026-03-01T12:00:00+02:00"
    assert _told(_secret({"strongroom.io/expires-at": noon})) == (
        datetime(2026, 3, 1, 10, tzinfo=UTC),
        "Secret",
        PATH,
    )
    assert _told(_secret(tls_crt=certificate(9))) == (
        START + 9 * day,
        "certificate",
        "data[tls.crt]",
    )
    exp = int((START + 2 * day).timestamp())
    assert _told(_secret(token=token({"exp": exp}))) == (START + 2 * day, "token", "data[token]")
    bootstrap = _secret(kind=BOOTSTRAP_TOKEN, expiration=b"2026-01-05T00:00:00Z")
    assert _told(bootstrap) == (START + 4 * day, "bootstrap token", "data[expiration]")
    # In another type the key means nothing.
    assert _told(_secret(expiration=b"2026-01-05T00:00:00Z")) is None


def test_the_earliest_end_counts() -> None:
    annotations = {"strongroom.io/expires-at": "2026-02-01T00:00:00Z"}
    told = _told(_secret(annotations, tls_crt=certificate(9), ca_crt=certificate(900)))
    assert told is not None
    assert told[2] == "data[tls.crt]"
    told = _told(_secret(annotations, tls_crt=certificate(90)))
    assert told is not None
    assert told[2] == PATH


@pytest.mark.parametrize(
    "value",
    [
        token({}),
        token({"exp": "soon"}),
        token({"exp": None}),
        token({"exp": 1e300}),
        token({"exp": True}),
        token([1]),
        token({"exp": 1}, header={"typ": "JWT"}),
        deep('{"alg":"RS256","x":%s}', '{"exp":1}'),
        deep('{"alg":"RS256"}', '{"exp":1,"x":%s}'),
        deep('{"alg":"RS256"}', '{"x":%s,"exp":1}', '{"a":', "}"),
        b"eyJhbGciOiJub25lIn0.e30",
        b"eyJ!.e30.",
        token({"exp": 1}) + b".more",
        b"eyJ" + b"A" * 100_000,
    ],
)
def test_what_is_no_token_with_an_end(value: bytes) -> None:
    assert token_end(value) is None


def test_tokens_may_end_in_a_line_feed_and_have_fractions() -> None:
    assert token_end(token({"exp": 1.5}) + b"\n") == datetime.fromtimestamp(1.5, UTC)
    assert token_end(token({"exp": 60}, signature=b"")) == datetime.fromtimestamp(60, UTC)


@given(st.binary() | st.binary().map(lambda junk: b"eyJhbGciOiJub25lIn0." + junk + b".x"))
def test_any_value_is_read(value: bytes) -> None:
    facts = facts_of(Secret(data={"a": value, "tls.crt": value}))
    assert facts.expiry is None or facts.expiry.at.tzinfo is UTC


def test_rotation_is_due_so_long_after_the_last_change() -> None:
    facts = facts_of(_secret({"strongroom.io/rotate-after": "90d"}))
    assert facts.due == START + timedelta(days=90)
    assert facts_of(_secret({"strongroom.io/rotate-after": "9999999d"})).due is None


def test_the_last_change_is_that_of_the_newest_owner_of_data() -> None:
    def entry(time: str, **fields: Any) -> dict[str, Any]:
        tree: dict[str, Any] = {f"f:{name}": {} for name in fields}
        return {"manager": time, "operation": "Update", "time": time, "fieldsV1": tree}

    meta = _secret().metadata
    assert changed_at(meta) == START
    secret = made(
        {
            "metadata": {
                "creationTimestamp": CREATED,
                "managedFields": [
                    entry("2026-01-03T00:00:00Z", data=1, metadata=1),
                    entry("2026-01-02T00:00:00Z", data=1),
                    entry("2026-01-09T00:00:00Z", metadata=1),
                ],
            }
        },
        Secret,
    )
    assert facts_of_metadata(secret.metadata).changed == START + timedelta(days=2)
    assert changed_at(Secret().metadata) == datetime.fromtimestamp(0, UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90d", 7776000), ("1h30m", 5400), ("1d12h", 129600), ("0.5s", 0.5), ("10ms", 0.01)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_span(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text", ["", "0d", "90", "d", "-1h", "1 h", "1y", "9" * 12 + "d", "1.2.3h"]
)
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_span(text)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-01-01", "2026-13-01T00:00:00Z", "20260101T000000Z"]
)
def test_annotations_that_cannot_be_read_are_told_without_what_they_say(text: str) -> None:
    secret = _secret({"strongroom.io/expires-at": text, "strongroom.io/rotate-after": "often"})
    assert facts_of(secret) == Facts(START)
    assert annotation_problems(secret.metadata) == [
        f"{PATH}: must be a time in RFC 3339, such as 2027-01-31T00:00:00Z; it is ignored",
        f"{ROTATE}: must be a duration such as 90d, 12h or 1h30m; it is ignored",
    ]
    assert annotation_problems(_secret({"strongroom.io/expires-at": CREATED}).metadata) == []
