"""Tokens after the end of what they stand for, and tokens that never were any."""

from __future__ import annotations

import ast
import base64
import inspect
import json
from types import ModuleType
from typing import Any

import pytest

from strongroom.access.authn import bootstrap, secret_tokens, tokenfile
from tests.attack.attacker import Attacker, ask
from tests.attack.conftest import OWN, Target, secret
from tests.waiting import eventually

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ACCOUNTS = f"{OWN}/serviceaccounts"


def token_of(target: Target, account: str, **bound: Any) -> str:
    spec: dict[str, Any] = {"expirationSeconds": 3600}
    if bound:
        spec["boundObjectRef"] = {"apiVersion": "v1", **bound}
    answer = target.admin.ask("POST", f"{ACCOUNTS}/{account}/token", {"spec": spec})
    assert answer.code == 201, answer.body
    return str(answer.json["status"]["token"])


def account(target: Target, name: str) -> None:
    target.make(ACCOUNTS, {"metadata": {"name": name}})


def _gone(target: Target, token: str, path: str) -> None:
    """The token holds until what it is bound to is deleted, and not one request longer.

    On connections that are open already, to both processes of the server.
    """
    holder = target.showing(None, token)
    shown = [("Authorization", f"Bearer {token}")]
    connections = [holder.connect() for _ in range(4)]
    try:
        assert [ask(c, "POST", WHO, {}, shown).code for c in connections] == [201] * 4
        assert target.admin.ask("DELETE", f"{path}?gracePeriodSeconds=0").code in (200, 202)
        assert [ask(c, "POST", WHO, {}, shown).code for c in connections] == [401] * 4
    finally:
        for connection in connections:
            connection.close()
    assert not holder.who()


def test_a_token_ends_with_its_account(target: Target) -> None:
    account(target, "leaving")
    _gone(target, token_of(target, "leaving"), f"{ACCOUNTS}/leaving")


def test_nor_does_it_come_back_with_an_account_of_the_same_name(target: Target) -> None:
    account(target, "again")
    token = token_of(target, "again")
    _gone(target, token, f"{ACCOUNTS}/again")
    account(target, "again")
    assert not target.showing(None, token).who()
    assert target.showing(None, token_of(target, "again")).who()


def test_a_token_ends_with_its_secret(target: Target) -> None:
    account(target, "bound")
    target.make(f"{OWN}/secrets", secret("binding", a="b"))
    token = token_of(target, "bound", kind="Secret", name="binding")
    _gone(target, token, f"{OWN}/secrets/binding")
    target.make(f"{OWN}/secrets", secret("binding", a="b"))
    assert not target.showing(None, token).who()


def test_a_token_ends_with_its_pod(target: Target) -> None:
    account(target, "running")
    spec = {"serviceAccountName": "running", "containers": [{"name": "c", "image": "i"}]}
    target.make(f"{OWN}/pods", {"metadata": {"name": "p"}, "spec": spec})
    token = token_of(target, "running", kind="Pod", name="p")
    _gone(target, token, f"{OWN}/pods/p")


def test_a_token_in_a_secret_ends_with_it(target: Target) -> None:
    account(target, "old")
    annotations = {"kubernetes.io/service-account.name": "old"}
    target.make(
        f"{OWN}/secrets",
        {
            "metadata": {"name": "old-token", "annotations": annotations},
            "type": "kubernetes.io/service-account-token",
        },
    )
    path = f"{OWN}/secrets/old-token"

    def filled() -> str:
        return str(target.admin.ask("GET", path).json.get("data", {}).get("token", ""))

    token = base64.b64decode(eventually(filled)).decode()
    _gone(target, token, path)


def _forged(token: str) -> dict[str, str]:
    head, claims, signature = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(claims + "=="))
    told["sub"] = "system:serviceaccount:kube-system:admin"
    other = base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    hmac = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=").decode()
    return {
        "other claims": f"{head}.{other}.{signature}",
        "no signature": f"{head}.{claims}.",
        "no algorithm": f"{none}.{claims}.",
        "no algorithm, other claims": f"{none}.{other}.{signature}",
        "another algorithm": f"{hmac}.{claims}.{signature}",
        "a flipped bit": f"{head}.{claims}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "a space within": f"{head}.{claims[:9]} {claims[9:]}.{signature}",
        "padding": f"{head}.{claims}=.{signature}",
        "a part more": f"{token}.{signature}",
        "half": token[: len(token) // 2],
        "very long": token + "A" * 100_000,
        "nothing": "",
        "not ASCII": "\u00e4" * 20,
    }


def test_no_token_can_be_made_of_another(target: Target) -> None:
    account(target, "forger")
    token = token_of(target, "forger")
    assert target.nobody.who([("Authorization", f"Bearer {token}")])
    for case, forged in _forged(token).items():
        answer = target.nobody.ask("POST", WHO, {}, [("Authorization", f"Bearer {forged}")])
        assert answer.code == 401, case


def test_of_two_authorizations_none_counts_twice(target: Target) -> None:
    """Joined as they are, two headers are no token: nobody may pick the better one."""
    account(target, "twice")
    good = ("Authorization", f"Bearer {token_of(target, 'twice')}")
    bad = ("Authorization", "Bearer none")
    for headers in ([good, bad], [bad, good]):
        known = target.nobody.who(headers)
        assert known.get("username") in (None, "system:serviceaccount:team-m:twice")


def test_a_token_for_others_is_none_for_the_server(target: Target) -> None:
    account(target, "elsewhere")
    spec = {"audiences": ["vault"], "expirationSeconds": 3600}
    made = target.admin.ask("POST", f"{ACCOUNTS}/elsewhere/token", {"spec": spec})
    assert not target.showing(None, made.json["status"]["token"]).who()


def test_a_name_of_an_account_makes_nobody_one(target: Target) -> None:
    """A certificate of an account's name is a user of that name, with no group of accounts."""
    named: Attacker = target.user("system:serviceaccount:team-m:default")
    assert "system:serviceaccounts" not in named.who()["groups"]


@pytest.mark.parametrize(
    ("module", "secret_names"),
    [
        (bootstrap, {"SECRET_KEY"}),
        (secret_tokens, {"TOKEN"}),
        (tokenfile, {"digest"}),
    ],
)
def test_what_is_secret_is_compared_in_constant_time(
    module: ModuleType, secret_names: set[str]
) -> None:
    """Told from the code, since no measured time says it on every machine.

    Every comparison of something secret goes through ``hmac.compare_digest``, and none through
    ``==``, ``!=`` or ``in``.
    """
    tree = ast.parse(inspect.getsource(module))
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and _is_constant(n)]
    compared = {name for call in calls for name in _names(call)}
    assert secret_names <= compared
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            judged = [o for o in node.ops if isinstance(o, ast.Eq | ast.NotEq)]
            assert not (judged and secret_names & _names(node)), ast.unparse(node)


def _is_constant(call: ast.Call) -> bool:
    return ast.unparse(call.func) in ("hmac.compare_digest", "compare_digest")


def _names(node: ast.AST) -> set[str]:
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return names | {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
