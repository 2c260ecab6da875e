"""EncryptionOperation: asks under which keys everything is stored, or has that changed.

Answered at once and never stored; there is no key and no value in one. The command
``strongroom keys`` makes them.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct
from strongroom.api.validation import Path, invalid_value, not_supported, required
from strongroom.resources.resource import Resource

API_PACKAGE = "io.strongroom.v1alpha1"
"""Where OpenAPI places the types of this module."""

STATUS, ROTATE, REWRAP, PRUNE = "Status", "Rotate", "Rewrap", "Prune"
ACTIONS = (STATUS, ROTATE, REWRAP, PRUNE)

IDLE, RUNNING, DONE = "Idle", "Running", "Done"
PHASES = (IDLE, RUNNING, DONE)


class EncryptionOperationSpec(Struct):
    """What to do."""

    action: Annotated[
        str,
        F(1, "Status tells; Rotate makes a new key; Rewrap stores all anew; Prune forgets keys."),
    ] = ""
    keyIDs: Annotated[
        list[str], F(2, "Of Prune: the keys to forget; none: all unused.", list_type="atomic")
    ] = []
    rate: Annotated[
        int, F(3, "Of Rewrap: values a second at most; 0: as fast as can be.", format="int64")
    ] = 0


class KeyUse(Struct):
    """A key, and what is stored under it."""

    scheme: Annotated[str, F(1, "How it encrypts, such as `kms v2` or `identity`.")] = ""
    name: Annotated[str, F(2, "Name of the key, or of the KMS provider.")] = ""
    keyID: Annotated[str, F(3, "What the key service calls its key.")] = ""
    writes: Annotated[bool, F(4, "Whether new values are stored under it.")] = False
    held: Annotated[bool, F(5, "Whether the server can read what is stored under it.")] = False
    objects: Annotated[int, F(6, "Values stored under it.", format="int64")] = 0
    history: Annotated[int, F(7, "The same, of all versions that are kept.", format="int64")] = 0


class ResourceUse(Struct):
    """How many objects of a kind are stored in one way."""

    resource: Annotated[str, F(1, "Section of the storage keys, such as `secrets`.")] = ""
    scheme: Annotated[str, F(2, "How they are encrypted.")] = ""
    name: Annotated[str, F(3, "Name of the key, or of the KMS provider.")] = ""
    keyID: Annotated[str, F(4, "What the key service calls its key.")] = ""
    objects: Annotated[int, F(5, "How many.", format="int64")] = 0


class RewrapProgress(Struct):
    """How far storing all anew has come."""

    phase: Annotated[str, F(1, "Idle, Running or Done.", enum=PHASES)] = ""
    startedAt: Annotated[str, F(2, "When it began.", format="date-time")] = ""
    endedAt: Annotated[str, F(3, "When it was done.", format="date-time")] = ""
    seen: Annotated[int, F(4, "Values looked at.", format="int64")] = 0
    rewritten: Annotated[int, F(5, "Values stored anew.", format="int64")] = 0
    failed: Annotated[int, F(6, "Values that cannot be read.", format="int64")] = 0
    failures: Annotated[
        list[str], F(7, "Storage keys of the first of them.", list_type="atomic")
    ] = []


class EncryptionOperationStatus(Struct):
    """The answer."""

    provider: Annotated[str, F(1, "What encrypts.")] = ""
    keys: Annotated[list[KeyUse], F(2, "The keys.", list_type="atomic")] = []
    resources: Annotated[list[ResourceUse], F(3, "The same by kind.", list_type="atomic")] = []
    rewrap: Annotated[RewrapProgress, F(4, "The last or present rewrap.")] = msgspec.field(
        default_factory=RewrapProgress
    )
    newKeyID: Annotated[str, F(5, "Of Rotate: the new key.")] = ""
    pruned: Annotated[list[str], F(6, "Of Prune: the keys forgotten.", list_type="atomic")] = []


class EncryptionOperation(Object):
    """Asks under which keys everything is stored, or has that changed."""

    spec: Annotated[EncryptionOperationSpec, F(2, "What to do.")] = msgspec.field(
        default_factory=EncryptionOperationSpec
    )
    status: Annotated[EncryptionOperationStatus, F(3, "The answer.")] = msgspec.field(
        default_factory=EncryptionOperationStatus
    )


class EncryptionOperationResource(Resource[EncryptionOperation]):
    """The behaviour of EncryptionOperations."""

    def validate(self, obj: EncryptionOperation) -> list[FieldError]:
        spec, path = obj.spec, Path("spec")
        if not spec.action:
            return [required(path / "action")]
        errors = []
        if spec.action not in ACTIONS:
            errors.append(not_supported(path / "action", spec.action, ACTIONS))
        if spec.rate < 0:
            errors.append(invalid_value(path / "rate", spec.rate, "must be 0 or more"))
        if spec.keyIDs and spec.action != PRUNE:
            why = "only Prune takes keys"
            errors.append(invalid_value(path / "keyIDs", spec.keyIDs, why))
        return errors


ENCRYPTION_OPERATIONS = EncryptionOperationResource(
    group="strongroom.io",
    version="v1alpha1",
    kind="EncryptionOperation",
    plural="encryptionoperations",
    singular="encryptionoperation",
    type=EncryptionOperation,
    namespaced=False,
    verbs=("create",),
    answered=True,
)
