"""Who may write SecretGrants: only who may read what they give.

Without this, a right to write grants would be one to read every Secret of the namespace, by way of
another. Whether the Secrets are there makes no difference to the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.authz.partial import asked_key
from strongroom.access.authz.port import Authorizer, Verdict
from strongroom.access.user import Attributes, User
from strongroom.api.errors import forbidden
from strongroom.api.gotext import quote
from strongroom.resources.secret_reference import ALL
from strongroom.resources.secretgrant import GrantedSecret, SecretGrant


class SecretSharing:
    """Refuses grants that give more than their writer may get; what they gave before may stay."""

    name = "SecretSharing"

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def mutate(self, request: AdmissionRequest) -> None:
        """Changes nothing."""

    async def validate(self, request: AdmissionRequest) -> None:
        """Judges what is new in a grant. Raises StatusError 403."""
        grant, old = request.obj, request.old
        if not isinstance(grant, SecretGrant):
            return
        known = old.spec if isinstance(old, SecretGrant) else None
        # To name fewer of them, or of those who are given them, takes no right.
        same_targets = known is not None and all(to in known.to for to in grant.spec.to)
        given = known.secrets if known is not None and same_targets else []
        refused = [
            f"{request.namespace}/{secret.name}"
            for secret in grant.spec.secrets
            if secret not in given and not await self._may_read(request, secret)
        ]
        if refused:
            raise forbidden(request.resource.group_resource, request.name, _why(request, refused))

    async def _may_read(self, request: AdmissionRequest, secret: GrantedSecret) -> bool:
        asked = _get(request, secret.name)
        if await self._allowed(asked):
            return True
        if await self._allowed(asked_key(asked, ALL)):
            return True
        if secret.keys == [ALL]:
            return False
        for key in secret.keys:
            if not await self._allowed(asked_key(asked, key)):
                return False
        return True

    async def _allowed(self, attributes: Attributes) -> bool:
        return (await self._authorizer.authorize(attributes)).verdict is Verdict.ALLOW


def _get(request: AdmissionRequest, name: str) -> Attributes:
    """The question whether who writes the grant may get a Secret beside it."""
    return replace(
        request.attributes,
        verb="get",
        path=f"/api/v1/namespaces/{request.namespace}/secrets/{name}",
        is_resource=True,
        group="",
        version="v1",
        resource="secrets",
        subresource="",
        namespace=request.namespace,
        name=name,
        label_selector="",
        field_selector="",
    )


def _why(request: AdmissionRequest, refused: Sequence[str]) -> str:
    user: User = request.attributes.user
    groups = ",".join(quote(group) for group in user.groups)
    return (
        f"user {quote(user.name)} (groups=[{groups}]) is attempting to share Secrets that they "
        f"may not get: {', '.join(refused)}"
    )
