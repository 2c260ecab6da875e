"""Takes generated tokens that nobody uses any more out of use, and later deletes them.

Only what the tokens controller once generated is touched: Secrets that a ServiceAccount lists.
First such a Secret is marked invalid, which a person can take back; after one more period it goes.
Nothing is followed for this: a look a day reads the metadata of these Secrets, never their values.
Source: ``pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TypeVar

from strongroom.api import codec
from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, Object, ObjectMeta, Preconditions
from strongroom.api.table import PartialObjectMetadataList
from strongroom.api.times import parse_time
from strongroom.client.backoff import Sleep
from strongroom.client.client import Client, Patch
from strongroom.client.metadata import MANY, delete_at, patch_at
from strongroom.client.paths import path_of
from strongroom.client.queue import WorkQueue
from strongroom.controllers.controller import Key
from strongroom.resources.configmap import CONFIG_MAPS
from strongroom.resources.legacy_tokens import (
    INVALID_SINCE_LABEL,
    LAST_USED_LABEL,
    TRACKING_KEY,
    TRACKING_NAME,
    TRACKING_NAMESPACE,
    read_day,
    write_day,
)
from strongroom.resources.pod import PODS
from strongroom.resources.references import secret_references
from strongroom.resources.resource import Resource
from strongroom.resources.secret import (
    SECRETS,
    SERVICE_ACCOUNT_NAME_ANNOTATION,
    SERVICE_ACCOUNT_TOKEN,
    SERVICE_ACCOUNT_UID_ANNOTATION,
)
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS

INTERVAL = timedelta(hours=24)
"""Between two looks."""
CLEAN_UP_PERIOD = timedelta(hours=8760)
"""How long a token may be unused (``--legacy-service-account-token-clean-up-period``)."""

Name = tuple[str, str]
T = TypeVar("T", bound=Object)

_EVERYTHING: Key = ("", "")
_PAGE = 500
_log = logging.getLogger("strongroom.controllers")


@dataclass(frozen=True, slots=True)
class Used:
    """What keeps Secrets, or makes them known as generated."""

    listed: dict[tuple[Name, Name], str]
    """Account and Secret: the account's UID, where an account lists a Secret."""
    mounted: frozenset[Name]
    """Secrets that pods use in any way."""


class LegacyTokenCleaner:
    """There is one key: all of them. ``period`` is how long a token may be unused."""

    name = "legacy-service-account-token-cleaner"
    workers = 1

    def __init__(
        self,
        client: Client,
        clock: Clock,
        period: timedelta = CLEAN_UP_PERIOD,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=1.0, limit=600.0)
        self._client = client
        self._clock = clock
        self._period = period
        self._sleep = sleep
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._ticker = asyncio.create_task(self._tick())

    async def close(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()

    async def _tick(self) -> None:
        while True:
            self.queue.add(_EVERYTHING)
            await self._sleep(INTERVAL.total_seconds())

    async def reconcile(self, key: Key) -> None:
        now = self._clock.now()
        since = await self._tracked_since()
        if since is None or now < since + self._period:
            return
        unused = [meta async for meta in self._tokens() if self._is_unused(meta, now)]
        if not unused:
            return
        used = await self._used()
        for meta in unused:
            if _is_generated(meta, used) and (meta.namespace, meta.name) not in used.mounted:
                await self._put_away(meta, now)

    async def _tracked_since(self) -> datetime | None:
        """From when on every use was written down; None if that is not known.

        It is the start of the day after the one that is told: part of that day was not tracked.
        """
        try:
            config = await self._client.get(CONFIG_MAPS, TRACKING_NAME, TRACKING_NAMESPACE)
            day = read_day(config.data.get(TRACKING_KEY, ""))
        except StatusError as error:
            if error.code != 404:
                raise
            return None
        except ValueError:
            _log.warning("%s: ConfigMap %s does not tell a day", self.name, TRACKING_NAME)
            return None
        return datetime.combine(day, time(), UTC) + timedelta(days=1)

    async def _tokens(self) -> AsyncIterator[ObjectMeta]:
        token = ""
        params = {"fieldSelector": f"type={SERVICE_ACCOUNT_TOKEN}", "limit": str(_PAGE)}
        while True:
            answer = await self._client.request(
                "GET",
                path_of(SECRETS, ""),
                params=params | ({"continue": token} if token else {}),
                accept=MANY,
            )
            kind = "PartialObjectMetadataList"
            page = codec.decode(answer.body, PartialObjectMetadataList, kind=kind).obj
            for item in page.items:
                yield item.metadata
            token = page.metadata.continue_
            if not token:
                return

    def _is_unused(self, meta: ObjectMeta, now: datetime) -> bool:
        """Whether it is old enough and its last use, if any, is long enough ago."""
        before = now - self._period
        if meta.deletionTimestamp or parse_time(meta.creationTimestamp or "") >= before:
            return False
        last = meta.labels.get(LAST_USED_LABEL)
        try:
            return last is None or read_day(last) < before.date()
        except ValueError:
            _log.warning(
                "%s: Secret %s/%s: label %s tells no day",
                self.name,
                meta.namespace,
                meta.name,
                LAST_USED_LABEL,
            )
            return False

    async def _used(self) -> Used:
        listed = {}
        async for account in self._all(SERVICE_ACCOUNTS):
            meta = account.metadata
            for secret in account.secrets:
                own = (meta.namespace, meta.name), (meta.namespace, secret.name)
                listed[own] = meta.uid
        mounted = set()
        async for pod in self._all(PODS):
            for reference in secret_references(pod):
                if reference.kind == "Secret":
                    mounted.add((pod.metadata.namespace, reference.name))
        return Used(listed, frozenset(mounted))

    async def _all(self, resource: Resource[T]) -> AsyncIterator[T]:
        token = ""
        while True:
            page = await self._client.list(resource, limit=_PAGE, continue_token=token)
            for obj in page.items:
                yield obj
            token = page.continue_token
            if not token:
                return

    async def _put_away(self, meta: ObjectMeta, now: datetime) -> None:
        """Mark it invalid; delete it if it has been that for a whole period."""
        path = path_of(SECRETS, meta.namespace, meta.name)
        try:
            since = read_day(meta.labels.get(INVALID_SINCE_LABEL, ""))
        except ValueError:
            since = None
        try:
            if since is None:
                await self._mark(meta, path, write_day(now))
            elif since < (now - self._period).date():
                _log.info("%s: deleting Secret %s/%s", self.name, meta.namespace, meta.name)
                unchanged = Preconditions(resourceVersion=meta.resourceVersion)
                await delete_at(self._client, path, DeleteOptions(preconditions=unchanged))
        except StatusError as error:
            # Changed or gone meanwhile: whatever it is now is looked at tomorrow.
            if error.code not in (404, 409):
                raise

    async def _mark(self, meta: ObjectMeta, path: str, today: str) -> None:
        _log.info("%s: marking Secret %s/%s invalid", self.name, meta.namespace, meta.name)
        # The UID makes it a conflict when the name is another Secret's by now.
        patch = {"metadata": {"uid": meta.uid, "labels": {INVALID_SINCE_LABEL: today}}}
        await patch_at(self._client, path, patch, Patch.MERGE)


def _is_generated(meta: ObjectMeta, used: Used) -> bool:
    """Whether the account that it is for lists it, as only the tokens controller of old did."""
    account = meta.namespace, meta.annotations.get(SERVICE_ACCOUNT_NAME_ANNOTATION, "")
    uid = used.listed.get((account, (meta.namespace, meta.name)))
    said = meta.annotations.get(SERVICE_ACCOUNT_UID_ANNOTATION)
    return uid is not None and said in (None, "", uid)
