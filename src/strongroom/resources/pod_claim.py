"""Volumes that are claimed from storage, by name or by a template within the pod."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import LabelSelector, ObjectMeta
from strongroom.api.schema import F, Struct, always
from strongroom.resources.object_reference import TypedLocalObjectReference, TypedObjectReference


class VolumeResourceRequirements(Struct):
    """What a volume must have at least and may have at most."""

    limits: Annotated[dict[str, str], F(1, "The most of each resource.", format="quantity")] = {}
    requests: Annotated[dict[str, str], F(2, "The least of each resource.", format="quantity")] = {}


class PersistentVolumeClaimSpec(Struct):
    """What is asked of a persistent volume."""

    accessModes: Annotated[
        list[str],
        F(
            1,
            "How the volume is to be mounted.",
            enum=("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"),
            list_type="atomic",
        ),
    ] = []
    selector: Annotated[LabelSelector | None, F(4, "Volumes to choose from, by label.")] = None
    resources: Annotated[VolumeResourceRequirements, F(2, "What the volume must have.")] = (
        msgspec.field(default_factory=VolumeResourceRequirements)
    )
    volumeName: Annotated[str, F(3, "The volume to bind to.")] = ""
    storageClassName: Annotated[
        str | None, F(5, "Class of the volume; the default class if unset.")
    ] = None
    volumeMode: Annotated[
        str | None,
        F(6, "Whether it holds a file system or is a block device.", enum=("Block", "Filesystem")),
    ] = None
    dataSource: Annotated[
        TypedLocalObjectReference | None, F(7, "What the volume is filled from.")
    ] = None
    dataSourceRef: Annotated[
        TypedObjectReference | None,
        F(8, "What the volume is filled from; more kinds are possible."),
    ] = None
    volumeAttributesClassName: Annotated[str | None, F(9, "Class of further attributes.")] = None


class PersistentVolumeClaimTemplate(Struct):
    """From which a claim for the pod is made."""

    metadata: Annotated[ObjectMeta, F(1, "Labels and annotations of the claim.")] = msgspec.field(
        default_factory=ObjectMeta
    )
    spec: Annotated[
        PersistentVolumeClaimSpec, F(2, "What is asked of the volume.", required=True)
    ] = msgspec.field(default_factory=PersistentVolumeClaimSpec)


class EphemeralVolumeSource(Struct):
    """A volume that lives as long as the pod and is made by a storage driver."""

    volumeClaimTemplate: Annotated[
        PersistentVolumeClaimTemplate | None, F(1, "From which the claim is made.")
    ] = None


class PersistentVolumeClaimVolumeSource(Struct):
    """A volume that a claim of the namespace has got."""

    claimName: Annotated[str, F(1, "Name of the claim.", required=True)] = always(str)
    readOnly: Annotated[bool, F(2, "Whether it can only be read.")] = False
