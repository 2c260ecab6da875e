"""RuntimeClass: a way of running containers, by name.

Kept and checked only: the node agent runs every pod with the runtime it was started with.
Rules: ``pkg/apis/node/validation``.
"""

from __future__ import annotations

from typing import Annotated

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import IMMUTABLE, Path, dns_label, invalid_value, validate_labels
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.pod_scheduling import Toleration
from strongroom.resources.pod_scheduling_validation import toleration_errors
from strongroom.resources.quantity import canonicalize_quantities
from strongroom.resources.resource import Column, Resource
from strongroom.resources.resource_amounts import container_resource_name, resource_amount

API_PACKAGE = "io.k8s.api.node.v1"
"""Where OpenAPI places the types of this module."""


class Overhead(Struct):
    """What running a pod takes besides its containers."""

    podFixed: Annotated[dict[str, str], F(1, "The same for every pod.", format="quantity")] = {}


class Scheduling(Struct):
    """Which nodes can run pods of a class."""

    nodeSelector: Annotated[dict[str, str], F(1, "Labels of these nodes.", atomic=True)] = {}
    tolerations: Annotated[
        list[Toleration], F(2, "Added to the pods, to let them there.", list_type="atomic")
    ] = []


class RuntimeClass(Object):
    """A container runtime that pods may ask for by name."""

    handler: Annotated[
        str, F(2, "The node's name for the runtime; cannot be changed.", required=True)
    ] = always(str)
    overhead: Annotated[Overhead | None, F(3, "What running a pod takes.")] = None
    scheduling: Annotated[Scheduling | None, F(4, "Which nodes have the runtime.")] = None


class RuntimeClassResource(Resource[RuntimeClass]):
    """The behaviour of RuntimeClasses."""

    def default(self, obj: RuntimeClass) -> None:
        canonicalize_quantities(obj)

    def validate(self, obj: RuntimeClass) -> list[FieldError]:
        path = Path("handler")
        errors = [invalid_value(path, obj.handler, text) for text in dns_label(obj.handler)]
        if obj.overhead is not None:
            for name, amount in sorted(obj.overhead.podFixed.items()):
                at = (Path("overhead") / "limits").key(name)
                errors += container_resource_name(name, at) + resource_amount(name, amount, at)
        if obj.scheduling is not None:
            at = Path("scheduling")
            errors += validate_labels(obj.scheduling.nodeSelector, at / "nodeSelector")
            errors += toleration_errors(obj.scheduling.tolerations, at / "tolerations")
        return errors

    def validate_update(self, new: RuntimeClass, old: RuntimeClass) -> list[FieldError]:
        if new.handler == old.handler:
            return []
        return [invalid_value(Path("handler"), new.handler, IMMUTABLE)]


RUNTIME_CLASSES = RuntimeClassResource(
    group="node.k8s.io",
    version="v1",
    kind="RuntimeClass",
    plural="runtimeclasses",
    singular="runtimeclass",
    type=RuntimeClass,
    namespaced=False,
    columns=(
        NAME,
        Column("Handler", lambda obj, now: obj.handler, description="The node's runtime."),
        AGE,
    ),
)
