"""A ServiceAccount `default` in every namespace: what pods run as that name no other.

Source: ``pkg/controller/serviceaccount/serviceaccounts_controller.go``.
"""

from __future__ import annotations

from strongroom.client.client import Client
from strongroom.controllers.everywhere import Everywhere
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS, ServiceAccount

DEFAULT = "default"


def service_account_controller(client: Client) -> Everywhere[ServiceAccount]:
    """Makes the account where it is missing; what people change of it is theirs."""

    def wanted(found: ServiceAccount | None) -> ServiceAccount | None:
        return ServiceAccount() if found is None else None

    return Everywhere(client, "serviceaccount", SERVICE_ACCOUNTS, DEFAULT, wanted)
