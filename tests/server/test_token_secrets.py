"""Secrets of tokens: found at start, filled against odds, deleted with their account."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from strongroom.access.authn.issuing import Issuer
from strongroom.access.authn.keyset import KeySet
from strongroom.api.clock import SystemClock
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, ObjectMeta
from strongroom.api.patch import PatchType
from strongroom.registry.registry import Registry
from strongroom.resources.object_reference import ObjectReference
from strongroom.resources.secret import SECRETS, SERVICE_ACCOUNT_TOKEN, Secret
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS, ServiceAccount
from strongroom.server import token_secrets
from strongroom.server.bootstrap import own_context
from strongroom.server.token_secrets import TokenSecrets
from strongroom.storage.memory import MemoryStore
from tests.access.authn.making import key
from tests.waiting import until

NAME, UID = (f"kubernetes.io/service-account.{part}" for part in ("name", "uid"))


class OneKey:
    """A set of keys that stays."""

    def __init__(self) -> None:
        self.keys = KeySet(key(), ())

    def current(self) -> KeySet:
        return self.keys

    newest = current


@dataclass
class Bench:
    """Registries over a store in memory."""

    secrets: Registry[Secret]
    accounts: Registry[ServiceAccount]

    def look_after(self) -> TokenSecrets:
        issuer = Issuer(OneKey(), "https://issuer")
        return TokenSecrets(self.secrets, self.accounts, issuer, b"authority", SystemClock())

    async def account(self, name: str, *secrets: str) -> ServiceAccount:
        obj = ServiceAccount(metadata=ObjectMeta(name=name))
        obj.secrets = [ObjectReference(name=secret) for secret in secrets]
        ctx = own_context(SystemClock(), "create", "serviceaccounts")
        return (await self.accounts.create(ctx, "ns", obj)).decode()

    async def secret(self, name: str, account: str, **fields: object) -> Secret:
        meta = ObjectMeta(name=name, annotations={NAME: account})
        obj = Secret(metadata=meta, type=SERVICE_ACCOUNT_TOKEN, **fields)  # type: ignore[arg-type]  # of the fields of Secret
        ctx = own_context(SystemClock(), "create", "secrets")
        return (await self.secrets.create(ctx, "ns", obj)).decode()

    async def find(self, name: str) -> Secret | None:
        try:
            ctx = own_context(SystemClock(), "get", "secrets")
            found: Secret = (await self.secrets.get(ctx, "ns", name)).decode()
        except StatusError:
            return None
        return found

    async def label(self, name: str, value: int) -> None:
        body = b'{"metadata":{"labels":{"n":"%d"}}}' % value
        ctx = own_context(SystemClock(), "patch", "secrets")
        await self.secrets.patch(ctx, "ns", name, PatchType.MERGE, body)

    async def delete(
        self, registry: Registry[Secret] | Registry[ServiceAccount], name: str
    ) -> None:
        ctx = own_context(SystemClock(), "delete", registry.resource.plural)
        await registry.delete(ctx, "ns", name, DeleteOptions())

    async def until(self, name: str, holds: Callable[[Secret | None], bool]) -> None:
        """Wait until what is found of a Secret is as wanted."""
        await until(lambda: self.find(name), holds)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    store = MemoryStore()
    registries = [Registry(r, store, (), SystemClock()) for r in (SECRETS, SERVICE_ACCOUNTS)]
    for registry in registries:
        await registry.start()
    yield Bench(*registries)
    for registry in registries:
        await registry.close()
    await store.close()


def is_filled(secret: Secret | None) -> bool:
    return secret is not None and {"token", "namespace", "ca.crt"} <= set(secret.data)


async def test_what_was_left_by_another_process_is_done(bench: Bench) -> None:
    account = await bench.account("bot")
    await bench.secret("filled", "bot")
    await bench.secret("orphan", "nobody")
    looking = bench.look_after()
    await bench.until("filled", is_filled)
    await bench.until("orphan", lambda found: found is None)
    filled = await bench.find("filled")
    assert filled is not None
    assert filled.metadata.annotations[UID] == account.metadata.uid
    assert (filled.data["namespace"], filled.data["ca.crt"]) == (b"ns", b"authority")
    await looking.close()


async def test_another_authority_is_put_in_and_the_token_stays(bench: Bench) -> None:
    await bench.account("bot")
    token = {"token": b"t", "namespace": b"mine", "ca.crt": b"old", "more": b"kept"}
    await bench.secret("s", "bot", data=token)
    looking = bench.look_after()
    await bench.until("s", lambda found: found is not None and found.data["ca.crt"] != b"old")
    found = await bench.find("s")
    assert found is not None
    assert found.data == token | {"ca.crt": b"authority"}
    await looking.close()


async def test_who_writes_meanwhile_only_delays_it(bench: Bench) -> None:
    await bench.account("bot")
    looking = bench.look_after()
    await bench.secret("s", "bot")
    for number in range(50):
        await bench.label("s", number)
    await bench.until("s", is_filled)
    found = await bench.find("s")
    assert found is not None
    assert found.metadata.labels == {"n": "49"}
    await looking.close()


async def test_one_that_cannot_be_filled_is_given_up_and_keeps_nobody_waiting(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(token_secrets, "_RETRY_FIRST", 0.0)
    await bench.account("bot")
    looking = bench.look_after()
    with caplog.at_level(logging.WARNING):
        await bench.secret("stuck", "bot", immutable=True)
        await bench.secret("other", "bot")
        await bench.until("other", is_filled)

        async def told() -> int:
            return len(caplog.records)

        await until(told, lambda count: count > token_secrets.ATTEMPTS)
    assert not is_filled(await bench.find("stuck"))
    await looking.close()


async def test_secrets_go_with_their_account_and_no_others(bench: Bench) -> None:
    looking = bench.look_after()
    for name in ("bot", "bot-2"):
        await bench.account(name)
        await bench.secret(f"of-{name}", name)
        await bench.until(f"of-{name}", is_filled)
    await bench.delete(bench.accounts, "bot")
    await bench.until("of-bot", lambda found: found is None)
    assert is_filled(await bench.find("of-bot-2"))
    await looking.close()


async def test_a_deleted_secret_is_taken_off_the_list(bench: Bench) -> None:
    looking = bench.look_after()
    await bench.account("bot", "one", "two", "else")
    for name in ("one", "two"):
        await bench.secret(name, "bot")
        await bench.until(name, is_filled)
    await bench.delete(bench.secrets, "one")

    async def listed() -> list[str]:
        ctx = own_context(SystemClock(), "get", "serviceaccounts")
        account = (await bench.accounts.get(ctx, "ns", "bot")).decode()
        return [secret.name for secret in account.secrets]

    await until(listed, lambda names: names == ["two", "else"])
    await looking.close()
