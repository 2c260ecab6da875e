"""The wire types of a ResourceQuota."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always


class ScopedResourceSelectorRequirement(Struct):
    """A condition on what a quota counts."""

    scopeName: Annotated[
        str,
        F(
            1,
            "The scope that is asked about.",
            enum=(
                "BestEffort",
                "CrossNamespacePodAffinity",
                "NotBestEffort",
                "NotTerminating",
                "PriorityClass",
                "Terminating",
                "VolumeAttributesClass",
            ),
            required=True,
        ),
    ] = always(str)
    operator: Annotated[
        str,
        F(
            2,
            "How the scope's value is compared.",
            enum=("DoesNotExist", "Exists", "In", "NotIn"),
            required=True,
        ),
    ] = always(str)
    values: Annotated[
        list[str], F(3, "Values to compare with; none for Exists.", list_type="atomic")
    ] = []


class ScopeSelector(Struct):
    """Selects what a quota counts; all conditions must hold."""

    owned_whole: ClassVar[bool] = True

    matchExpressions: Annotated[
        list[ScopedResourceSelectorRequirement], F(1, "The conditions.", list_type="atomic")
    ] = []


class ResourceQuotaSpec(Struct):
    """The limits, and what counts towards them."""

    hard: Annotated[
        dict[str, str], F(1, "The most that there may be of each resource.", format="quantity")
    ] = {}
    scopes: Annotated[
        list[str],
        F(
            2,
            "Only what is in all of these scopes counts.",
            enum=(
                "BestEffort",
                "CrossNamespacePodAffinity",
                "NotBestEffort",
                "NotTerminating",
                "PriorityClass",
                "Terminating",
                "VolumeAttributesClass",
            ),
            list_type="atomic",
        ),
    ] = []
    scopeSelector: Annotated[
        ScopeSelector | None, F(3, "Only what also fulfils these conditions counts.")
    ] = None


class ResourceQuotaStatus(Struct):
    """The limits in force and what is used of them."""

    hard: Annotated[dict[str, str], F(1, "The limits in force.", format="quantity")] = {}
    used: Annotated[
        dict[str, str], F(2, "What the namespace uses of each resource.", format="quantity")
    ] = {}


class ResourceQuota(Object):
    """Bounds what all objects of a namespace may use together."""

    spec: Annotated[ResourceQuotaSpec, F(2, "The limits.")] = msgspec.field(
        default_factory=ResourceQuotaSpec
    )
    status: Annotated[ResourceQuotaStatus, F(3, "What is used of the limits.")] = msgspec.field(
        default_factory=ResourceQuotaStatus
    )
