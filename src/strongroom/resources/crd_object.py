"""What a CustomResourceDefinition consists of (``apiextensions/v1/types.go``)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.resources.crd_schema import JSONSchemaProps

API_PACKAGE = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1"

CLUSTER, NAMESPACED = "Cluster", "Namespaced"
NONE, WEBHOOK = "None", "Webhook"
ESTABLISHED, NAMES_ACCEPTED, TERMINATING = "Established", "NamesAccepted", "Terminating"
API_APPROVED = "KubernetesAPIApprovalPolicyConformant"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""The finalizer that holds a definition until all its objects are gone."""


class CustomResourceDefinitionNames(Struct):
    """The names of a custom kind."""

    plural: Annotated[str, F(1, "Name in paths, in lower case.", required=True)] = always(str)
    singular: Annotated[str, F(2, "Name of one, in lower case; the kind's by default.")] = ""
    shortNames: Annotated[list[str], F(3, "Short names for clients.", list_type="atomic")] = []
    kind: Annotated[str, F(4, "The kind of an object, in CamelCase.", required=True)] = always(str)
    listKind: Annotated[str, F(5, "The kind of a list; the kind and List by default.")] = ""
    categories: Annotated[
        list[str], F(6, "Groups of kinds, such as all, that clients ask for.", list_type="atomic")
    ] = []


class ServiceReference(Struct):
    """A Service that is called."""

    namespace: Annotated[str, F(1, "Its namespace.", required=True)] = always(str)
    name: Annotated[str, F(2, "Its name.", required=True)] = always(str)
    path: Annotated[str | None, F(3, "The path of the URL.")] = None
    port: Annotated[int | None, F(4, "Its port; 443 by default.", format="int32")] = None


class WebhookClientConfig(Struct):
    """How a webhook is called."""

    service: Annotated[ServiceReference | None, F(1, "The Service, if not a URL.")] = None
    caBundle: Annotated[bytes, F(2, "Certificates that its own is checked against.")] = b""
    url: Annotated[str | None, F(3, "Where it is, if not a Service.")] = None


class WebhookConversion(Struct):
    """A webhook that converts objects."""

    clientConfig: Annotated[WebhookClientConfig | None, F(2, "How it is called.")] = None
    conversionReviewVersions: Annotated[
        list[str],
        F(3, "Versions of ConversionReview it knows.", required=True, list_type="atomic"),
    ] = always(list)


class CustomResourceConversion(Struct):
    """How objects are converted between versions."""

    strategy: Annotated[str, F(1, "None or Webhook.", required=True)] = always(str)
    webhook: Annotated[WebhookConversion | None, F(2, "The webhook of that strategy.")] = None


class CustomResourceValidation(Struct):
    """What objects must be like."""

    openAPIV3Schema: Annotated[JSONSchemaProps | None, F(1, "The schema.")] = None


class CustomResourceSubresourceStatus(Struct):
    """The status subresource is served."""


class CustomResourceSubresourceScale(Struct):
    """The scale subresource is served."""

    specReplicasPath: Annotated[
        str, F(1, "Path of the wanted number, below .spec.", required=True)
    ] = always(str)
    statusReplicasPath: Annotated[
        str, F(2, "Path of the present number, below .status.", required=True)
    ] = always(str)
    labelSelectorPath: Annotated[
        str | None, F(3, "Path of a label selector in text form, below .spec or .status.")
    ] = None


class CustomResourceSubresources(Struct):
    """The subresources of a custom kind."""

    status: Annotated[CustomResourceSubresourceStatus | None, F(1, "Served if set.")] = None
    scale: Annotated[CustomResourceSubresourceScale | None, F(2, "Served if set.")] = None


class CustomResourceColumnDefinition(Struct):
    """A column that clients show."""

    name: Annotated[str, F(1, "Its heading.", required=True)] = always(str)
    type: Annotated[str, F(2, "integer, number, string, boolean or date.", required=True)] = always(
        str
    )
    format: Annotated[str, F(3, "A form of the type, such as int32.")] = ""
    description: Annotated[str, F(4, "What it shows.")] = ""
    priority: Annotated[int, F(5, "Above 0 it shows in wide output only.", format="int32")] = 0
    jsonPath: Annotated[str, F(6, "Where the value is in the object.", required=True)] = always(str)


class SelectableField(Struct):
    """A field that field selectors may name."""

    jsonPath: Annotated[str, F(1, "Where the value is in the object.", required=True)] = always(str)


class CustomResourceDefinitionVersion(Struct):
    """A version of a custom kind."""

    name: Annotated[str, F(1, "Such as v1 or v2beta1.", required=True)] = always(str)
    served: Annotated[bool, F(2, "Whether the API serves it.", required=True)] = always(bool)
    storage: Annotated[bool, F(3, "Whether objects are stored in it.", required=True)] = always(
        bool
    )
    schema: Annotated[CustomResourceValidation | None, F(4, "What objects are like.")] = None
    subresources: Annotated[CustomResourceSubresources | None, F(5, "What else is served.")] = None
    additionalPrinterColumns: Annotated[
        list[CustomResourceColumnDefinition],
        F(6, "The columns that clients show; the age by default.", list_type="atomic"),
    ] = []
    deprecated: Annotated[bool, F(7, "Whether requests to it are warned.")] = False
    deprecationWarning: Annotated[str | None, F(8, "The warning, if not the usual one.")] = None
    selectableFields: Annotated[
        list[SelectableField], F(9, "Fields for field selectors.", list_type="atomic")
    ] = []


class CustomResourceDefinitionSpec(Struct):
    """What is served."""

    group: Annotated[str, F(1, "The group of the kind.", required=True)] = always(str)
    names: Annotated[CustomResourceDefinitionNames, F(3, "Its names.", required=True)] = (
        msgspec.field(default_factory=CustomResourceDefinitionNames)
    )
    scope: Annotated[str, F(4, "Cluster or Namespaced.", required=True)] = always(str)
    versions: Annotated[
        list[CustomResourceDefinitionVersion],
        F(7, "Its versions.", required=True, list_type="atomic"),
    ] = always(list)
    conversion: Annotated[
        CustomResourceConversion | None, F(9, "How objects are converted between versions.")
    ] = None
    preserveUnknownFields: Annotated[bool, F(10, "No longer allowed to be true.")] = False


class CustomResourceDefinitionCondition(Struct):
    """One observation about a definition."""

    type: Annotated[str, F(1, "What is observed.", required=True)] = always(str)
    status: Annotated[str, F(2, "True, False or Unknown.", required=True)] = always(str)
    lastTransitionTime: Annotated[
        str, F(3, "When the status last changed.", format="date-time", by_value=True)
    ] = ""
    reason: Annotated[str, F(4, "Machine-readable reason of the last change.")] = ""
    message: Annotated[str, F(5, "What was observed, for people.")] = ""
    observedGeneration: Annotated[int, F(6, "Of which generation.", format="int64")] = 0


class CustomResourceDefinitionStatus(Struct):
    """What has become of a definition."""

    conditions: Annotated[
        list[CustomResourceDefinitionCondition],
        F(1, "The latest observations.", list_type="map", list_keys=("type",)),
    ] = always(list)
    acceptedNames: Annotated[CustomResourceDefinitionNames, F(2, "The names that are in use.")] = (
        msgspec.field(default_factory=CustomResourceDefinitionNames)
    )
    storedVersions: Annotated[
        list[str], F(3, "Versions in which objects may be stored.", list_type="atomic")
    ] = always(list)
    observedGeneration: Annotated[int, F(4, "Generation that was acted on.", format="int64")] = 0


class CustomResourceDefinition(Object):
    """A kind that the API serves in addition to its own."""

    max_values: ClassVar[int] = 100_000
    """The largest known ones have forty thousand, in a megabyte, and take half a second."""

    spec: Annotated[CustomResourceDefinitionSpec, F(2, "What is served.", required=True)] = (
        msgspec.field(default_factory=CustomResourceDefinitionSpec)
    )
    status: Annotated[CustomResourceDefinitionStatus, F(3, "What has become of it.")] = (
        msgspec.field(default_factory=CustomResourceDefinitionStatus)
    )


def condition(
    crd: CustomResourceDefinition, type_: str
) -> CustomResourceDefinitionCondition | None:
    """The condition of this type."""
    return next((c for c in crd.status.conditions if c.type == type_), None)


def is_true(crd: CustomResourceDefinition, type_: str) -> bool:
    """Whether the condition is there and true."""
    found = condition(crd, type_)
    return found is not None and found.status == "True"


def set_condition(
    crd: CustomResourceDefinition, new: CustomResourceDefinitionCondition, now: str
) -> None:
    """Put a condition in; the time of its last change is ``now`` if its status changes."""
    old = condition(crd, new.type)
    if old is None:
        new.lastTransitionTime = now
        crd.status.conditions.append(new)
        return
    if old.status != new.status or not old.lastTransitionTime:
        old.lastTransitionTime = now
    old.status, old.reason, old.message = new.status, new.reason, new.message


def storage_version(spec: CustomResourceDefinitionSpec) -> str:
    """The version in which objects are stored; "" for an invalid definition."""
    return next((v.name for v in spec.versions if v.storage), "")
