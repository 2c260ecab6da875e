"""What a request wants, read from its URL: the cases of upstream's RequestInfo, and refusals."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.access.user import User
from strongroom.api.errors import StatusError
from strongroom.server.urls import parse_target

N = "/api/v1/namespaces"


@pytest.mark.parametrize(
    ("method", "url", "verb", "group", "resource", "subresource", "namespace", "name"),
    [
        ("GET", f"{N}/ns/pods", "list", "", "pods", "", "ns", ""),
        ("GET", f"{N}/ns/pods/", "list", "", "pods", "", "ns", ""),
        ("GET", f"{N}/ns/pods/p", "get", "", "pods", "", "ns", "p"),
        ("HEAD", f"{N}/ns/pods/p", "get", "", "pods", "", "ns", "p"),
        ("GET", f"{N}/ns/pods/p/log", "get", "", "pods", "log", "ns", "p"),
        ("GET", "/api/v1/pods", "list", "", "pods", "", "", ""),
        ("GET", "/api/v1/pods?watch=true", "watch", "", "pods", "", "", ""),
        ("GET", "/api/v1/pods?watch", "watch", "", "pods", "", "", ""),
        ("GET", "/api/v1/pods?watch=0", "list", "", "pods", "", "", ""),
        ("GET", "/api/v1/pods?watch=False", "list", "", "pods", "", "", ""),
        ("GET", "/api/v1/watch/pods", "watch", "", "pods", "", "", ""),
        ("GET", "/api/v1/watch/namespaces/ns/pods/p", "watch", "", "pods", "", "ns", "p"),
        ("GET", f"{N}/ns/pods/p?watch=1", "get", "", "pods", "", "ns", "p"),
        ("GET", N, "list", "", "namespaces", "", "", ""),
        ("GET", f"{N}/ns", "get", "", "namespaces", "", "ns", "ns"),
        ("PUT", f"{N}/ns/status", "update", "", "namespaces", "status", "ns", "ns"),
        ("PUT", f"{N}/ns/finalize", "update", "", "namespaces", "finalize", "ns", "ns"),
        ("POST", f"{N}/ns/pods", "create", "", "pods", "", "ns", ""),
        ("PATCH", f"{N}/ns/pods/p", "patch", "", "pods", "", "ns", "p"),
        ("DELETE", f"{N}/ns/pods/p", "delete", "", "pods", "", "ns", "p"),
        ("DELETE", f"{N}/ns/pods", "deletecollection", "", "pods", "", "ns", ""),
        (
            "GET",
            "/apis/coordination.k8s.io/v1/leases",
            "list",
            "coordination.k8s.io",
            "leases",
            "",
            "",
            "",
        ),
        ("GET", f"{N}/ns/pods?fieldSelector=metadata.name%3Dp", "list", "", "pods", "", "ns", "p"),
        (
            "GET",
            f"{N}/ns/pods?watch=1&fieldSelector=a%3Db,metadata.name%3D%3Dp",
            "watch",
            "",
            "pods",
            "",
            "ns",
            "p",
        ),
        ("GET", f"{N}/ns/pods?fieldSelector=metadata.name!%3Dp", "list", "", "pods", "", "ns", ""),
        ("GET", f"{N}/ns/pods?fieldSelector=metadata.name%3D..", "list", "", "pods", "", "ns", ""),
        (
            "DELETE",
            f"{N}/ns/pods?fieldSelector=metadata.name%3Dp",
            "deletecollection",
            "",
            "pods",
            "",
            "ns",
            "",
        ),
        ("GET", f"{N}/ns/secrets/a%2Db", "get", "", "secrets", "", "ns", "a-b"),
        ("BREW", f"{N}/ns/pods", "", "", "pods", "", "ns", ""),
    ],
)
def test_resources(
    method: str,
    url: str,
    verb: str,
    group: str,
    resource: str,
    subresource: str,
    namespace: str,
    name: str,
) -> None:
    path, _, query = url.partition("?")
    target = parse_target(method, path.encode(), query.encode())
    assert target.is_resource
    found = target.attributes(User("u"))
    assert (found.verb, found.group, found.resource, found.subresource) == (
        verb,
        group,
        resource,
        subresource,
    )
    assert (found.namespace, found.name) == (namespace, name)


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v1", "/apis", "/apis/g", "/apis/g/v1", "/livez/ping", "/x/y/z/a"]
)
def test_paths_that_are_no_resources(path: str) -> None:
    target = parse_target("GET", path.encode(), b"")
    assert (target.is_resource, target.verb, target.path) == (False, "get", path)


@pytest.mark.parametrize(
    "path",
    [
        b"/api/v1/namespaces/a/../b/secrets",
        b"/api/v1/./secrets",
        b"//api/v1/secrets",
        b"/api//v1/secrets",
        b"/api/v1/secrets//",
        b"/api/v1/namespaces/a%2Fb/secrets",
        b"/api/v1/namespaces/%2e%2e/secrets",
        b"/api/v1/namespaces/a%5Cb/secrets",
        b"/api/v1/a%00",
        b"/api/v1/a%0Ab",
        b"/api/v1/%ff",
        b"api/v1",
        b"",
    ],
)
def test_paths_with_two_meanings_are_refused(path: bytes) -> None:
    with pytest.raises(StatusError) as raised:
        parse_target("GET", path, b"")
    assert raised.value.code == 400


@pytest.mark.parametrize("query", [b"\xff", b"a=%ff", b"&".join([b"a=1"] * 1001)])
def test_queries_that_cannot_be_read_are_refused(query: bytes) -> None:
    with pytest.raises(StatusError) as raised:
        parse_target("GET", b"/api/v1/pods", query)
    assert raised.value.code == 400


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_anything_else_is_parsed_or_refused(path: bytes, query: bytes) -> None:
    try:
        target = parse_target("GET", b"/" + path, query)
    except StatusError:
        return
    for text in (target.namespace, target.name, target.resource, target.subresource):
        assert "/" not in text
        assert text not in (".", "..")


@pytest.mark.parametrize(
    ("selector", "name"),
    [
        ("metadata.name=a", "a"),
        ("metadata.name==a,type=b", "a"),
        ("metadata.name!=a", ""),
        # One value with a comma in it: it names nothing, whatever it looks like.
        ("type!=\\,metadata.name\\=a", ""),
        ("type!=\\,metadata.name=a", ""),
        ("metadata.name=..", ""),
        ("metadata.name=a/b", ""),
        ("metadata.name", ""),
    ],
)
def test_a_selector_names_an_object_only_if_it_selects_no_other(selector: str, name: str) -> None:
    query = "fieldSelector=" + quote(selector)
    assert parse_target("GET", b"/api/v1/secrets", query.encode()).name == name


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/api/v1/pods", True),
        ("GET", "/api/v1/pods?watch=1&", True),
        ("DELETE", "/api/v1/namespaces/a/pods", True),
        ("GET", "/api/v1/namespaces/a/pods/p", False),
        ("PATCH", "/api/v1/namespaces/a/pods/p", False),
        ("DELETE", "/api/v1/namespaces/a/pods/p", False),
        ("POST", "/api/v1/namespaces/a/pods", False),
        ("GET", "/api/v1/watch/pods", False),
        ("GET", "/api/v1/watch/namespaces/a/pods/p", False),
    ],
)
def test_no_right_comes_of_a_selector_that_selects_nothing(
    method: str, path: str, told: bool
) -> None:
    path, _, rest = path.partition("?")
    query = f"{rest}fieldSelector=spec.nodeName%3Dn1&labelSelector=a%3Db"
    found = parse_target(method, path.encode(), query.encode()).attributes(User("u"))
    given = ("spec.nodeName=n1", "a=b") if told else ("", "")
    assert (found.field_selector, found.label_selector) == given


def test_long_urls_are_not_kept() -> None:
    path = b"/api/v1/secrets"
    assert parse_target("GET", path, b"") is parse_target("GET", path, b"")
    long = path + b"/" + b"a" * 1000
    assert parse_target("GET", long, b"") is not parse_target("GET", long, b"")
