"""Warnings of expired Secrets and the guard of those in use, by one server whose clock stands."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from strongroom.testing.clock import ManualClock
from tests.resources.test_certificate_times import ending
from tests.server.conftest import Answer, Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
POD = {"containers": [{"name": "main", "image": "none"}]}
_WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')
_numbers = itertools.count(1)


class Room:
    """A namespace of a test's own."""

    def __init__(self, api: Running, namespace: str) -> None:
        self.api = api
        self.namespace = namespace
        self.secrets = f"/api/v1/namespaces/{namespace}/secrets"
        self.pods = f"/api/v1/namespaces/{namespace}/pods"

    async def ask(self, *arguments: Any, **options: Any) -> Answer:
        return await self.api.ask(*arguments, **options)

    async def secret(self, name: str, annotations: Any = None, **values: bytes) -> Answer:
        data = {k.replace("_", "."): base64.b64encode(v).decode() for k, v in values.items()}
        meta = {"name": name, "annotations": annotations or {}}
        return await self.ask("POST", self.secrets, {"metadata": meta, "data": data})

    async def pod(self, name: str, secret: str) -> Answer:
        volumes = [{"name": "v", "secret": {"secretName": secret}}]
        spec = POD | {"volumes": volumes, "automountServiceAccountToken": False}
        return await self.ask("POST", self.pods, {"metadata": {"name": name}, "spec": spec})

    async def delete(self, name: str, **options: Any) -> Answer:
        return await self.ask("DELETE", f"{self.secrets}/{name}", **options)

    async def guard(self, how: str) -> Answer:
        body = {"metadata": {"annotations": {"strongroom.io/deletion-guard": how}}}
        merge = {"Content-Type": "application/merge-patch+json"}
        path = f"/api/v1/namespaces/{self.namespace}"
        return await self.ask("PATCH", path, body, headers=merge)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    directory = tmp_path_factory.mktemp("use")
    off = ("--disable-admission-plugins", "ServiceAccount")
    async with running(directory, *off, clock=ManualClock(NOW)) as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def room(server: Running) -> Room:
    name = f"room-{next(_numbers)}"
    await server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    return Room(server, name)


def warnings(answer: Answer) -> list[str]:
    """The texts of the Warning headers of an answer that is no refusal."""
    assert answer.code in (200, 201), answer.body
    texts = _WARNING.findall(", ".join(answer.headers.getall("Warning", [])))
    return [text.replace('\\"', '"') for text in texts]


def until(days: float) -> bytes:
    begin = NOW - 400 * DAY
    return ending(NOW + days * DAY, begin=begin)


async def test_who_writes_an_expired_secret_is_told(room: Room) -> None:
    assert warnings(await room.secret("good", tls_crt=until(1))) == []
    told = ["this Secret has expired 3d ago (certificate, data[tls.crt])"]
    assert warnings(await room.secret("bad", tls_crt=until(-3))) == told
    merge = {"Content-Type": "application/merge-patch+json"}
    label = {"metadata": {"labels": {"a": "b"}}}
    path = f"{room.secrets}/bad"
    assert warnings(await room.ask("PATCH", path, label, headers=merge)) == []
    note = {"metadata": {"annotations": {"a": "b"}}}
    assert warnings(await room.ask("PATCH", path, note, headers=merge)) == told


async def test_annotations_that_cannot_be_read_are_told_by_their_path(room: Room) -> None:
    wrong = {"strongroom.io/expires-at": "tomorrow", "strongroom.io/rotate-after": "90d"}
    at = "metadata.annotations[strongroom.io/expires-at]"
    assert warnings(await room.secret("s", wrong)) == [
        f"{at}: must be a time in RFC 3339, such as 2027-01-31T00:00:00Z; it is ignored"
    ]


async def test_who_uses_a_secret_is_told_when_it_expires(room: Room) -> None:
    await room.secret("gone", tls_crt=until(-2))
    await room.secret("soon", tls_crt=until(5))
    await room.secret("late", tls_crt=until(8))
    path = "spec.volumes[0].secret.secretName"
    told = f'{path}: Secret "gone" expired 2d ago (certificate, data[tls.crt])'
    assert warnings(await room.pod("a", "gone")) == [told]
    soon = f'{path}: Secret "soon" expires in 5d (certificate, data[tls.crt])'
    assert warnings(await room.pod("b", "soon")) == [soon]
    assert warnings(await room.pod("c", "late")) == []
    assert warnings(await room.pod("d", "missing")) == []


async def test_templates_warn_when_they_change_only(room: Room) -> None:
    await room.secret("gone", tls_crt=until(-2))
    pod = POD | {"imagePullSecrets": [{"name": "gone"}]}
    labels = {"app": "a"}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    path = f"/apis/apps/v1/namespaces/{room.namespace}/deployments"
    text = 'Secret "gone" expired 2d ago (certificate, data[tls.crt])'
    told = [f"spec.template.spec.imagePullSecrets[0].name: {text}"]
    made = await room.ask("POST", path, {"metadata": {"name": "d"}, "spec": spec})
    assert warnings(made) == told
    merge = {"Content-Type": "application/merge-patch+json"}
    note = {"metadata": {"annotations": {"a": "b"}}}
    assert warnings(await room.ask("PATCH", f"{path}/d", note, headers=merge)) == []
    scale = {"spec": {"replicas": 2}}
    assert warnings(await room.ask("PATCH", f"{path}/d", scale, headers=merge)) == told


async def test_who_deletes_a_secret_in_use_is_told_by_whom(room: Room) -> None:
    for name in ("used", "free", "useful"):
        await room.secret(name)
    for i in range(5):
        await room.pod(f"p{i}", "used")
    place = "(spec.volumes[0].secret.secretName)"
    shown = ", ".join(f'Pod "p{i}" {place}' for i in range(3))
    told = [f'Secret "used" is used by {shown} and others']
    assert warnings(await room.ask("DELETE", f"{room.secrets}/used?dryRun=All")) == told
    assert warnings(await room.delete("free")) == []
    assert warnings(await room.delete("useful")) == []
    assert warnings(await room.delete("used")) == told
    event = next(
        e
        for e in reversed(room.api.audit_events())
        if e["verb"] == "delete" and e["objectRef"].get("name") == "used"
    )
    assert event["annotations"]["inuse.strongroom.io/used-by"].startswith('Pod "p0"')


async def test_what_has_ended_uses_nothing(room: Room) -> None:
    await room.secret("s")
    await room.pod("p", "s")
    merge = {"Content-Type": "application/merge-patch+json"}
    ended = {"status": {"phase": "Succeeded"}}
    path = f"{room.pods}/p/status"
    assert (await room.ask("PATCH", path, ended, headers=merge)).code == 200
    assert warnings(await room.delete("s")) == []


async def test_accounts_and_ingresses_use_secrets(room: Room) -> None:
    base = f"/namespaces/{room.namespace}"
    await room.secret("pull")
    await room.secret("cert", tls_crt=until(9))
    account = {"metadata": {"name": "a"}, "imagePullSecrets": [{"name": "pull"}]}
    await room.ask("POST", f"/api/v1{base}/serviceaccounts", account)
    spec = {
        "defaultBackend": {"service": {"name": "x", "port": {"number": 80}}},
        "tls": [{"secretName": "cert"}],
    }
    ingress = {"metadata": {"name": "i"}, "spec": spec}
    ingresses = f"/apis/networking.k8s.io/v1{base}/ingresses"
    assert warnings(await room.ask("POST", ingresses, ingress)) == []
    assert warnings(await room.delete("pull")) == [
        'Secret "pull" is used by ServiceAccount "a" (imagePullSecrets[0].name)'
    ]
    assert warnings(await room.delete("cert")) == [
        'Secret "cert" is used by Ingress "i" (spec.tls[0].secretName)'
    ]


async def test_a_namespace_may_refuse_and_a_secret_may_allow(room: Room) -> None:
    assert warnings(await room.guard("deny")) == []
    await room.secret("s")
    await room.secret("other", {"strongroom.io/allow-deletion": "true"})
    await room.pod("p", "s")
    await room.pod("q", "other")
    refused = await room.delete("s")
    assert refused.code == 403
    way = "annotate the Secret with strongroom.io/allow-deletion=true to delete it all the same"
    assert refused.json["message"] == (
        'secrets "s" is forbidden: it is used by Pod "p" (spec.volumes[0].secret.secretName); '
        + way
    )
    assert warnings(await room.delete("other")) == []
    assert (await room.ask("DELETE", room.secrets)).code == 403
    # Those who remove what belongs to something that has gone are not held up.
    assert warnings(await room.delete("s", identity="controller-manager")) == []


async def test_the_guard_can_be_off_and_words_that_it_does_not_know_are_told(room: Room) -> None:
    await room.secret("s")
    await room.pod("p", "s")
    at = "metadata.annotations[strongroom.io/deletion-guard]"
    told = [f"{at}: must be one of warn, deny, off; it is ignored"]
    assert warnings(await room.guard("never")) == told
    assert len(warnings(await room.ask("DELETE", f"{room.secrets}/s?dryRun=All"))) == 1
    await room.guard("off")
    assert warnings(await room.delete("s")) == []


async def test_a_namespace_that_goes_takes_its_secrets_along(room: Room) -> None:
    await room.guard("deny")
    await room.secret("s")
    await room.pod("p", "s")
    assert (await room.ask("DELETE", f"/api/v1/namespaces/{room.namespace}")).code == 200
    assert warnings(await room.delete("s")) == []


async def test_a_collection_warns_once(room: Room) -> None:
    for i in range(30):
        await room.secret(f"s{i}")
        await room.pod(f"p{i}", f"s{i}")
    deleted = await room.ask("DELETE", room.secrets)
    assert warnings(deleted) == ["some of the deleted Secrets are in use"]
    assert len(deleted.json["items"]) == 30
