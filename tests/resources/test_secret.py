"""Secret: its rules with upstream's exact messages, and what it never gives away."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from strongroom.api.schema import schema_of
from strongroom.resources.secret import MAX_SIZE, SECRETS, Secret
from tests.resources.making import NOW, made, texts


def _secret(type_: str = "Opaque", **fields: Any) -> Secret:
    return made({"metadata": {"name": "s"}, "type": type_, **fields}, Secret)


def test_string_data_is_folded_into_data_and_never_kept() -> None:
    secret = _secret(data={"a": "b2xk", "b": "b2xk"}, stringData={"a": "new", "c": "é"})
    SECRETS.default(secret)
    assert secret.data == {"a": b"new", "b": b"old", "c": "é".encode()}
    assert b"stringData" not in msgspec.json.encode(secret)


def test_the_default_type_is_opaque() -> None:
    secret = _secret("")
    SECRETS.default(secret)
    SECRETS.prepare_for_create(secret, NOW)
    assert secret.type == "Opaque"
    assert SECRETS.validate(secret) == []


def test_an_update_without_a_type_keeps_the_old_one() -> None:
    old, new = _secret("example.com/x"), _secret("")
    SECRETS.default(new)
    SECRETS.prepare_for_update(new, old, NOW)
    assert new.type == "example.com/x"
    assert SECRETS.validate_update(new, old) == []


_KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', "
    "regex used for validation is '[-._a-zA-Z0-9]+')"
)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", f'data[]: Invalid value: "": {_KEY}'),
        ("a/b", f'data[a/b]: Invalid value: "a/b": {_KEY}'),
        (".", "data[.]: Invalid value: \".\": must not be '.'"),
        ("..", "data[..]: Invalid value: \"..\": must not be '..'"),
        ("..a", "data[..a]: Invalid value: \"..a\": must not start with '..'"),
    ],
)
def test_keys(key: str, message: str) -> None:
    assert texts(SECRETS.validate(_secret(data={key: ""}))) == [message]


def test_a_key_may_have_253_characters() -> None:
    assert SECRETS.validate(_secret(data={"k" * 253: ""})) == []
    errors = SECRETS.validate(_secret(data={"k" * 254: ""}))
    assert [error.body.partition(": ")[2] for error in errors] == [
        f'"{"k" * 254}": must be no more than 253 characters'
    ]


def test_the_sum_of_the_values_is_limited_and_keys_do_not_count() -> None:
    secret = _secret()
    secret.data = {"a": b"x" * (MAX_SIZE - 1), "b" * 200: b"x"}
    assert SECRETS.validate(secret) == []
    secret.data["c"] = b"x"
    assert texts(SECRETS.validate(secret)) == ["data: Too long: may not be more than 1048576 bytes"]


_REDACTED = 'Invalid value: "<secret contents redacted>"'


@pytest.mark.parametrize(
    ("type_", "data", "messages"),
    [
        (
            "kubernetes.io/service-account-token",
            {},
            ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
        ),
        ("kubernetes.io/dockercfg", {}, ["data[.dockercfg]: Required value"]),
        ("kubernetes.io/dockercfg", {".dockercfg": b"{}"}, []),
        (
            "kubernetes.io/dockercfg",
            {".dockercfg": b"hush"},
            [
                (
                    f"data[.dockercfg]: {_REDACTED}: "
                    "invalid character 'h' looking for beginning of value"
                )
            ],
        ),
        (
            "kubernetes.io/dockercfg",
            {".dockercfg": b"[]"},
            [
                (
                    f"data[.dockercfg]: {_REDACTED}: json: cannot unmarshal array into Go value"
                    " of type map[string]interface {}"
                )
            ],
        ),
        ("kubernetes.io/dockercfg", {".dockercfg": b"null", "other": b"x"}, []),
        ("kubernetes.io/dockerconfigjson", {}, ["data[.dockerconfigjson]: Required value"]),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": b'{"auths":{}}'}, []),
        (
            "kubernetes.io/dockerconfigjson",
            {".dockercfg": b"{}", "a/b": b""},
            [f'data[a/b]: Invalid value: "a/b": {_KEY}', "data[.dockerconfigjson]: Required value"],
        ),
        (
            "kubernetes.io/dockerconfigjson",
            {".dockerconfigjson": b""},
            [f"data[.dockerconfigjson]: {_REDACTED}: unexpected end of JSON input"],
        ),
        (
            "kubernetes.io/basic-auth",
            {"other": b""},
            ["data[username]: Required value", "data[password]: Required value"],
        ),
        ("kubernetes.io/basic-auth", {"password": b""}, []),
        ("kubernetes.io/basic-auth", {"username": b"u"}, []),
        ("kubernetes.io/ssh-auth", {}, ["data[ssh-privatekey]: Required value"]),
        (
            "kubernetes.io/ssh-auth",
            {"ssh-privatekey": b""},
            ["data[ssh-privatekey]: Required value"],
        ),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": b"k"}, []),
        ("kubernetes.io/tls", {"tls.crt": b""}, ["data[tls.key]: Required value"]),
        (
            "kubernetes.io/tls",
            {},
            ["data[tls.crt]: Required value", "data[tls.key]: Required value"],
        ),
        ("kubernetes.io/tls", {"tls.crt": b"", "tls.key": b""}, []),
        # Whoever uses such a token judges it: nothing is demanded of the Secret.
        ("bootstrap.kubernetes.io/token", {}, []),
        ("bootstrap.kubernetes.io/token", {"token-id": b"ABC", "expiration": b"soon"}, []),
        ("example.com/anything", {}, []),
    ],
)
def test_what_each_type_demands(type_: str, data: dict[str, bytes], messages: list[str]) -> None:
    secret = _secret(type_)
    secret.data = data
    assert texts(SECRETS.validate(secret)) == messages


def test_a_service_account_token_names_its_account() -> None:
    secret = _secret("kubernetes.io/service-account-token")
    secret.metadata.annotations["kubernetes.io/service-account.name"] = "default"
    assert SECRETS.validate(secret) == []


def test_the_type_cannot_be_changed() -> None:
    errors = SECRETS.validate_update(_secret("example.com/new"), _secret())
    assert texts(errors) == ['type: Invalid value: "example.com/new": field is immutable']


def test_an_immutable_secret_keeps_its_data_and_stays_immutable() -> None:
    old = _secret(data={"a": "b2xk"}, immutable=True)
    new = _secret(data={"a": "bmV3"}, immutable=False)
    detail = "Forbidden: field is immutable when `immutable` is set"
    assert texts(SECRETS.validate_update(new, old)) == [f"immutable: {detail}", f"data: {detail}"]
    same = _secret(data={"a": "b2xk"}, immutable=True)
    same.metadata.labels["new"] = "label"
    assert SECRETS.validate_update(same, old) == []


def test_a_secret_can_be_made_immutable() -> None:
    old, new = _secret(data={"a": "b2xk"}), _secret(data={"a": "bmV3"}, immutable=True)
    assert SECRETS.validate_update(new, old) == []


def test_values_are_confidential_and_hidden_from_repr() -> None:
    secret = _secret(data={"a": "aHVzaA=="}, stringData={"b": "hush"})
    assert "hush" not in repr(secret)
    confidential = {n for n, f in schema_of(Secret).fields.items() if f.facts.confidential}
    assert confidential == {"data", "stringData"}


def test_columns_and_selectors() -> None:
    secret = _secret("kubernetes.io/tls", data={"tls.crt": "", "tls.key": ""})
    secret.metadata.creationTimestamp = "2026-01-02T03:03:05Z"
    assert [column.name for column in SECRETS.columns] == ["Name", "Type", "Data", "Age"]
    assert SECRETS.columns_of(secret, NOW) == ["s", "kubernetes.io/tls", 2, "60s"]
    assert SECRETS.field_selectors["type"](secret) == "kubernetes.io/tls"
    assert SECRETS.key("shop", "s") == "/registry/secrets/shop/s"
