"""References: what such a Secret must say, and whom what it stands for is given to."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.secret import SECRETS, Secret
from strongroom.resources.secret_reference import (
    ALL,
    FROM,
    GRANTED,
    REFERENCE,
    Granted,
    granted_text,
    keys_for,
    target_of,
)
from tests.resources.making import made, texts

_AT = f"metadata.annotations[{FROM}]"


def _reference(from_: str | None = "vault/db", **fields: Any) -> Secret:
    annotations = {} if from_ is None else {FROM: from_}
    meta = {"name": "db", "namespace": "shop", "annotations": annotations}
    return made({"metadata": meta, "type": REFERENCE, **fields}, Secret)


def test_a_reference_is_valid() -> None:
    assert SECRETS.validate(_reference()) == []


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        (_reference(None), f"{_AT}: Required value"),
        (_reference("db"), f'{_AT}: Invalid value: "db": must be NAMESPACE/NAME of a Secret'),
        (_reference("a/b/c"), f'{_AT}: Invalid value: "a/b/c": must be NAMESPACE/NAME of a Secret'),
        (_reference("../db"), f'{_AT}: Invalid value: "../db": must be NAMESPACE/NAME of a Secret'),
        (
            _reference("shop/db"),
            f'{_AT}: Invalid value: "shop/db": must be a Secret of another namespace',
        ),
        (
            _reference(data={"a": ""}),
            f"data: Forbidden: may not be set for type {REFERENCE}",
        ),
    ],
)
def test_what_is_wrong_with_one(secret: Secret, told: str) -> None:
    assert texts(SECRETS.validate(secret)) == [told]


def test_a_reference_stands_for_the_same_secret_for_good() -> None:
    told = f'{_AT}: Invalid value: "vault/other": field is immutable'
    assert texts(SECRETS.validate_update(_reference("vault/other"), _reference())) == [told]
    other = made({"metadata": {"annotations": {FROM: "x"}}, "type": "Opaque"}, Secret)
    plain = made({"metadata": {}, "type": "Opaque"}, Secret)
    assert SECRETS.validate_update(plain, other) == []


@pytest.mark.parametrize("text", ["", "vault", "/db", "vault/", "Vault/db", "vault/db/x"])
def test_what_names_no_secret(text: str) -> None:
    assert target_of({FROM: text}) is None


@pytest.mark.parametrize(
    ("granted", "account", "keys"),
    [
        ({ALL: None}, "web", None),
        ({ALL: frozenset("a")}, "web", frozenset("a")),
        ({"web": None}, "web", None),
        ({"web": None}, "job", frozenset()),
        ({ALL: frozenset("a"), "web": frozenset("b")}, "web", frozenset("ab")),
        ({ALL: frozenset("a"), "web": None}, "web", None),
        ({}, "web", frozenset()),
    ],
)
def test_what_an_account_is_given(
    granted: Granted, account: str, keys: frozenset[str] | None
) -> None:
    told = {FROM: "vault/db", GRANTED: granted_text(granted)}
    assert keys_for(told, account) == keys


def test_what_says_nothing_readable_gives_nothing() -> None:
    assert keys_for({FROM: "vault/db", GRANTED: "[]"}, "web") == frozenset()
    assert keys_for({}, "web") is None, "what is the namespace's own is given whole"
