"""Tells admission of signers: who may do what, by the authorizer, and what requests ask for."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.access.authz.port import Authorizer, Verdict
from strongroom.access.user import Attributes, User
from strongroom.resources import pem
from strongroom.resources.certificates import GROUP
from strongroom.server.x509 import organizations


class SignerRights:
    """The :class:`strongroom.access.admission.certificates.Signers` of a server."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def may(self, user: User, verb: str, signer: str) -> bool:
        """Whether a user has a right on a signer, or on all of its domain."""
        for name in (signer, signer.partition("/")[0] + "/*"):
            decision = await self._authorizer.authorize(_attributes(user, verb, name))
            if decision.verdict is Verdict.ALLOW:
                return True
        return False

    def organizations(self, request: bytes) -> Sequence[str]:
        """The organizations of the subject of a request in PEM. Raises ValueError for none."""
        block = pem.first(request)
        if block is None or block.type != pem.CERTIFICATE_REQUEST:
            raise ValueError("PEM block type must be CERTIFICATE REQUEST")
        return organizations(block.content)


def _attributes(user: User, verb: str, signer: str) -> Attributes:
    return Attributes(
        user=user,
        verb=verb,
        path="",
        is_resource=True,
        group=GROUP,
        version="*",
        resource="signers",
        name=signer,
    )
