"""Metadata that every object and list carries (``k8s.io/apimachinery/pkg/apis/meta/v1``)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from strongroom.api.schema import F, Struct, always


class OwnerReference(Struct):
    """Names an object that owns this one; deleting the owner lets the garbage collector act."""

    owned_whole: ClassVar[bool] = True

    apiVersion: Annotated[str, F(5, "API version of the owner.", required=True)] = ""
    kind: Annotated[str, F(1, "Kind of the owner.", required=True)] = ""
    name: Annotated[str, F(3, "Name of the owner.", required=True)] = ""
    uid: Annotated[str, F(4, "UID of the owner.", required=True)] = ""
    controller: Annotated[bool | None, F(6, "Whether the owner is the managing controller.")] = None
    blockOwnerDeletion: Annotated[
        bool | None,
        F(7, "Whether a foreground deletion of the owner waits until this object is gone."),
    ] = None


class ManagedFieldsEntry(Struct):
    """The set of fields that one manager owns, as server-side apply tracks it."""

    manager: Annotated[str, F(1, "Name of the workflow that owns the fields.")] = ""
    operation: Annotated[str, F(2, "Apply or Update.")] = ""
    apiVersion: Annotated[str, F(3, "API version in which the fields are expressed.")] = ""
    time: Annotated[str, F(4, "When the entry last changed.", format="date-time")] = ""
    fieldsType: Annotated[str, F(6, "Format of fieldsV1; always FieldsV1.")] = ""
    fieldsV1: Annotated[Any, F(7, "The owned fields in FieldsV1 form.")] = None
    subresource: Annotated[str, F(8, "Subresource through which the fields were set.")] = ""


class ObjectMeta(Struct):
    """Identity, bookkeeping and labels of a stored object."""

    name: Annotated[str, F(1, "Unique within the namespace; cannot be changed.")] = ""
    generateName: Annotated[
        str, F(2, "Prefix from which the server makes a unique name when none is given.")
    ] = ""
    namespace: Annotated[str, F(3, "The namespace in which the name is unique.")] = ""
    selfLink: Annotated[str, F(4, "No longer filled in; kept for old readers.")] = ""
    uid: Annotated[str, F(5, "Set by the server; unique over space and time.")] = ""
    resourceVersion: Annotated[
        str, F(6, "Opaque version for conflict detection, watches and caches.")
    ] = ""
    generation: Annotated[int, F(7, "Counts changes of the desired state.", format="int64")] = 0
    creationTimestamp: Annotated[
        str, F(8, "When the server created the object.", format="date-time", by_value=True)
    ] = ""
    deletionTimestamp: Annotated[
        str, F(9, "When the object will be or was asked to be gone.", format="date-time")
    ] = ""
    deletionGracePeriodSeconds: Annotated[
        int | None, F(10, "Seconds given to end gracefully.", format="int64")
    ] = None
    labels: Annotated[dict[str, str], F(11, "Keys and values by which objects are selected.")] = {}
    annotations: Annotated[dict[str, str], F(12, "Keys and values for tools; not selectable.")] = {}
    ownerReferences: Annotated[
        list[OwnerReference],
        F(
            13,
            "Objects that own this one.",
            list_type="map",
            list_keys=("uid",),
            patch="merge",
            merge_key="uid",
        ),
    ] = []
    finalizers: Annotated[
        list[str],
        F(14, "Must be empty before the object is removed.", list_type="set", patch="merge"),
    ] = []
    # Unset says nothing; an empty list asks to forget all owners.
    managedFields: Annotated[
        list[ManagedFieldsEntry] | None,
        F(17, "Which manager owns which fields.", list_type="atomic"),
    ] = None


class Object(Struct):
    """Base of every kind: type, version and metadata come first on the wire, as upstream's do."""

    kind: Annotated[str, F(0, "The kind, in CamelCase.")] = ""
    apiVersion: Annotated[str, F(0, "Group and version of the schema of this object.")] = ""
    metadata: Annotated[ObjectMeta, F(1, "Standard object metadata.")] = msgspec.field(
        default_factory=ObjectMeta
    )


class ListMeta(Struct):
    """Metadata of a list."""

    selfLink: Annotated[str, F(1, "No longer filled in; kept for old readers.")] = ""
    resourceVersion: Annotated[str, F(2, "Revision of which the list tells.")] = ""
    continue_: Annotated[str, F(3, "Token that fetches the next page.")] = msgspec.field(
        default="", name="continue"
    )
    remainingItemCount: Annotated[
        int | None, F(4, "How many items follow the page.", format="int64")
    ] = None


class Preconditions(Struct):
    """What must hold of the stored object for a deletion to proceed."""

    uid: Annotated[str | None, F(1, "The UID the object must have.")] = None
    resourceVersion: Annotated[str | None, F(2, "The version the object must have.")] = None


class DeleteOptions(Struct):
    """The body of a DELETE request."""

    kind: Annotated[str, F(0, "DeleteOptions.")] = ""
    apiVersion: Annotated[str, F(0, "Group and version of the schema of this object.")] = ""
    gracePeriodSeconds: Annotated[
        int | None, F(1, "Seconds before the object is deleted; 0 means now.", format="int64")
    ] = None
    preconditions: Annotated[
        Preconditions | None, F(2, "Conditions without which nothing is deleted.")
    ] = None
    orphanDependents: Annotated[bool | None, F(3, "Deprecated form of propagationPolicy.")] = None
    propagationPolicy: Annotated[str | None, F(4, "Orphan, Background or Foreground.")] = None
    dryRun: Annotated[list[str], F(5, "All: do everything but store.", list_type="atomic")] = []
    ignoreStoreReadErrorWithClusterBreakingPotential: Annotated[
        bool | None, F(6, "Delete an object that cannot be read; may break the cluster.")
    ] = None


class LabelSelectorRequirement(Struct):
    """A condition on one label."""

    key: Annotated[str, F(1, "Key of the label.", required=True)] = always(str)
    operator: Annotated[str, F(2, "In, NotIn, Exists or DoesNotExist.", required=True)] = always(
        str
    )
    values: Annotated[
        list[str], F(3, "Values to compare with; none for the last two.", list_type="atomic")
    ] = []


class FieldSelectorRequirement(Struct):
    """A condition on one field."""

    key: Annotated[str, F(1, "Path of the field.", required=True)] = always(str)
    operator: Annotated[str, F(2, "In, NotIn, Exists or DoesNotExist.", required=True)] = always(
        str
    )
    values: Annotated[
        list[str], F(3, "Values to compare with; none for the last two.", list_type="atomic")
    ] = []


class LabelSelector(Struct):
    """Selects objects by label; all conditions must hold, and none means everything."""

    owned_whole: ClassVar[bool] = True

    matchLabels: Annotated[dict[str, str], F(1, "Labels and the values they must have.")] = {}
    matchExpressions: Annotated[
        list[LabelSelectorRequirement], F(2, "Conditions.", list_type="atomic")
    ] = []


class Condition(Struct):
    """One aspect of an object's present state, such as whether it is ready."""

    type: Annotated[str, F(1, "The aspect, in CamelCase.", required=True)] = always(str)
    status: Annotated[
        str,
        F(2, "True, False or Unknown.", required=True),
    ] = always(str)
    observedGeneration: Annotated[
        int, F(3, "The generation of which the condition tells.", format="int64")
    ] = 0
    lastTransitionTime: Annotated[
        str, F(4, "When the status last changed.", format="date-time", by_value=True, required=True)
    ] = ""
    reason: Annotated[
        str, F(5, "Why the status last changed, for programs, in CamelCase.", required=True)
    ] = always(str)
    message: Annotated[str, F(6, "The same for people; may be empty.", required=True)] = always(str)
