"""Binding: the scheduler's decision for a pod."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F
from strongroom.resources.object_reference import ObjectReference


class Binding(Object):
    """Binds a pod to a node; the scheduler's way of deciding."""

    target: Annotated[ObjectReference, F(2, "The node.", required=True)] = msgspec.field(
        default_factory=ObjectReference
    )
