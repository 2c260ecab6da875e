"""Guards Secrets that are in use against being deleted.

Who deletes one is warned, or refused where the namespace says so; an annotation of the Secret lifts
the guard. What the system itself removes (with a namespace, an owner, an account) is not held up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.user import LOOPBACK, Attributes, User
from strongroom.api.errors import forbidden
from strongroom.resources.namespace import Namespace
from strongroom.resources.secret import Secret
from strongroom.resources.secret_use import Use
from strongroom.resources.strongroom_annotations import ALLOW_DELETION, DELETION_GUARD, GUARDS

NAMED = 3
"""Users of a Secret that are told of by name."""

_ANNOTATION = "inuse.strongroom.io/used-by"
_MANAGER = "system:kube-controller-manager"
_CONTROLLERS = frozenset(
    f"system:serviceaccount:kube-system:{name}"
    for name in (
        "generic-garbage-collector",
        "legacy-service-account-token-cleaner",
        "namespace-controller",
        "token-cleaner",
        "tokens-controller",
    )
)
"""Upstream's controllers that delete Secrets, when each has an account of its own."""


class SecretUsers(Protocol):
    """What this judge asks of the rest of the server."""

    async def guard(self, namespace: str) -> str:
        """What the namespace says of its Secrets' deletion; ``off`` while it is going itself."""
        ...

    async def users(self, namespace: str, name: str) -> Sequence[Use]:
        """Who uses a Secret now, ``NAMED`` and one more at most."""
        ...

    async def is_used(self, namespace: str, name: str, asker: Attributes) -> bool:
        """Whether a Secret is used, for one of many deletions of the same request."""
        ...


class InUseGuard:
    """Judges deletions of Secrets; warns of a namespace's annotation that it cannot read."""

    name = "SecretInUse"

    def __init__(self, users: SecretUsers) -> None:
        self._users = users

    async def mutate(self, request: AdmissionRequest) -> None:
        """Changes nothing."""

    async def validate(self, request: AdmissionRequest) -> None:
        if request.attributes.subresource:
            return
        if isinstance(request.obj, Namespace) and request.operation != "DELETE":
            _check_guard(request, request.obj)
        elif isinstance(request.old, Secret) and request.operation == "DELETE":
            await self._judge(request, request.old)

    async def _judge(self, request: AdmissionRequest, secret: Secret) -> None:
        meta, attributes = secret.metadata, request.attributes
        if meta.deletionTimestamp or meta.annotations.get(ALLOW_DELETION) == "true":
            return
        if _acts_for_the_system(attributes.user):
            return
        guard = await self._users.guard(meta.namespace)
        if guard == "off":
            return
        if attributes.verb == "deletecollection":
            if not await self._users.is_used(meta.namespace, meta.name, attributes):
                return
            if guard == "warn":
                # The same text for all of them: it is told once.
                request.warn("some of the deleted Secrets are in use")
                return
        users = await self._users.users(meta.namespace, meta.name)
        if users:
            self._tell(request, guard, users)

    def _tell(self, request: AdmissionRequest, guard: str, users: Sequence[Use]) -> None:
        shown = ", ".join(map(str, users[:NAMED])) + (" and others" if users[NAMED:] else "")
        request.annotate(_ANNOTATION, shown)
        if guard == "deny":
            way = f"annotate the Secret with {ALLOW_DELETION}=true to delete it all the same"
            why = f"it is used by {shown}; {way}"
            raise forbidden(request.resource.group_resource, request.name, why)
        request.warn(f'Secret "{request.name}" is used by {shown}')


def _acts_for_the_system(user: User) -> bool:
    return user is LOOPBACK or user.name == _MANAGER or user.name in _CONTROLLERS


def _check_guard(request: AdmissionRequest, namespace: Namespace) -> None:
    told = namespace.metadata.annotations.get(DELETION_GUARD)
    if told is not None and told not in GUARDS:
        words = ", ".join(GUARDS)
        path = f"metadata.annotations[{DELETION_GUARD}]"
        request.warn(f"{path}: must be one of {words}; it is ignored")
