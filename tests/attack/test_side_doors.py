"""Ways around the front door of a Secret, for those who may not read it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.attack.attacker import TREASURE, Answer
from tests.attack.conftest import OWN, RBAC, VICTIM, Target, secret

TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
SIGNS = (TREASURE.encode(), base64.b64encode(TREASURE.encode()))


def silent(answer: Answer) -> bool:
    """Whether an answer tells nothing of the treasure."""
    return not any(sign in answer.head + answer.body for sign in SIGNS)


READS = [
    f"{VICTIM}/secrets",
    f"{VICTIM}/secrets?limit=1",
    f"{VICTIM}/secrets?watch=1&timeoutSeconds=1",
    f"{VICTIM}/secrets?watch=1&resourceVersion=1&timeoutSeconds=1",
    f"{VICTIM}/secrets?resourceVersion=0",
    f"{VICTIM}/secrets?resourceVersion=1&resourceVersionMatch=Exact",
    f"{VICTIM}/secrets?resourceVersion=0&resourceVersionMatch=NotOlderThan&limit=5",
    f"{VICTIM}/secrets?sendInitialEvents=true&watch=1&resourceVersionMatch=NotOlderThan",
    f"{VICTIM}/secrets?fieldSelector=metadata.name%3Dtreasure",
    f"{VICTIM}/secrets?fieldSelector=metadata.name%3Dmine-0",
    f"{VICTIM}/secrets?fieldSelector=metadata.namespace%3Dteam-m",
    f"{VICTIM}/secrets?labelSelector=a%3Db",
    f"{VICTIM}/secrets?fieldSelector=metadata.name%3Dtreasure,metadata.namespace%3Dteam-m",
    "/api/v1/secrets?fieldSelector=metadata.namespace%3Dteam-a",
    "/api/v1/secrets?fieldSelector=metadata.namespace%3Dteam-m",
    "/api/v1/secrets?fieldSelector=metadata.name%3Dmine-0,metadata.namespace%3Dteam-m",
    "/api/v1/secrets?fieldSelector=metadata.name%3Dtreasure",
    "/api/v1/secrets?namespace=team-m",
    f"{VICTIM}/secrets/treasure?resourceVersion=0",
    f"{VICTIM}/secrets/treasure?exact=true",
    "/apis/strongroom.io/v1alpha1/namespaces/team-a/secretrevisions",
    "/apis/strongroom.io/v1alpha1/namespaces/team-a/secretusages",
    "/apis/strongroom.io/v1alpha1/namespaces/team-a/secretgrants",
    "/apis/strongroom.io/v1alpha1/namespaces/team-a/secretalerts",
    "/apis/strongroom.io/v1alpha1/secretrevisions",
    f"{VICTIM}/events",
    f"{VICTIM}/pods",
    f"{VICTIM}/configmaps",
    "/metrics",
    "/debug/pprof/heap",
    "/debug/flags/v",
    "/logs/",
    "/configz",
    "/statusz",
]


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("accept", ["application/json", TABLE, METADATA])
def test_no_question_leads_around_it(target: Target, path: str, accept: str) -> None:
    answer = target.mallory.ask("GET", path, headers=[("Accept", accept)])
    assert answer.code in (403, 404), answer.body
    assert silent(answer)


def test_what_anybody_may_read_says_nothing_of_it(target: Target) -> None:
    for path in ("/api", "/apis", "/version", "/openapi/v2", "/openapi/v3", "/readyz?verbose"):
        answer = target.mallory.ask("GET", path)
        assert answer.code == 200
        assert silent(answer)
        assert b"treasure" not in answer.body


def _pages(target: Target, path: str) -> str:
    answer = target.admin.ask("GET", f"{path}?limit=1")
    token = str(answer.json["metadata"]["continue"])
    assert token
    return token


@pytest.mark.parametrize(
    "made_for",
    [f"{VICTIM}/secrets", "/api/v1/secrets", "/api/v1/configmaps", f"{OWN}/configmaps"],
)
def test_a_continue_token_of_elsewhere_leads_nowhere_else(target: Target, made_for: str) -> None:
    token = _pages(target, made_for)
    for tried in (f"{VICTIM}/secrets", "/api/v1/secrets"):
        assert target.mallory.ask("GET", f"{tried}?limit=9&continue={token}").code == 403
    answer = target.mallory.ask("GET", f"{OWN}/secrets?limit=9&continue={token}")
    assert silent(answer)
    found = answer.json.get("items", [])
    assert {item["metadata"]["namespace"] for item in found} <= {"team-m"}
    assert answer.code in (200, 400, 410)


def _tampered(token: str) -> list[str]:
    told = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    starts = ["../team-a/", "../../secrets/team-a/", "/", "../", "team-a/", "\x00", "..%2fteam-a"]
    made = [told | {"start": start} for start in starts]
    made += [told | {"rv": rv} for rv in (-1, 0, 1)]
    written = [base64.urlsafe_b64encode(json.dumps(t).encode()).decode() for t in made]
    return [*written, "", "e30", "nonsense", token[:-4], token + "AAAA"]


def test_a_continue_token_that_was_changed_leads_nowhere_else(target: Target) -> None:
    for token in _tampered(_pages(target, f"{OWN}/secrets")):
        answer = target.mallory.ask("GET", f"{OWN}/secrets?limit=9&continue={token}")
        assert silent(answer)
        found = answer.json.get("items", [])
        assert {item["metadata"]["namespace"] for item in found} <= {"team-m"}
        assert answer.code in (200, 400, 410), answer.body


def test_a_table_of_secrets_shows_no_values(target: Target) -> None:
    table = target.admin.ask("GET", f"{VICTIM}/secrets", headers=[("Accept", TABLE)])
    assert table.code == 200
    assert b"treasure" in table.body
    assert silent(table)


CREATE = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "patch", "update"]}


@pytest.fixture(scope="session")
def _blind(target: Target) -> None:
    """May write the Secrets of team-a, and read none."""
    target.allow("blind", "team-a", CREATE)
    target.make(f"{VICTIM}/secrets", secret("fixed", gold=TREASURE) | {"immutable": True})


WRITES: dict[str, tuple[str, str, Any, str]] = {
    "is there already": ("POST", "", secret("treasure", a="b"), "json"),
    "is there already, tried out": ("POST", "?dryRun=All", secret("treasure", a="b"), "json"),
    "is immutable": ("PATCH", "/fixed", {"stringData": {"gold": "lead"}}, "merge-patch+json"),
    "another version": (
        "PUT",
        "/treasure",
        {"metadata": {"name": "treasure", "resourceVersion": "1"}},
        "json",
    ),
    "another uid": (
        "PATCH",
        "/treasure",
        {"metadata": {"uid": "00000000-0000-0000-0000-000000000000"}},
        "merge-patch+json",
    ),
    "a test that fails": (
        "PATCH",
        "/treasure",
        [{"op": "test", "path": "/data/gold", "value": "YQ=="}],
        "json-patch+json",
    ),
    "a path that is not there": (
        "PATCH",
        "/treasure",
        [{"op": "replace", "path": "/data/none", "value": "YQ=="}],
        "json-patch+json",
    ),
    "another type": ("PATCH", "/treasure", {"type": "kubernetes.io/tls"}, "merge-patch+json"),
    "no secret's value": ("PATCH", "/treasure", {"data": {"gold": "!"}}, "merge-patch+json"),
    "no map": ("PATCH", "/treasure", {"data": "x"}, "strategic-merge-patch+json"),
    "somebody else's field": (
        "PATCH",
        "/treasure?fieldManager=blind",
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "treasure"},
            "data": {"gold": "YQ=="},
        },
        "apply-patch+yaml",
    ),
}


@pytest.mark.usefixtures("_blind")
@pytest.mark.parametrize("case", WRITES)
def test_a_write_that_fails_quotes_nothing_of_what_is_there(target: Target, case: str) -> None:
    method, path, body, kind = WRITES[case]
    answer = target.user("blind").ask(
        method, f"{VICTIM}/secrets{path}", body, content_type=f"application/{kind}"
    )
    assert 400 <= answer.code < 500, answer.body
    assert answer.code != 403
    assert silent(answer)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_without_a_right_there_and_not_there_look_the_same(target: Target, method: str) -> None:
    told = set()
    for name in ("treasure", "missing0"):
        path = f"{VICTIM}/secrets" + ("" if method == "POST" else f"/{name}")
        body = None if method == "DELETE" else secret(name, a="b")
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = target.mallory.ask(method, path, body, content_type=kind)
        assert answer.code == 403
        told.add(answer.told.replace(name, "NAME"))
    assert len(told) == 1


def test_a_reference_without_a_grant_reveals_nothing(target: Target) -> None:
    told = set()
    for name in ("treasure", "missing0"):
        body = {
            "metadata": {
                "name": f"ref-{name}",
                "annotations": {"strongroom.io/reference": f"team-a/{name}"},
            },
            "type": "strongroom.io/reference",
        }
        made = target.mallory.ask("POST", f"{OWN}/secrets", body)
        read = target.mallory.ask("GET", f"{OWN}/secrets/ref-{name}")
        assert silent(made)
        assert silent(read)
        told.add((made.code, read.code, read.json.get("data") is None))
    assert len(told) == 1


def test_owners_of_another_namespace_own_nothing(target: Target) -> None:
    """An owner is of the same namespace: naming one of another tells nothing about it."""
    body = secret("owned", a="b")
    body["metadata"]["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "Secret", "name": "treasure", "uid": "1"}
    ]
    answer = target.mallory.ask("POST", f"{OWN}/secrets", body)
    assert silent(answer)
    assert target.admin.ask("GET", f"{VICTIM}/secrets/treasure").code == 200


def test_a_watch_is_authorized_when_it_begins(target: Target) -> None:
    """As upstream: who loses a right keeps the watches that are open, until they end.

    A watch ends by its timeout, which is under an hour unless its client asks for more; nobody
    begins another one.
    """
    read = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"]}
    target.allow("leaver", "team-a", read)
    leaver = target.user("leaver")
    path = f"{VICTIM}/secrets?watch=1&timeoutSeconds=60&resourceVersion=0"
    with leaver.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 200 ")
        bindings = f"{RBAC}/namespaces/team-a/rolebindings"
        assert target.admin.ask("DELETE", f"{bindings}/leaver").code == 200
        assert leaver.ask("GET", f"{VICTIM}/secrets/treasure").code == 403
        assert leaver.ask("GET", path).code == 403
