"""The end of a custom kind: its objects are deleted before its definition goes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from strongroom.access.user import LOOPBACK, Attributes
from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions
from strongroom.api.times import format_time
from strongroom.registry.context import RequestContext
from strongroom.registry.options import ListOptions
from strongroom.resources.crd_object import (
    CLEANUP,
    ESTABLISHED,
    TERMINATING,
    CustomResourceDefinition,
    CustomResourceDefinitionCondition,
    is_true,
    set_condition,
    storage_version,
)
from strongroom.resources.custom import custom_resource
from strongroom.server.kinds import AnyRegistry, AnyResource

LOOK_AGAIN = 0.5
"""Seconds until objects that wait for their finalizers are looked at again."""

Put = Callable[[CustomResourceDefinition], Awaitable[CustomResourceDefinition]]


class Instances:
    """Deletes the objects of definitions. ``make`` makes registries."""

    def __init__(self, make: Callable[[AnyResource], AnyRegistry]) -> None:
        self._make = make

    async def remove(self, crd: CustomResourceDefinition, put: Put, clock: Clock) -> None:
        """Delete all objects and take the finalizer off; ``put`` stores the definition.

        May be broken off and called again at any point. Raises StatusError when something fails.
        """

        def say(status: str, reason: str, message: str) -> None:
            new = CustomResourceDefinitionCondition(
                type=TERMINATING, status=status, reason=reason, message=message
            )
            set_condition(crd, new, format_time(clock.now()))

        say("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")
        crd = await put(crd)
        if is_true(crd, ESTABLISHED):
            try:
                await self._delete_all(crd, clock)
            except StatusError as error:
                why = f"could not issue all deletes: {error.message}"
                say("True", "InstanceDeletionFailed", why)
                await put(crd)
                raise
            say("False", "InstanceDeletionCompleted", "removed all instances")
        else:
            say("False", "NeverEstablished", "resource was never established")
        crd.metadata.finalizers = [f for f in crd.metadata.finalizers if f != CLEANUP]
        await put(crd)

    async def _delete_all(self, crd: CustomResourceDefinition, clock: Clock) -> None:
        """Delete, and wait until everything is gone: others may have finalizers to take off."""
        stored = storage_version(crd.spec)
        version = next(v for v in crd.spec.versions if v.name == stored)
        registry = self._make(custom_resource(crd, version))
        await registry.start()
        try:
            while True:
                ctx = _context(registry.resource, clock)
                await registry.delete_collection(ctx, "", ListOptions(), DeleteOptions())
                await registry.list(ctx, "", ListOptions())  # brings the cache up to the store
                if not len(registry.cache):
                    return
                await asyncio.sleep(LOOK_AGAIN)
        finally:
            await registry.close()


def _context(resource: AnyResource, clock: Clock) -> RequestContext:
    attributes = Attributes(
        LOOPBACK,
        "deletecollection",
        "",
        is_resource=True,
        group=resource.group,
        version=resource.version,
        resource=resource.plural,
    )
    return RequestContext(LOOPBACK, attributes, clock.now(), field_manager="strongroom")
