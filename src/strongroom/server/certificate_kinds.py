"""The kinds of certificates.k8s.io as a server has them: judged by who can read certificates."""

from __future__ import annotations

from typing import Any

from strongroom.resources import certificatesigningrequest, clustertrustbundle
from strongroom.resources.resource import Resource
from strongroom.server.x509 import X509

_JUDGED: tuple[Resource[Any], ...] = (
    certificatesigningrequest.declared(X509),
    clustertrustbundle.declared(X509),
)
_BY_NAME = {resource.group_resource: resource for resource in _JUDGED}


def judged(resource: Resource[Any]) -> Resource[Any]:
    """The kind with a reader of certificates if it needs one, else the kind itself."""
    return _BY_NAME.get(resource.group_resource, resource)
