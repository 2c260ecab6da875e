"""The Pod itself: apart from its behaviour, so that rules about pods need not import that."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F
from strongroom.resources.pod_spec import PodSpec
from strongroom.resources.pod_status import PodStatus


class Pod(Object):
    """Containers that run together on one node."""

    spec: Annotated[PodSpec, F(2, "What the pod is to be.")] = msgspec.field(
        default_factory=PodSpec
    )
    status: Annotated[PodStatus, F(3, "What is known of the pod.")] = msgspec.field(
        default_factory=PodStatus
    )
