"""ControllerRevision: a state that a controller may go back to (made by no controller of ours)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, always
from strongroom.api.validation import Path, immutable_field, non_negative, required
from strongroom.resources.columns import AGE, NAME, NONE
from strongroom.resources.resource import Column, Resource

API_PACKAGE = "io.k8s.api.apps.v1"


class ControllerRevision(Object):
    """A state of an object, kept so that its controller can go back to it.

    Stored and validated; no controller of ours makes or uses any.
    """

    data: Annotated[Any, F(2, "The state; cannot be changed.", required=True, by_value=True)] = None
    revision: Annotated[int, F(3, "Which state it is, in order.", format="int64")] = always(int)


class ControllerRevisionResource(Resource[ControllerRevision]):
    """The behaviour of ControllerRevisions."""

    def validate(self, obj: ControllerRevision) -> list[FieldError]:
        errors = []
        if obj.data is None:
            errors.append(required(Path("data"), "data is mandatory"))
        return errors + non_negative(obj.revision, Path("revision"))

    def validate_update(self, new: ControllerRevision, old: ControllerRevision) -> list[FieldError]:
        return self.validate(new) + immutable_field(new.data, old.data, Path("data"))


def _controller(obj: ControllerRevision, now: datetime) -> str:
    owner = next((o for o in obj.metadata.ownerReferences if o.controller), None)
    if owner is None:
        return NONE
    group = owner.apiVersion.rpartition("/")[0]
    kind = f"{owner.kind}.{group}" if group else owner.kind
    return f"{kind.lower()}/{owner.name}"


CONTROLLER_REVISIONS = ControllerRevisionResource(
    group="apps",
    version="v1",
    kind="ControllerRevision",
    plural="controllerrevisions",
    singular="controllerrevision",
    type=ControllerRevision,
    namespaced=True,
    columns=(
        NAME,
        Column("Controller", _controller, description="Whose state it is."),
        Column(
            "Revision",
            lambda revision, now: revision.revision,
            type="integer",
            description="Which state it is, in order.",
        ),
        AGE,
    ),
)
