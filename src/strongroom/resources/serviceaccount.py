"""ServiceAccount: the identity that pods run as, and the Secrets that come with it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from strongroom.api.meta import Object
from strongroom.api.schema import F
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.object_reference import LocalObjectReference, ObjectReference
from strongroom.resources.resource import Resource, Subresource
from strongroom.resources.tokenrequest import TOKEN_REQUESTS

ENFORCE_MOUNTABLE = "kubernetes.io/enforce-mountable-secrets"
"""Annotation: pods of this account may name only the Secrets that the account lists."""

_DEPRECATED = (
    f"metadata.annotations[{ENFORCE_MOUNTABLE}]: deprecated in v1.32+; "
    "prefer separate namespaces to isolate access to mounted secrets"
)


class ServiceAccount(Object):
    """An identity for the processes of pods."""

    secrets: Annotated[
        list[ObjectReference],
        F(
            2,
            "Secrets that pods of this account may use; kept from the days of generated tokens.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
            refers="Secret",
        ),
    ] = []
    imagePullSecrets: Annotated[
        list[LocalObjectReference],
        F(
            3,
            "Secrets with registry credentials that pods of this account get.",
            list_type="atomic",
            refers="Secret",
        ),
    ] = []
    automountServiceAccountToken: Annotated[
        bool | None, F(4, "Whether pods get a token file without asking; a pod may overrule it.")
    ] = None


class ServiceAccountResource(Resource[ServiceAccount]):
    """The behaviour of ServiceAccounts."""

    def prepare_for_create(self, obj: ServiceAccount, now: datetime) -> None:
        # Entries may name Secrets of this namespace only, so nothing but the name is kept.
        obj.secrets = [ObjectReference(name=secret.name) for secret in obj.secrets]

    def prepare_for_update(self, new: ServiceAccount, old: ServiceAccount, now: datetime) -> None:
        self.prepare_for_create(new, now)

    def warnings(self, new: ServiceAccount, old: ServiceAccount | None) -> list[str]:
        """Warn who sets the deprecated annotation; not who changes an account that had it."""
        had = old is not None and ENFORCE_MOUNTABLE in old.metadata.annotations
        return [_DEPRECATED] if ENFORCE_MOUNTABLE in new.metadata.annotations and not had else []


SERVICE_ACCOUNTS = ServiceAccountResource(
    group="",
    version="v1",
    kind="ServiceAccount",
    plural="serviceaccounts",
    singular="serviceaccount",
    short_names=("sa",),
    type=ServiceAccount,
    namespaced=True,
    columns=(NAME, AGE),
    subresources=(Subresource("token", verbs=("create",), takes=TOKEN_REQUESTS),),
)
