"""Who changes an object that is not there makes it, and needs the right to.

Updates make objects of some kinds, and server-side apply makes any. The request was allowed as a
change; upstream asks about ``create`` as well, once what is to be made is known to be valid
(``withAuthorization`` in ``k8s.io/apiserver/pkg/endpoints/handlers/update.go``).
"""

from __future__ import annotations

from dataclasses import replace

from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.authz.port import Authorizer, Verdict
from strongroom.access.authz.union import refusal
from strongroom.api.errors import internal_error


class CreationCheck:
    """Asks the authorizer; to be the first of the plugins, and not to be switched off."""

    name = "CreateByUpdate"

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def mutate(self, request: AdmissionRequest) -> None:
        """Changes nothing."""

    async def validate(self, request: AdmissionRequest) -> None:
        """Raises StatusError 403 for who may change such an object and not make one.

        And 500 where that cannot be told.
        """
        asked = request.attributes
        if request.operation != "CREATE" or asked.verb == "create":
            return
        wanted = replace(asked, verb="create")
        decision = await self._authorizer.authorize(wanted)
        if decision.verdict is not Verdict.ALLOW:
            if decision.error:
                raise internal_error(decision.error)
            raise refusal(wanted, decision.reason)
