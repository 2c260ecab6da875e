"""Secrets of type ``kubernetes.io/service-account-token``: filled, and deleted with their account.

Source: ``pkg/controller/serviceaccount/tokens_controller.go``, as it is since nothing makes such
Secrets by itself. It works in the API server, so that nobody else needs the key that signs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from strongroom.access.authn.issuing import Issuer
from strongroom.access.authn.secret_tokens import TOKEN
from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, Preconditions
from strongroom.registry.context import RequestContext
from strongroom.registry.registry import Registry
from strongroom.registry.view import View
from strongroom.resources.secret import (
    SERVICE_ACCOUNT_NAME_ANNOTATION,
    SERVICE_ACCOUNT_TOKEN,
    SERVICE_ACCOUNT_UID_ANNOTATION,
    Secret,
)
from strongroom.resources.serviceaccount import ServiceAccount
from strongroom.server.bootstrap import own_context
from strongroom.storage.cache import Change
from strongroom.storage.errors import SubscriberTooSlow
from strongroom.storage.port import EventType
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

CA, NAMESPACE = "ca.crt", "namespace"

ATTEMPTS = 10
_RETRY_FIRST, _RETRY_MOST = 0.05, 5.0
_MAX_PENDING = 100_000
_TYPE = SERVICE_ACCOUNT_TOKEN.encode()


@dataclass(frozen=True, slots=True)
class _Item:
    """A Secret to look at, with the account that it names (``account_uid`` is "" for any)."""

    namespace: str
    name: str
    uid: str
    account: str
    account_uid: str


class TokenSecrets:
    """Looks after all such Secrets from its making on, until ``close``."""

    def __init__(
        self,
        secrets: Registry[Secret],
        accounts: Registry[ServiceAccount],
        issuer: Issuer,
        authority: bytes,
        clock: Clock,
    ) -> None:
        self._secrets = secrets
        self._accounts = accounts
        self._issuer = issuer
        self._authority = authority
        self._clock = clock
        self._dirty: dict[_Item, None] = {}
        self._failed: dict[_Item, int] = {}
        self._wake = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._follow(secrets, self._of_secret)),
            asyncio.create_task(self._follow(accounts, self._of_account)),
            asyncio.create_task(self._work()),
        ]

    async def close(self) -> None:
        """Stop; what is left to do is found again by the next one."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(
        self, registry: Registry[Any], apply: Callable[[Change[Any]], Iterable[_Item]]
    ) -> None:
        """Note what there is, and then what changes; after a flood, all over again."""
        while True:
            cache, prefix = registry.cache, registry.resource.prefix()
            subscription = cache.subscribe(cache.revision, _MAX_PENDING, prefix=prefix)
            # Accounts that have gone are missed by their Secrets, which are all looked at here.
            self._note(self._all())
            try:
                async for batch in subscription:
                    self._note(item for change in batch for item in apply(change))
                return
            except SubscriberTooSlow:
                continue
            finally:
                await subscription.close()

    def _all(self, prefix: str = "") -> Iterable[_Item]:
        cache = self._secrets.cache
        for entry in cache.list(prefix or self._secrets.resource.prefix()).items:
            if entry.error is None and (item := _item(entry.item)):
                yield item

    def _of_secret(self, change: Change[View[Secret]]) -> Iterable[_Item]:
        if change.error is not None:
            return ()
        item = _item(change.item)
        return (item,) if item else ()

    def _of_account(self, change: Change[View[ServiceAccount]]) -> Iterable[_Item]:
        """The Secrets of an account that has gone."""
        if change.type is EventType.PUT or change.error is not None:
            return ()
        gone = change.item
        within = self._all(self._secrets.resource.prefix(gone.namespace))
        return (item for item in within if item.account == gone.name)

    def _note(self, items: Iterable[_Item]) -> None:
        self._dirty.update(dict.fromkeys(items))
        self._wake.set()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._dirty:
                item = next(iter(self._dirty))
                del self._dirty[item]
                try:
                    await self._reconcile(item)
                    self._failed.pop(item, None)
                except Exception as error:  # noqa: BLE001 - one odd Secret must not stop all
                    self._again(item, error)

    def _again(self, item: _Item, error: Exception) -> None:
        """Try later, the later the more often it has failed, and in the end no more."""
        failed = self._failed[item] = self._failed.get(item, 0) + 1
        disturbed = isinstance(error, StatusError) and error.code in (404, 409)
        if not disturbed or failed > ATTEMPTS:
            where = f"{item.namespace}/{item.name}"
            log(logger, logging.WARNING, "token Secret not settled", error, name=where)
        if failed > ATTEMPTS:
            del self._failed[item]
            return
        delay = min(_RETRY_FIRST * 2**failed, _RETRY_MOST)
        asyncio.get_running_loop().call_later(delay, self._note, [item])

    async def _reconcile(self, item: _Item) -> None:
        """Raises StatusError, StoreError and NoSigningKey."""
        secret = await self._get(self._secrets, item.namespace, item.name)
        if not isinstance(secret, Secret) or secret.metadata.uid != item.uid:
            await self._forget(item)
            return
        account = await self._account(item)
        if account is None:
            await self._delete(item)
        elif self._fill(secret, account):
            ctx = self._context("update", "secrets", item.namespace)
            await self._secrets.update(ctx, item.namespace, item.name, secret)

    def _fill(self, secret: Secret, account: ServiceAccount) -> bool:
        """Put in what is missing; whether something was. Raises NoSigningKey."""
        meta, data = account.metadata, secret.data
        wanted = {CA: self._authority} if self._authority else {}
        if not data.get(NAMESPACE):
            wanted[NAMESPACE] = meta.namespace.encode()
        if not data.get(TOKEN):
            token = self._issuer.issue_for_secret(meta, secret.metadata.name)
            wanted[TOKEN] = token.encode()
        if wanted.items() <= data.items():
            return False
        data.update(wanted)
        secret.metadata.annotations[SERVICE_ACCOUNT_NAME_ANNOTATION] = meta.name
        secret.metadata.annotations[SERVICE_ACCOUNT_UID_ANNOTATION] = meta.uid
        return True

    async def _delete(self, item: _Item) -> None:
        """Delete a Secret whose account has gone; not another one that has its name by now."""
        ctx = self._context("delete", "secrets", item.namespace)
        options = DeleteOptions(preconditions=Preconditions(uid=item.uid))
        try:
            await self._secrets.delete(ctx, item.namespace, item.name, options)
        except StatusError as error:
            if error.code not in (404, 409):
                raise

    async def _forget(self, item: _Item) -> None:
        """Take a Secret that has gone off its account's list. Raises StatusError 409."""
        if await self._get(self._secrets, item.namespace, item.name) is not None:
            # Another one has its name: the list means that one now.
            return
        account = await self._account(item)
        if account is None or all(s.name != item.name for s in account.secrets):
            return
        account.secrets = [s for s in account.secrets if s.name != item.name]
        ctx = self._context("update", "serviceaccounts", item.namespace)
        await self._accounts.update(ctx, item.namespace, item.account, account)

    async def _account(self, item: _Item) -> ServiceAccount | None:
        account = await self._get(self._accounts, item.namespace, item.account)
        if not isinstance(account, ServiceAccount):
            return None
        return account if item.account_uid in ("", account.metadata.uid) else None

    async def _get(self, registry: Registry[Any], namespace: str, name: str) -> object | None:
        """An object as of now, to be changed; None when there is none."""
        ctx = self._context("get", registry.resource.plural, namespace)
        try:
            found: object = (await registry.get(ctx, namespace, name)).decode()
        except StatusError as error:
            if error.code != 404:
                raise
            return None
        return found

    def _context(self, verb: str, plural: str, namespace: str) -> RequestContext:
        return own_context(self._clock, verb, plural, namespace=namespace)


def _item(view: View[Secret]) -> _Item | None:
    """What there may be to do about a Secret; None for one of another type."""
    # Most Secrets are none of ours, and are not decoded to see that.
    if _TYPE not in view.tail:
        return None
    secret = view.peek()
    if secret.type != SERVICE_ACCOUNT_TOKEN:
        return None
    meta = secret.metadata
    account = meta.annotations.get(SERVICE_ACCOUNT_NAME_ANNOTATION, "")
    uid = meta.annotations.get(SERVICE_ACCOUNT_UID_ANNOTATION, "")
    return _Item(meta.namespace, meta.name, meta.uid, account, uid) if account else None
