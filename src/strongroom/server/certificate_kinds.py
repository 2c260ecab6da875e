"""The kinds of certificates.k8s.io as a server has them: judged by who can read certificates."""

from __future__ import annotations

from typing import Any

from strongroom.api.clock import Clock
from strongroom.resources import (
    certificatesigningrequest,
    clustertrustbundle,
    podcertificaterequest,
)
from strongroom.resources.resource import Resource
from strongroom.server.x509 import X509


def judged(resource: Resource[Any], clock: Clock) -> Resource[Any]:
    """The kind with a reader of certificates if it needs one, else the kind itself."""
    if resource is certificatesigningrequest.CERTIFICATE_SIGNING_REQUESTS:
        return certificatesigningrequest.declared(X509)
    if resource is clustertrustbundle.CLUSTER_TRUST_BUNDLES:
        return clustertrustbundle.declared(X509)
    if resource is podcertificaterequest.POD_CERTIFICATE_REQUESTS:
        return podcertificaterequest.declared(X509, clock)
    return resource
