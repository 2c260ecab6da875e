"""Bad input gets the right Status and code: never a 500, never a value in the answer."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.server.conftest import SECRETS, Running, running, secret

# One server for the whole table.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api_shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(tmp_path_factory.mktemp("shared")) as run:
        assert (await run.ask("POST", SECRETS, secret("s", a="b"))).code == 201
        yield run


TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "code", "reason"),
    [
        ("POST", SECRETS, b"{", {}, 400, "BadRequest"),
        ("POST", SECRETS, b"[]", {}, 400, "BadRequest"),
        ("POST", SECRETS, b"null", {}, 400, "BadRequest"),
        ("POST", SECRETS, b"\xff\xfe", {}, 400, "BadRequest"),
        ("POST", SECRETS, b"[" * 100_000, {}, 400, "BadRequest"),
        ("POST", SECRETS, b'{"metadata":' * 600 + b"1" + b"}" * 600, {}, 400, "BadRequest"),
        (
            "POST",
            SECRETS,
            b'{"metadata":{"name":"s"},"data":{"a":"canary!"}}',
            {},
            400,
            "BadRequest",
        ),
        (
            "POST",
            SECRETS,
            b'{"metadata":{"name":"s"},"data":{"a":["canary"]}}',
            {},
            400,
            "BadRequest",
        ),
        ("POST", SECRETS, b'{"kind":"Pod","metadata":{"name":"s"}}', {}, 400, "BadRequest"),
        ("POST", SECRETS, b'{"apiVersion":"v2","metadata":{"name":"s"}}', {}, 400, "BadRequest"),
        ("POST", SECRETS, b"{}", {}, 422, "Invalid"),
        ("POST", SECRETS, b'{"metadata":{"name":"A_B"}}', {}, 422, "Invalid"),
        ("POST", SECRETS, b'{"metadata":{"name":"s"},"data":{"":"YQ=="}}', {}, 422, "Invalid"),
        ("POST", SECRETS, b'{"metadata":{"name":"s","namespace":"x"}}', {}, 400, "BadRequest"),
        ("POST", SECRETS, b"{}", {"Content-Type": "text/plain"}, 415, "UnsupportedMediaType"),
        ("POST", SECRETS, b"a: [", {"Content-Type": "application/yaml"}, 400, "BadRequest"),
        (
            "POST",
            SECRETS,
            b"k8s\0\x0a\xff",
            {"Content-Type": "application/vnd.kubernetes.protobuf"},
            400,
            "BadRequest",
        ),
        ("POST", SECRETS, b"x" * (3 * 1024 * 1024 + 1), {}, 413, "RequestEntityTooLarge"),
        ("POST", SECRETS, b"junk", {"Content-Encoding": "gzip"}, 400, "BadRequest"),
        ("POST", SECRETS, b"junk", {"Content-Encoding": "br"}, 415, "UnsupportedMediaType"),
        ("POST", f"{SECRETS}?dryRun=Some", b'{"metadata":{"name":"s"}}', {}, 422, "Invalid"),
        ("POST", f"{SECRETS}?fieldValidation=X", b'{"metadata":{"name":"s"}}', {}, 422, "Invalid"),
        ("POST", f"{SECRETS}/s", b"{}", {}, 405, "MethodNotAllowed"),
        ("POST", "/api/v1/secrets", b"{}", {}, 405, "MethodNotAllowed"),
        ("PUT", SECRETS, b"{}", {}, 405, "MethodNotAllowed"),
        ("PUT", f"{SECRETS}/s", b'{"metadata":{"name":"t"}}', {}, 400, "BadRequest"),
        (
            "PATCH",
            f"{SECRETS}/s",
            b"{}",
            {"Content-Type": "application/json"},
            415,
            "UnsupportedMediaType",
        ),
        (
            "PATCH",
            f"{SECRETS}/s",
            b"{",
            {"Content-Type": "application/merge-patch+json"},
            400,
            "BadRequest",
        ),
        ("OPTIONS", SECRETS, None, {}, 405, "MethodNotAllowed"),
        ("GET", SECRETS, None, {"Accept": "image/png"}, 406, "NotAcceptable"),
        ("GET", SECRETS, None, {"Accept": TABLE.replace("v=v1", "v=v9")}, 406, "NotAcceptable"),
        ("GET", f"{SECRETS}?includeObject=All", None, {"Accept": TABLE}, 400, "BadRequest"),
        ("GET", f"{SECRETS}?limit=x", None, {}, 400, "BadRequest"),
        ("GET", f"{SECRETS}?limit=99999999999999999999", None, {}, 400, "BadRequest"),
        ("GET", f"{SECRETS}?continue=junk", None, {}, 400, "BadRequest"),
        ("GET", f"{SECRETS}?labelSelector=a%20b", None, {}, 400, "BadRequest"),
        ("GET", f"{SECRETS}?fieldSelector=spec.x%3Dy", None, {}, 400, "BadRequest"),
        ("GET", f"{SECRETS}?resourceVersion=x", None, {}, 400, "BadRequest"),
        ("GET", f"{SECRETS}?resourceVersionMatch=Exact", None, {}, 422, "Invalid"),
        ("GET", f"{SECRETS}?watch=1&resourceVersion=x", None, {}, 422, "Invalid"),
        ("GET", f"{SECRETS}?watch=1&timeoutSeconds=x", None, {}, 400, "BadRequest"),
        ("GET", f"{SECRETS}/none", None, {}, 404, "NotFound"),
        ("GET", f"{SECRETS}/s/status", None, {}, 404, "NotFound"),
        ("GET", "/api/v1/none", None, {}, 404, "NotFound"),
        ("GET", "/api/v1/secrets/s", None, {}, 404, "NotFound"),
        ("DELETE", "/api/v1/secrets/s", None, {}, 404, "NotFound"),
        ("DELETE", "/api/v1/namespaces", None, {}, 405, "MethodNotAllowed"),
        ("POST", f"{SECRETS}/s/binding", b"{}", {}, 404, "NotFound"),
        ("POST", "/api/v1/namespaces/default/pods/p/status", b"{}", {}, 405, "MethodNotAllowed"),
        ("POST", "/api/v1/namespaces/default/pods/p/binding", b"{", {}, 400, "BadRequest"),
        ("GET", "/api/v2/secrets", None, {}, 404, "NotFound"),
        ("GET", "/api/v1/namespaces/default/nodes", None, {}, 404, "NotFound"),
        ("GET", "/apis/none/v1/secrets", None, {}, 404, "NotFound"),
        ("GET", f"{SECRETS}/..%2f..%2fnodes", None, {}, 400, "BadRequest"),
        ("GET", f"{SECRETS}/%2e%2e/x", None, {}, 400, "BadRequest"),
        ("GET", f"{SECRETS}/a%00b", None, {}, 400, "BadRequest"),
        ("DELETE", f"{SECRETS}/s", b'{"kind":"Secret"}', {}, 400, "BadRequest"),
        ("DELETE", f"{SECRETS}/s?propagationPolicy=X", None, {}, 422, "Invalid"),
        ("DELETE", f"{SECRETS}/s?gracePeriodSeconds=x", None, {}, 400, "BadRequest"),
        ("DELETE", "/api/v1/secrets", None, {}, 405, "MethodNotAllowed"),
    ],
)
async def test_bad_input(
    api_shared: Running,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    code: int,
    reason: str,
) -> None:
    if body is not None:
        headers = {"Content-Type": "application/json"} | headers
    answer = await api_shared.ask(method, path, body, headers=headers)
    assert (answer.code, answer.json["reason"]) == (code, reason)
    assert answer.json["kind"] == "Status"
    assert b"canary" not in answer.body
