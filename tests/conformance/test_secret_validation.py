"""What a Secret must be (facts 3.1 and 3.2), with upstream's words, through the API."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.conformance.wire import Api

Tree = dict[str, Any]

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.',"
    " and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name', "
    " or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
IMMUTABLE = "field is immutable when `immutable` is set"


def invalid(value: str, detail: str) -> str:
    return f'Invalid value: "{value}": {detail}'


def value(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def secrets(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets"


LONG = "n" * 254
SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"
REDACTED = "<secret contents redacted>"


@pytest.mark.parametrize(
    ("obj", "causes"),
    [
        (
            {"metadata": {"name": "A"}},
            [("FieldValueInvalid", "metadata.name", invalid("A", SUBDOMAIN))],
        ),
        (
            {"metadata": {"name": LONG}},
            [
                (
                    "FieldValueInvalid",
                    "metadata.name",
                    invalid(LONG, "must be no more than 253 characters"),
                )
            ],
        ),
        (
            {"metadata": {}},
            [
                (
                    "FieldValueRequired",
                    "metadata.name",
                    "Required value: name or generateName is required",
                )
            ],
        ),
        (
            {"data": {"a/b": ""}},
            [("FieldValueInvalid", "data[a/b]", invalid("a/b", KEY))],
        ),
        (
            {"data": {LONG: ""}},
            [
                (
                    "FieldValueInvalid",
                    f"data[{LONG}]",
                    invalid(LONG, "must be no more than 253 characters"),
                )
            ],
        ),
        ({"data": {".": ""}}, [("FieldValueInvalid", "data[.]", invalid(".", "must not be '.'"))]),
        (
            {"data": {"..": ""}},
            [("FieldValueInvalid", "data[..]", invalid("..", "must not be '..'"))],
        ),
        (
            {"data": {"..a": ""}},
            [("FieldValueInvalid", "data[..a]", invalid("..a", "must not start with '..'"))],
        ),
        (
            {"stringData": {"a": "x" * 1048576, "b": "x"}},
            [
                (
                    "FieldValueTooLong",
                    "data",
                    "Too long: may not be more than 1048576 bytes",
                )
            ],
        ),
        (
            {"metadata": {"name": "s", "annotations": {"a": "x" * 262144}}},
            [
                (
                    "FieldValueTooLong",
                    "metadata.annotations",
                    "Too long: may not be more than 262144 bytes",
                )
            ],
        ),
        (
            {
                "metadata": {
                    "name": "s",
                    "ownerReferences": [{"apiVersion": "", "kind": "", "name": "", "uid": ""}],
                }
            },
            [
                (
                    "FieldValueRequired",
                    "metadata.ownerReferences[0].apiVersion",
                    "Required value: must not be empty",
                ),
                *(
                    (
                        "FieldValueRequired",
                        f"metadata.ownerReferences[0].{field}",
                        "Required value: must not be empty",
                    )
                    for field in ("kind", "name", "uid")
                ),
            ],
        ),
        (
            {"type": SERVICE_ACCOUNT_TOKEN},
            [
                (
                    "FieldValueRequired",
                    "metadata.annotations[kubernetes.io/service-account.name]",
                    "Required value",
                )
            ],
        ),
        (
            {"type": "kubernetes.io/dockercfg"},
            [("FieldValueRequired", "data[.dockercfg]", "Required value")],
        ),
        (
            {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "hush"}},
            [
                (
                    "FieldValueInvalid",
                    "data[.dockerconfigjson]",
                    invalid(REDACTED, "invalid character 'h' looking for beginning of value"),
                )
            ],
        ),
        (
            {"type": "kubernetes.io/basic-auth"},
            [
                ("FieldValueRequired", "data[username]", "Required value"),
                ("FieldValueRequired", "data[password]", "Required value"),
            ],
        ),
        (
            {"type": "kubernetes.io/ssh-auth", "data": {"ssh-privatekey": ""}},
            [("FieldValueRequired", "data[ssh-privatekey]", "Required value")],
        ),
        (
            {"type": "kubernetes.io/tls", "data": {"tls.crt": ""}},
            [("FieldValueRequired", "data[tls.key]", "Required value")],
        ),
    ],
)
async def test_a_secret_is_refused_on_create(
    api: Api, secrets: str, obj: Tree, causes: list[tuple[str, str, str]]
) -> None:
    answer = await api.ask("POST", secrets, {"metadata": {"name": "s"}} | obj)
    code, reason, message = answer.refused()
    assert (code, reason) == (422, "Invalid")
    assert answer.causes == causes
    for _, field, text in causes:
        assert f"{field}: {text}" in message
    assert "hush" not in message


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("", {}),
        ("Opaque", {}),
        ("kubernetes.io/dockercfg", {".dockercfg": "{}"}),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "{}"}),
        ("kubernetes.io/basic-auth", {"username": ""}),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": "k"}),
        ("kubernetes.io/tls", {"tls.crt": "", "tls.key": ""}),
        ("helm.sh/release.v1", {}),
    ],
)
async def test_a_secret_is_created_if_it_has_what_its_type_needs(
    api: Api, secrets: str, type_: str, data: dict[str, str]
) -> None:
    made = await api.create(
        secrets, {"metadata": {"generateName": "s-"}, "type": type_, "stringData": data}
    )
    assert made["type"] == type_ or "Opaque"
    assert len(made["metadata"]["name"]) == len("s-") + 5
    assert "stringData" not in made
    assert made.get("data", {}) == {key: value(text) for key, text in data.items()}


async def test_string_data_overwrites_data_and_is_never_returned(api: Api, secrets: str) -> None:
    obj = {"metadata": {"name": "s"}, "data": {"a": value("old")}, "stringData": {"a": "new"}}
    made = await api.create(secrets, obj)
    assert made["data"] == {"a": value("new")}
    assert "stringData" not in await api.get(f"{secrets}/s")


async def test_data_that_is_no_base64_is_a_bad_request(api: Api, secrets: str) -> None:
    answer = await api.ask("POST", secrets, {"metadata": {"name": "s"}, "data": {"a": "%%%"}})
    code, reason, message = answer.refused()
    assert (code, reason) == (400, "BadRequest")
    assert "illegal base64 data at input byte 0" in message
    assert "%%%" not in message


@pytest.mark.parametrize(
    ("change", "causes"),
    [
        (
            {"type": "example.com/other"},
            [
                (
                    "FieldValueInvalid",
                    "type",
                    invalid("example.com/other", "field is immutable"),
                )
            ],
        ),
        (
            {"immutable": False, "data": {"a": value("2")}},
            [
                ("FieldValueForbidden", "immutable", f"Forbidden: {IMMUTABLE}"),
                ("FieldValueForbidden", "data", f"Forbidden: {IMMUTABLE}"),
            ],
        ),
        (
            {"immutable": None},
            [("FieldValueForbidden", "immutable", f"Forbidden: {IMMUTABLE}")],
        ),
        (
            {"data": {"a": value("1"), "b": value("1")}},
            [("FieldValueForbidden", "data", f"Forbidden: {IMMUTABLE}")],
        ),
    ],
)
async def test_a_secret_is_refused_on_update(
    api: Api, secrets: str, change: Tree, causes: list[tuple[str, str, str]]
) -> None:
    obj = {"metadata": {"name": "s"}, "data": {"a": value("1")}, "immutable": True}
    await api.create(secrets, obj)
    answer = await api.ask("PUT", f"{secrets}/s", obj | change)
    assert (answer.code, answer.causes) == (422, causes)
    assert (await api.get(f"{secrets}/s"))["data"] == {"a": value("1")}


async def test_an_immutable_secret_may_change_its_metadata(api: Api, secrets: str) -> None:
    obj: Tree = {"metadata": {"name": "s"}, "data": {"a": value("1")}, "immutable": True}
    await api.create(secrets, obj)
    changed = await api.patch(f"{secrets}/s", {"metadata": {"labels": {"new": "label"}}})
    assert changed["metadata"]["labels"] == {"new": "label"}


async def test_an_update_without_a_type_keeps_the_old_one(api: Api, secrets: str) -> None:
    await api.create(secrets, {"metadata": {"name": "s"}, "type": "example.com/x"})
    # Nor need it say which version it replaces.
    changed = await api.put(f"{secrets}/s", {"metadata": {"name": "s"}, "data": {"a": ""}})
    assert changed["type"] == "example.com/x"


async def test_no_finalizer_is_added_to_a_secret_that_is_being_deleted(
    api: Api, secrets: str
) -> None:
    meta = {"name": "s", "finalizers": ["example.com/one"]}
    await api.create(secrets, {"metadata": meta})
    assert (await api.delete(f"{secrets}/s"))["metadata"]["deletionTimestamp"]
    patch = {"metadata": {"finalizers": ["example.com/one", "example.com/two"]}}
    answer = await api.ask(
        "PATCH", f"{secrets}/s", patch, {"Content-Type": "application/merge-patch+json"}
    )
    ((reason, field, message),) = answer.causes
    assert (answer.code, reason, field) == (422, "FieldValueForbidden", "metadata.finalizers")
    assert message.startswith(
        "Forbidden: no new finalizers can be added if the object is being deleted, "
        "found new finalizers "
    )
    await api.patch(f"{secrets}/s", {"metadata": {"finalizers": None}})
    assert (await api.ask("GET", f"{secrets}/s")).code == 404


@pytest.mark.parametrize("field", ["uid", "creationTimestamp", "name"])
async def test_what_the_server_says_of_a_secret_stays(api: Api, secrets: str, field: str) -> None:
    made = await api.create(secrets, {"metadata": {"name": "s"}})
    other = {"uid": "another", "creationTimestamp": "2000-01-01T00:00:00Z", "name": "t"}
    meta = made["metadata"] | {field: other[field]}
    answer = await api.ask("PUT", f"{secrets}/s", {"metadata": meta})
    if field == "creationTimestamp":
        # As upstream: the stored time is kept, and what a client says of it is not judged.
        assert answer.ok()["metadata"]["creationTimestamp"] == made["metadata"][field]
    else:
        assert answer.code in {400, 409}
    assert (await api.get(f"{secrets}/s"))["metadata"]["uid"] == made["metadata"]["uid"]
