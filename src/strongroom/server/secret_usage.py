"""Writes SecretUsages: what was read, once an hour a Secret at most, and when values expire.

Each process of a server writes what was read through it; one of them also what values tell, and
removes what tells of Secrets that are gone. All of it happens beside the requests, and what fails
is tried again with what follows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import msgspec

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, ObjectMeta, OwnerReference, Preconditions
from strongroom.api.selectors import FieldSelector, LabelSelector
from strongroom.api.times import format_time, parse_time
from strongroom.registry.selection import Selection
from strongroom.registry.view import AnyView
from strongroom.resources.secret_expiry import Expiry
from strongroom.resources.secretusage import (
    ALL_SECRETS,
    READS,
    SECRET_USAGES,
    SecretRead,
    SecretUsage,
)
from strongroom.server.bootstrap import own_context
from strongroom.server.kinds import Kinds
from strongroom.server.secret_reads import SecretReads, chosen
from strongroom.server.secret_users import facts_in
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server.usage")

_Key = tuple[str, str]
_AT_ONCE = 64
"""Writes under way at the same time: they share a commit."""
_TURN = 250
"""Secrets that are looked at before others get their turn."""
_STALE = timedelta(hours=2)
"""After which what could not be written for so long is dropped."""


class SecretUsages:
    """``turn`` writes what there is to write. ``leads`` is set where ends of values are told."""

    def __init__(self, kinds: Kinds, reads: SecretReads, clock: Clock) -> None:
        self.leads = False
        self._secrets = kinds.registry("", "secrets")
        self._usages = kinds.registry(SECRET_USAGES.group, SECRET_USAGES.plural)
        self._reads = reads
        self._clock = clock
        self._waiting: dict[_Key, dict[str, SecretRead]] = {}

    async def turn(self) -> None:
        """Write what was read since, and what values tell by now."""
        self._gather()
        wanted = {key: found for key in list(self._waiting) if (found := self._with_reads(key))}
        if self.leads:
            await self._look_at_values(wanted)
        limit = asyncio.Semaphore(_AT_ONCE)

        async def write(usage: SecretUsage) -> None:
            async with limit:
                await self._write(usage)

        await asyncio.gather(*(write(usage) for usage in wanted.values()))
        if self.leads:
            await self._remove_orphans()

    def _gather(self) -> None:
        """Add what was read to what waits; a read of all namespaces is one of each."""
        hour = format_time(self._clock.now().replace(minute=0, second=0, microsecond=0))
        oldest = format_time(self._clock.now() - _STALE)
        notes = self._reads.take()
        namespaces = self._namespaces() if any(not where for where, _, _ in notes) else ()
        for (namespace, name, verb), user in notes.items():
            for key in self._meant(namespace, name, namespaces):
                known = self._waiting.setdefault(key, {})
                if verb not in known or known[verb].time != hour:
                    known[verb] = SecretRead(verb, hour, user)
        for key, waiting in list(self._waiting.items()):
            if all(read.time < oldest for read in waiting.values()):
                del self._waiting[key]

    def _meant(self, namespace: str, name: str, namespaces: Iterable[str]) -> Iterator[_Key]:
        """The Secrets, or whole namespaces, that a note is about."""
        selectors = chosen(name)
        if selectors is None:
            for where in [namespace] if namespace else namespaces:
                yield where, name
            return
        fields, labels = FieldSelector.parse(selectors[0]), LabelSelector.parse(selectors[1])
        choice = Selection(self._secrets.resource, namespace, labels, fields)
        prefix = self._secrets.resource.prefix(namespace)
        for entry in self._secrets.cache.list(prefix).items:
            if entry.error is None and choice.matches(entry.item):
                yield entry.item.namespace, entry.item.name

    def _namespaces(self) -> set[str]:
        """Those that have Secrets."""
        items = self._secrets.cache.list(self._secrets.resource.prefix()).items
        return {entry.key.rsplit("/", 2)[1] for entry in items}

    def _with_reads(self, key: _Key) -> SecretUsage | None:
        """The object as it is to be with what waits; None while nothing is to be written."""
        owner = self._secret(key)
        if key[1] != ALL_SECRETS and owner is None:
            del self._waiting[key]
            return None
        usage = self._known(key, owner)
        reads = {read.verb: read for read in usage.reads}
        news = {v: r for v, r in self._waiting[key].items() if _newer(r, reads.get(v))}
        if not news:
            del self._waiting[key]
            return None
        if usage.lastReadTime and usage.lastReadTime >= self._hour():
            return None  # Written in this hour already: the rest goes with the next hour's.
        del self._waiting[key]
        reads |= news
        usage.reads = [reads[verb] for verb in READS if verb in reads]
        latest = max(usage.reads, key=lambda read: read.time)
        usage.lastReadTime, usage.lastReadBy = latest.time, latest.by
        return usage

    def _hour(self) -> str:
        return format_time(self._clock.now().replace(minute=0, second=0, microsecond=0))

    async def _look_at_values(self, wanted: dict[_Key, SecretUsage]) -> None:
        """Add what values tell of their end, where it is not told yet or no longer true."""
        for i, entry in enumerate(self._secrets.cache.list(self._secrets.resource.prefix()).items):
            if i % _TURN == _TURN - 1:
                await asyncio.sleep(0)
            if entry.error is not None:
                continue
            view, ends = entry.item, facts_in(entry.item).of_values
            key = view.namespace, view.name
            found = self._usage(key)
            if key not in wanted and _told(found.obj if found else None) == _telling(ends):
                continue
            usage = wanted.get(key) or self._known(key, view)
            usage.expiresAt, usage.expiresFrom, usage.expiresWhat = _telling(ends)
            wanted[key] = usage

    def _known(self, key: _Key, secret: AnyView | None) -> SecretUsage:
        """A copy of the object, or a new one where there is none of this very Secret."""
        found = self._usage(key)
        owner = [] if secret is None else [_owner(secret)]
        if found is not None and found.obj.metadata.ownerReferences == owner:
            usage: SecretUsage = found.decode()
            return usage
        meta = ObjectMeta(name=key[1], namespace=key[0], ownerReferences=owner)
        if found is not None:
            meta.resourceVersion = str(found.revision)
        return SecretUsage(metadata=meta)

    async def _write(self, usage: SecretUsage) -> None:
        meta = usage.metadata
        verb = "update" if meta.resourceVersion else "create"
        ctx = self._context(verb, meta.namespace)
        try:
            if verb == "update":
                await self._usages.update(ctx, meta.namespace, meta.name, usage)
            else:
                await self._usages.create(ctx, meta.namespace, usage)
        except StatusError as error:
            if error.code in (403, 404):
                return  # Of a namespace that is going, or gone, or where a policy says no.
            if error.code != 409:
                log(logger, logging.WARNING, "a SecretUsage could not be written", error)
            # Another process wrote it, or it will go better later: a later turn tries again.
            key = meta.namespace, meta.name
            self._waiting[key] = {r.verb: r for r in usage.reads} | self._waiting.get(key, {})

    async def _remove_orphans(self) -> None:
        """Remove what tells of Secrets that are gone; their namespace may have gone first."""
        for entry in list(self._usages.cache.list(SECRET_USAGES.prefix()).items):
            if entry.error is not None or entry.item.name == ALL_SECRETS:
                continue
            view = entry.item
            if self._secret((view.namespace, view.name)) is None:
                only = Preconditions(resourceVersion=str(view.revision))
                ctx = self._context("delete", view.namespace)
                try:
                    options = DeleteOptions(preconditions=only)
                    await self._usages.delete(ctx, view.namespace, view.name, options)
                except StatusError as error:
                    if error.code not in (404, 409):
                        raise

    def _context(self, verb: str, namespace: str) -> Any:
        group, plural = SECRET_USAGES.group, SECRET_USAGES.plural
        return own_context(self._clock, verb, plural, group=group, namespace=namespace)

    def _secret(self, key: _Key) -> AnyView | None:
        entry = self._secrets.cache.get(self._secrets.resource.key(*key))
        return entry.item if entry is not None and entry.error is None else None

    def _usage(self, key: _Key) -> AnyView | None:
        entry = self._usages.cache.get(SECRET_USAGES.key(*key))
        return entry.item if entry is not None and entry.error is None else None


def _owner(secret: AnyView) -> OwnerReference:
    uid = _uids.decode(secret.metadata).uid
    return OwnerReference(apiVersion="v1", kind="Secret", name=secret.name, uid=uid)


class _Identity(msgspec.Struct):
    uid: str = ""


_uids = msgspec.json.Decoder(_Identity)


def _newer(read: SecretRead, known: SecretRead | None) -> bool:
    return known is None or parse_time(read.time) > parse_time(known.time)


def _told(usage: SecretUsage | None) -> tuple[str, str, str]:
    """The end that an object tells."""
    if usage is None:
        return "", "", ""
    return usage.expiresAt, usage.expiresFrom, usage.expiresWhat


def _telling(ends: Expiry | None) -> tuple[str, str, str]:
    """The same of an end that is to be told."""
    return ("", "", "") if ends is None else (format_time(ends.at), ends.path, ends.what)
