"""One namespace's rights at another's door: URLs with two meanings, bodies that disagree."""

from __future__ import annotations

import pytest

from tests.attack.attacker import TREASURE
from tests.attack.conftest import OWN, VICTIM, Target, secret

PATHS = [
    "/api/v1/namespaces/team-a/secrets/treasure",
    "/api/v1/namespaces/team-a/secrets/treasure/",
    "/api/v1/namespaces/team-a/secrets/treasure/status",
    "/api/v1/namespaces/team-a/secrets//treasure",
    "//api/v1/namespaces/team-a/secrets/treasure",
    "/api//v1/namespaces/team-a/secrets/treasure",
    "/api/v1//namespaces/team-a/secrets/treasure",
    "/API/v1/namespaces/team-a/secrets/treasure",
    "/api/V1/namespaces/team-a/secrets/treasure",
    "/./api/v1/namespaces/team-a/secrets/treasure",
    "/version/../api/v1/namespaces/team-a/secrets/treasure",
    "/version/%2e%2e/api/v1/namespaces/team-a/secrets/treasure",
    "/readyz/../api/v1/namespaces/team-a/secrets/treasure",
    "/healthz/..%2f..%2fapi/v1/namespaces/team-a/secrets/treasure",
    f"{OWN}/../team-a/secrets/treasure",
    f"{OWN}/%2e%2e/team-a/secrets/treasure",
    f"{OWN}/.%2e/team-a/secrets/treasure",
    f"{OWN}/%252e%252e/team-a/secrets/treasure",
    f"{OWN}%2f..%2fteam-a/secrets/treasure",
    f"{OWN}/secrets/../../team-a/secrets/treasure",
    f"{OWN}/secrets/..%2f..%2fteam-a%2fsecrets%2ftreasure",
    f"{OWN}/secrets/%2e%2e%2f%2e%2e%2fteam-a%2fsecrets%2ftreasure",
    f"{OWN}/secrets/..%252f..%252fteam-a%252fsecrets%252ftreasure",
    f"{OWN}/secrets/..%5c..%5cteam-a%5csecrets%5ctreasure",
    f"{OWN}/secrets/..\\..\\team-a\\secrets\\treasure",
    f"{OWN}/secrets/team-a%2ftreasure",
    f"{OWN}/secrets/team-a/treasure",
    f"{OWN}/secrets/%00/../../team-a/secrets/treasure",
    f"{OWN}/secrets/mine-0%00treasure",
    f"{OWN};/../team-a/secrets/treasure",
    f"{OWN}/..;/team-a/secrets/treasure",
    f"{OWN}/%c0%ae%c0%ae/team-a/secrets/treasure",
    f"{OWN}/%e0%80%ae%e0%80%ae/team-a/secrets/treasure",
    f"{OWN}/\uff0e\uff0e/team-a/secrets/treasure".encode().decode("latin-1"),
    "/api/v1/namespaces/team%2da/secrets/treasure",
    "/api/v1/namespaces/team-m%2f..%2fteam-a/secrets/treasure",
    "/api/v1/namespaces/team-m,team-a/secrets/treasure",
    "/api/v1/namespaces/*/secrets/treasure",
    "/api/v1/namespaces//secrets/treasure",
    "/api/v1/secrets/treasure",
    "/api/v1/secrets",
    "/api/v1/watch/secrets",
    "/api/v1/watch/namespaces/team-a/secrets",
    "/api/v1/watch/namespaces/team-a/secrets/treasure",
    f"{OWN}/watch/namespaces/team-a/secrets",
    f"{OWN}/namespaces/team-a/secrets/treasure",
    f"{OWN}/secrets/treasure?namespace=team-a",
    f"{OWN}/secrets?namespace=team-a",
    "/apis/v1/namespaces/team-a/secrets/treasure",
    "/apis//v1/namespaces/team-a/secrets/treasure",
    "/apis/%20/v1/namespaces/team-a/secrets/treasure",
    "/api/v1/namespaces/team-a/secrets/treasure#/namespaces/team-m",
    "/api/v1/namespaces/team-m#/../team-a/secrets/treasure",
    "https://localhost/api/v1/namespaces/team-a/secrets/treasure",
    "http://team-m/api/v1/namespaces/team-a/secrets/treasure",
    f"{OWN}/services/https:localhost:443/proxy/api/v1/namespaces/team-a/secrets/treasure",
    f"{OWN}/pods/x/proxy/api/v1/namespaces/team-a/secrets/treasure",
    "/api/v1/proxy/namespaces/team-a/secrets/treasure",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_spelling_of_a_url_leads_to_another_s_secret(target: Target, path: str) -> None:
    """As somebody with rights next door, and as nobody."""
    for asker in (target.mallory, target.nobody):
        answer = asker.ask("GET", path)
        assert TREASURE.encode() not in answer.body + answer.head
        allowed = path.startswith(f"{OWN}/secrets?") and asker is not target.nobody
        assert 400 <= answer.code < 500 or (allowed and answer.code == 200), answer.body


@pytest.mark.parametrize("path", [p for p in PATHS if "treasure" in p and "?" not in p])
def test_nor_does_any_to_its_end(target: Target, path: str) -> None:
    for method in ("DELETE", "PUT"):
        body = secret("treasure", gold="stolen") if method == "PUT" else None
        assert 400 <= target.mallory.ask(method, path, body).code < 500
    assert target.admin.ask("GET", f"{VICTIM}/secrets/treasure").code == 200


def test_the_url_s_namespace_counts_and_a_body_that_disagrees_is_refused(target: Target) -> None:
    body = secret("planted", a="b")
    body["metadata"]["namespace"] = "team-a"
    mallory = target.mallory
    assert mallory.ask("POST", f"{OWN}/secrets", body).code == 400
    assert mallory.ask("PUT", f"{OWN}/secrets/planted", body).code == 400
    apply = body | {"apiVersion": "v1", "kind": "Secret"}
    answer = mallory.ask(
        "PATCH",
        f"{OWN}/secrets/planted?fieldManager=m",
        apply,
        content_type="application/apply-patch+yaml",
    )
    assert answer.code == 400
    body["metadata"]["namespace"] = "team-a/../team-m"
    assert mallory.ask("POST", f"{OWN}/secrets", body).code == 400
    assert target.admin.ask("GET", f"{VICTIM}/secrets/planted").code == 404


@pytest.mark.parametrize(
    "name", ["../team-a/secrets/x", "a/b", "..", ".", "a%2fb", "a\x00b", "A", "", "a b"]
)
def test_names_that_are_paths_are_no_names(target: Target, name: str) -> None:
    answer = target.mallory.ask("POST", f"{OWN}/secrets", secret(name, a="b"))
    assert answer.code in (400, 422), answer.body
