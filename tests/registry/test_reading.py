"""Get and list: freshness, selectors, pages, expiry, values that cannot be read."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions
from strongroom.api.patch import PatchType
from strongroom.api.selectors import FieldSelector, LabelSelector
from strongroom.registry.context import RequestContext
from strongroom.registry.errors import CONTINUE_EXPIRED
from strongroom.registry.options import ListOptions
from strongroom.registry.registry import Registry
from strongroom.resources.namespace import NAMESPACES
from strongroom.resources.secret import SECRETS, Secret
from strongroom.storage.memory import MemoryStore
from tests.registry.conftest import Open, config_map, context, names, refused, secret

LIST_OPTIONS = 'ListOptions.meta.k8s.io "" is invalid: '


async def fill(registry: Registry[Any], ctx: RequestContext, count: int) -> None:
    for i in range(count):
        await registry.create(ctx, "prod", secret(f"s{i:02}", labels={"even": str(i % 2 == 0)}))


@pytest.mark.parametrize("version", ["", "0", "1", "2"])
async def test_get_at_least_as_fresh(
    secrets: Registry[Any], ctx: RequestContext, version: str
) -> None:
    made = await secrets.create(ctx, "prod", secret("a"))
    await secrets.get(ctx, "prod", "a")
    assert (await secrets.get(ctx, "prod", "a", version)).wire == made.wire


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "Name parameter required."),
        ("a/b", "Name parameter invalid: \"a/b\": may not contain '/'"),
        ("..", "Name parameter invalid: \"..\": may not be '..'"),
    ],
)
async def test_names_that_cannot_be(
    secrets: Registry[Any], ctx: RequestContext, name: str, message: str
) -> None:
    assert await refused(secrets.get(ctx, "prod", name)) == (400, "BadRequest", message)


async def test_a_namespace_is_needed(secrets: Registry[Any], ctx: RequestContext) -> None:
    code, _, message = await refused(secrets.get(ctx, "", "a"))
    assert (code, message) == (400, "Namespace parameter required.")


async def test_a_revision_that_has_not_happened(
    secrets: Registry[Any], ctx: RequestContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.registry.reading.FRESH_WITHIN", 0.01)
    await secrets.create(ctx, "prod", secret("a"))
    with pytest.raises(StatusError) as caught:
        await secrets.get(ctx, "prod", "a", "1000")
    status = caught.value.to_status()
    assert (status.code, status.reason) == (504, "Timeout")
    assert status.message == "Timeout: Too large resource version: 1000, current: 2"
    assert status.details is not None
    assert status.details.retryAfterSeconds == 1
    assert status.details.causes[0].reason == "ResourceVersionTooLarge"
    assert status.details.causes[0].message == "Too large resource version"


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("x", 'strconv.ParseUint: parsing "x": invalid syntax'),
        ("-1", 'strconv.ParseUint: parsing "-1": invalid syntax'),
        ("9" * 20, f'strconv.ParseUint: parsing "{"9" * 20}": value out of range'),
    ],
)
async def test_a_revision_that_is_no_number(
    secrets: Registry[Any], ctx: RequestContext, version: str, why: str
) -> None:
    text = f'invalid resource version: resourceVersion: Invalid value: "{version}": {why}'
    assert await refused(secrets.get(ctx, "prod", "a", version)) == (400, "BadRequest", text)
    answer = secrets.list(ctx, "prod", ListOptions(resource_version=version))
    assert await refused(answer) == (400, "BadRequest", text)


async def test_lists_are_sorted_and_of_one_namespace(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    for namespace, name in (("prod", "b"), ("test", "c"), ("prod", "a"), ("production", "d")):
        await secrets.create(ctx, namespace, secret(name))
    assert names((await secrets.list(ctx, "prod", ListOptions())).items) == ["a", "b"]
    everything = await secrets.list(ctx, "", ListOptions())
    assert names(everything.items) == ["a", "b", "d", "c"]
    assert everything.revision == 5
    assert everything.remaining is None


async def test_selectors(secrets: Registry[Any], ctx: RequestContext) -> None:
    await fill(secrets, ctx, 4)
    tls = Secret(data={"tls.crt": b"c", "tls.key": b"k"}, type="kubernetes.io/tls")
    tls.metadata.name = "t"
    await secrets.create(ctx, "test", tls)

    async def chosen(labels: str = "", fields: str = "", namespace: str = "") -> list[str]:
        options = ListOptions(
            label_selector=LabelSelector.parse(labels), field_selector=FieldSelector.parse(fields)
        )
        return names((await secrets.list(ctx, namespace, options)).items)

    assert await chosen("even=True") == ["s00", "s02"]
    assert await chosen("even!=True") == ["s01", "s03", "t"]
    assert await chosen(fields="type=kubernetes.io/tls") == ["t"]
    assert await chosen(fields="metadata.name=s01") == ["s01"]
    assert await chosen(fields="metadata.name=s01", namespace="prod") == ["s01"]
    assert await chosen(fields="metadata.name=s01,type=other", namespace="prod") == []
    assert await chosen(fields="metadata.namespace=test") == ["t"]
    assert await chosen("even=False", "metadata.name!=s01") == ["s03"]


async def test_fields_that_cannot_be_selected_by(
    secrets: Registry[Any], config_maps: Registry[Any], open_registry: Open, ctx: RequestContext
) -> None:
    options = ListOptions(field_selector=FieldSelector.parse("data=x"))
    text = "field label not supported: data"
    assert await refused(secrets.list(ctx, "", options)) == (400, "BadRequest", text)
    code, _, message = await refused(config_maps.list(ctx, "", options))
    assert code == 400
    assert message == (
        '"data" is not a known field selector: only "metadata.name", "metadata.namespace"'
    )
    namespaces = await open_registry(NAMESPACES)
    options = ListOptions(field_selector=FieldSelector.parse("metadata.namespace=x"))
    _, _, message = await refused(namespaces.list(ctx, "", options))
    assert message == "field label not supported: metadata.namespace"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ListOptions(resource_version_match="Exact"),
            (
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless "
                "resourceVersion is provided"
            ),
        ),
        (
            ListOptions(resource_version="0", resource_version_match="Exact"),
            (
                'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for '
                'resourceVersion "0"'
            ),
        ),
        (
            ListOptions(resource_version="1", resource_version_match="x"),
            (
                'resourceVersionMatch: Unsupported value: "x": supported values: "Exact", '
                '"NotOlderThan", ""'
            ),
        ),
        (
            ListOptions(resource_version="1", resource_version_match="Exact", continue_token="x"),
            (
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue "
                "is provided"
            ),
        ),
        (
            ListOptions(send_initial_events=True),
            "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list",
        ),
    ],
)
async def test_options_that_contradict_each_other(
    secrets: Registry[Any], ctx: RequestContext, options: ListOptions, message: str
) -> None:
    answer = secrets.list(ctx, "", options)
    assert await refused(answer) == (422, "Invalid", LIST_OPTIONS + message)


async def pages(
    registry: Registry[Any], ctx: RequestContext, limit: int, **options: Any
) -> list[Any]:
    found = []
    token = ""
    while True:
        page = await registry.list(
            ctx, "", ListOptions(limit=limit, continue_token=token, **options)
        )
        found.append(page)
        token = page.continue_token
        if not token:
            return found


async def test_pages_are_of_one_revision(secrets: Registry[Any], ctx: RequestContext) -> None:
    await fill(secrets, ctx, 10)
    first = await secrets.list(ctx, "", ListOptions(limit=4))
    assert (names(first.items), first.remaining) == (["s00", "s01", "s02", "s03"], 6)
    await secrets.delete(ctx, "prod", "s05", DeleteOptions())
    await secrets.create(ctx, "prod", secret("s06a"))
    token = first.continue_token
    second = await secrets.list(ctx, "", ListOptions(limit=4, continue_token=token))
    assert (names(second.items), second.remaining) == (["s04", "s05", "s06", "s07"], 2)
    assert second.revision == first.revision
    third = await secrets.list(ctx, "", ListOptions(limit=4, continue_token=second.continue_token))
    assert (names(third.items), third.remaining, third.continue_token) == (["s08", "s09"], None, "")


async def test_pages_with_a_selector_tell_no_count(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    await fill(secrets, ctx, 11)
    found = await pages(secrets, ctx, 2, label_selector=LabelSelector.parse("even=True"))
    assert [names(page.items) for page in found] == [["s00", "s02"], ["s04", "s06"], ["s08", "s10"]]
    assert {page.remaining for page in found} == {None}


async def test_the_token_is_upstreams(secrets: Registry[Any], ctx: RequestContext) -> None:
    await fill(secrets, ctx, 3)
    page = await secrets.list(ctx, "", ListOptions(limit=1))
    text = page.continue_token
    data = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    assert data == {"v": "meta.k8s.io/v1", "rv": 4, "start": "prod/s00\x00"}


async def test_no_limit_with_revision_0(secrets: Registry[Any], ctx: RequestContext) -> None:
    await fill(secrets, ctx, 3)
    await secrets.get(ctx, "prod", "s00")
    page = await secrets.list(ctx, "", ListOptions(limit=1, resource_version="0"))
    assert (len(page.items), page.continue_token) == (3, "")


async def test_the_past(secrets: Registry[Any], ctx: RequestContext) -> None:
    await fill(secrets, ctx, 3)
    exact = ListOptions(resource_version="3", resource_version_match="Exact")
    page = await secrets.list(ctx, "", exact)
    assert (names(page.items), page.revision) == (["s00", "s01"], 3)
    legacy = await secrets.list(ctx, "", ListOptions(resource_version="3", limit=1))
    assert (names(legacy.items), legacy.revision, legacy.remaining) == (["s00"], 3, 1)
    newer = await secrets.list(ctx, "", ListOptions(resource_version="3"))
    assert (len(newer.items), newer.revision) == (3, 4)


async def test_the_past_that_is_gone(
    secrets: Registry[Any], ctx: RequestContext, store: MemoryStore
) -> None:
    await fill(secrets, ctx, 6)
    page = await secrets.list(ctx, "", ListOptions(limit=2))
    await secrets.create(ctx, "prod", secret("s01a"))
    await secrets.create(ctx, "prod", secret("s02a"))
    await store.compact(store.current_revision)
    exact = ListOptions(resource_version="3", resource_version_match="Exact")
    text = "The resourceVersion for the provided list is too old."
    assert await refused(secrets.list(ctx, "", exact)) == (410, "Expired", text)
    with pytest.raises(StatusError) as caught:
        await secrets.list(ctx, "", ListOptions(limit=2, continue_token=page.continue_token))
    status = caught.value.to_status()
    assert (status.code, status.reason, status.message) == (410, "Expired", CONTINUE_EXPIRED)
    rest = await secrets.list(
        ctx, "", ListOptions(limit=10, continue_token=status.metadata.continue_)
    )
    assert names(rest.items) == ["s01a", "s02", "s02a", "s03", "s04", "s05"]
    assert rest.revision == store.current_revision


def token(**facts: Any) -> str:
    data = {"v": "meta.k8s.io/v1", "rv": 2, "start": "prod/a", **facts}
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("%%%", "continue key is not valid: it cannot be decoded"),
        ("YWJj", "continue key is not valid: it cannot be decoded"),
        (
            token(rv=0),
            (
                "continue key is not valid: incorrect encoded start resourceVersion "
                "(version meta.k8s.io/v1)"
            ),
        ),
        (
            token(start=""),
            "continue key is not valid: encoded start key empty (version meta.k8s.io/v1)",
        ),
        (
            token(v="v2"),
            "continue key is not valid: server does not recognize this encoded version v2",
        ),
        (token(start="../secrets/x"), "continue key is not valid: ../secrets/x"),
        (token(start="a/../../x"), "continue key is not valid: a/../../x"),
    ],
)
async def test_tokens_that_are_no_tokens(
    secrets: Registry[Any], ctx: RequestContext, text: str, why: str
) -> None:
    answer = secrets.list(ctx, "", ListOptions(limit=1, continue_token=text))
    assert await refused(answer) == (400, "BadRequest", f"invalid continue token: {why}")


async def test_a_token_and_a_revision(secrets: Registry[Any], ctx: RequestContext) -> None:
    answer = secrets.list(ctx, "", ListOptions(continue_token=token(), resource_version="2"))
    code, _, message = await refused(answer)
    assert (code, message) == (
        400,
        "specifying resource version is not allowed when using continue",
    )


async def test_a_value_of_another_server_is_served_in_our_form(
    secrets: Registry[Any], ctx: RequestContext, store: MemoryStore
) -> None:
    """As kube-apiserver writes it: with a line feed, nulls and fields that we do not know."""
    foreign = (
        b'{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a","namespace":"prod","uid":"u",'
        b'"creationTimestamp":null,"future":1},"data":{"k":"dg=="},"type":"Opaque"}\n'
    )
    await store.create("/registry/secrets/prod/a", foreign)
    view = await secrets.get(ctx, "prod", "a")
    assert json.loads(view.wire) == {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "2", "name": "a", "namespace": "prod", "uid": "u"},
        "data": {"k": "dg=="},
        "type": "Opaque",
    }


async def test_values_that_cannot_be_read(
    secrets: Registry[Any], ctx: RequestContext, store: MemoryStore
) -> None:
    """One bad value is an error of its own: the others are listed, with a warning naming it."""
    await fill(secrets, ctx, 2)
    await store.create("/registry/secrets/prod/bad", b"k8s:enc:canary")
    code, reason, message = await refused(secrets.get(ctx, "prod", "bad"))
    assert (code, reason) == (500, "InternalError")
    assert "canary" not in message
    exact = ListOptions(
        resource_version=str(store.current_revision), resource_version_match="Exact"
    )
    for options in (ListOptions(), exact):
        warnings: list[str] = []
        page = await secrets.list(context(warn=warnings.append), "", options)
        assert names(page.items) == ["s00", "s01"]
        (warning,) = warnings
        assert warning.endswith("cannot be read from storage: /registry/secrets/prod/bad")
    # Who asks for one name may have no right to know of others.
    for options in (ListOptions(), exact):
        warnings = []
        one = replace(options, field_selector=FieldSelector.parse("metadata.name=s00"))
        for namespace in ("", "prod"):
            page = await secrets.list(context(warn=warnings.append), namespace, one)
            assert names(page.items) == ["s00"]
        assert warnings == []


async def test_two_servers_on_one_store_read_each_others_writes(
    open_registry: Open, ctx: RequestContext
) -> None:
    one, other = await open_registry(SECRETS), await open_registry(SECRETS)
    await one.create(ctx, "prod", secret("a"))
    assert (await other.get(ctx, "prod", "a")).name == "a"
    await other.update(ctx, "prod", "a", secret("a", labels={"x": "y"}))
    assert (await one.get(ctx, "prod", "a")).labels == {"x": "y"}


async def test_writes_of_other_kinds_do_not_hold_up_reads(
    secrets: Registry[Any], config_maps: Registry[Any], ctx: RequestContext
) -> None:
    await secrets.create(ctx, "prod", secret("a"))
    await config_maps.create(ctx, "prod", config_map("b"))
    page = await secrets.list(ctx, "", ListOptions())
    assert (names(page.items), page.revision) == (["a"], 3)


@pytest.mark.parametrize("namespace", ["", "prod/a", ".."])
async def test_no_verb_reaches_into_another_namespace(
    secrets: Registry[Any], ctx: RequestContext, namespace: str
) -> None:
    """A slash in a name would name the key of an object elsewhere."""
    await secrets.create(ctx, "prod", secret("a"))
    for name in ("prod/a", "../secrets/prod/a", "a"):
        outcomes = [
            await refused(secrets.get(ctx, namespace, name)),
            await refused(secrets.delete(ctx, namespace, name, DeleteOptions())),
            await refused(secrets.patch(ctx, namespace, name, PatchType.MERGE, b"{}")),
        ]
        assert {code for code, _, _ in outcomes} == {400}
    assert (await secrets.get(ctx, "prod", "a")).revision == 2
