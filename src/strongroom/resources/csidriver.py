"""CSIDriver: what a storage driver can do and what it wants to be told.

The node agent looks here for the drivers that it serves itself. Rules: ``pkg/apis/storage``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import (
    IMMUTABLE,
    Path,
    dns_subdomain,
    duplicate,
    invalid_value,
    not_supported,
    too_long,
)
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.resource import Column, Resource

API_PACKAGE = "io.k8s.api.storage.v1"
"""Where OpenAPI places the types of this module."""

_MODES = ("Ephemeral", "Persistent")
_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_LEAST_SECONDS, _MOST_SECONDS = 600, 1 << 32
_LEAST_PERIOD = 10
_NAME_LENGTH = 63


class TokenRequest(Struct):
    """A token of the pod's service account that the driver wants."""

    audience: Annotated[
        str, F(1, "For whom the token is; the API server if empty.", required=True)
    ] = always(str)
    expirationSeconds: Annotated[
        int | None, F(2, "How long it is good, at least 600.", format="int64")
    ] = None


class CSIDriverSpec(Struct):
    """What the driver can do and wants."""

    attachRequired: Annotated[
        bool | None, F(1, "Whether volumes are attached to nodes first; true by default.")
    ] = None
    podInfoOnMount: Annotated[
        bool | None, F(2, "Whether the driver is told about the pod; false by default.")
    ] = None
    volumeLifecycleModes: Annotated[
        list[str], F(3, "Kinds of volumes: Persistent, Ephemeral.", list_type="set")
    ] = []
    storageCapacity: Annotated[
        bool | None, F(4, "Whether pods go where the driver has room left; false by default.")
    ] = None
    fsGroupPolicy: Annotated[str | None, F(5, "Whether files are given to the pod's group.")] = None
    tokenRequests: Annotated[
        list[TokenRequest], F(6, "Tokens that the driver is given.", list_type="atomic")
    ] = []
    requiresRepublish: Annotated[
        bool | None, F(7, "Whether the driver is called again and again; false by default.")
    ] = None
    seLinuxMount: Annotated[
        bool | None, F(8, "Whether it mounts with an SELinux context; false by default.")
    ] = None
    nodeAllocatableUpdatePeriodSeconds: Annotated[
        int | None, F(9, "How often a node's room is looked up, at least 10.", format="int64")
    ] = None
    serviceAccountTokenInSecrets: Annotated[
        bool | None, F(10, "Whether tokens are handed over as secrets; false by default.")
    ] = None
    preventPodSchedulingIfMissing: Annotated[
        bool | None, F(11, "Whether pods stay away from nodes without the driver.")
    ] = None


class CSIDriver(Object):
    """A driver for volumes, known by its name."""

    spec: Annotated[CSIDriverSpec, F(2, "What the driver can do and wants.", required=True)] = (
        msgspec.field(default_factory=CSIDriverSpec)
    )


class CSIDriverResource(Resource[CSIDriver]):
    """The behaviour of CSIDrivers."""

    def default(self, obj: CSIDriver) -> None:
        spec = obj.spec
        if spec.attachRequired is None:
            spec.attachRequired = True
        for name in ("podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"):
            if getattr(spec, name) is None:
                setattr(spec, name, False)
        spec.fsGroupPolicy = spec.fsGroupPolicy or "ReadWriteOnceWithFSType"
        spec.volumeLifecycleModes = spec.volumeLifecycleModes or ["Persistent"]
        if spec.tokenRequests and spec.serviceAccountTokenInSecrets is None:
            spec.serviceAccountTokenInSecrets = False

    def prepare_for_update(self, new: CSIDriver, old: CSIDriver, now: datetime) -> None:
        changed = new.spec != old.spec
        new.metadata.generation = old.metadata.generation + changed

    def validate(self, obj: CSIDriver) -> list[FieldError]:
        name, path = obj.metadata.name, Path("name")
        errors = [too_long(path, _NAME_LENGTH)] if len(name) > _NAME_LENGTH else []
        errors += [invalid_value(path, name, text) for text in dns_subdomain(name.lower())]
        return errors + _spec_errors(obj.spec)

    def validate_update(self, new: CSIDriver, old: CSIDriver) -> list[FieldError]:
        errors = []
        # Upstream's path has one letter more than the field.
        for name, shown in (
            ("attachRequired", "attachedRequired"),
            ("volumeLifecycleModes", "volumeLifecycleModes"),
        ):
            value = getattr(new.spec, name)
            if value != getattr(old.spec, name):
                errors.append(invalid_value(Path("spec") / shown, value, IMMUTABLE))
        return errors + self.validate(new)


def _spec_errors(spec: CSIDriverSpec) -> list[FieldError]:
    path = Path("spec")
    errors = [
        not_supported(path / "volumeLifecycleModes", mode, _MODES)
        for mode in spec.volumeLifecycleModes
        if mode not in _MODES
    ]
    policy = spec.fsGroupPolicy
    if policy is not None and policy not in _GROUP_POLICIES:
        errors.append(not_supported(path / "fsGroupPolicy", policy, _GROUP_POLICIES))
    period = spec.nodeAllocatableUpdatePeriodSeconds
    if period is not None and period < _LEAST_PERIOD:
        at = path / "nodeAllocatableUpdatePeriodSeconds"
        errors.append(invalid_value(at, period, "must be greater than or equal to 10 seconds"))
    return errors + _token_errors(spec.tokenRequests, path / "tokenRequests")


def _token_errors(requests: list[TokenRequest], path: Path) -> list[FieldError]:
    errors = []
    seen = set()
    for i, request in enumerate(requests):
        if request.audience in seen:
            errors.append(duplicate(path.index(i) / "audience", request.audience))
        seen.add(request.audience)
        seconds, at = request.expirationSeconds, path.index(i) / "expirationSeconds"
        if seconds is not None and seconds < _LEAST_SECONDS:
            detail = "may not specify a duration less than 10 minutes"
            errors.append(invalid_value(at, seconds, detail))
        if seconds is not None and seconds > _MOST_SECONDS:
            detail = "may not specify a duration larger than 2^32 seconds"
            errors.append(invalid_value(at, seconds, detail))
    return errors


def _flag(name: str, shown: str, description: str) -> Column[Any]:
    return Column(
        shown,
        lambda obj, now: bool(getattr(obj.spec, name)),
        type="boolean",
        description=description,
    )


CSI_DRIVERS = CSIDriverResource(
    group="storage.k8s.io",
    version="v1",
    kind="CSIDriver",
    plural="csidrivers",
    singular="csidriver",
    type=CSIDriver,
    namespaced=False,
    columns=(
        NAME,
        _flag("attachRequired", "AttachRequired", "Whether volumes are attached first."),
        _flag("podInfoOnMount", "PodInfoOnMount", "Whether it is told about the pod."),
        _flag("storageCapacity", "StorageCapacity", "Whether pods go where it has room."),
        Column(
            "TokenRequests",
            lambda obj, now: ",".join(t.audience for t in obj.spec.tokenRequests) or "<unset>",
            description="Tokens that it is given.",
        ),
        _flag("requiresRepublish", "RequiresRepublish", "Whether it is called again and again."),
        Column(
            "Modes",
            lambda obj, now: ",".join(obj.spec.volumeLifecycleModes) or "<none>",
            description="Kinds of volumes.",
        ),
        AGE,
    ),
)
