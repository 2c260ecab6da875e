"""Publishes the cluster's certificate authority to every namespace, for pods to trust the server.

Source: ``pkg/controller/certificates/rootcacertpublisher``.
"""

from __future__ import annotations

from strongroom.client.client import Client
from strongroom.controllers.everywhere import Everywhere
from strongroom.resources.configmap import CONFIG_MAPS, ConfigMap

ROOT_CA = "kube-root-ca.crt"
"""The ConfigMap that every pod's token volume takes the authority from."""
KEY = "ca.crt"
DESCRIPTION_KEY = "kubernetes.io/description"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal"
    " endpoints such as the internal service IP or kubernetes.default.svc. No other usage is"
    " guaranteed across distributions of Kubernetes clusters."
)


def root_ca_publisher(client: Client, ca: bytes) -> Everywhere[ConfigMap]:
    """Keeps this authority (certificates in PEM) published, and nothing else in that ConfigMap."""
    data = {KEY: ca.decode()}

    def wanted(found: ConfigMap | None) -> ConfigMap | None:
        config = found or ConfigMap()
        if config.data == data and config.metadata.annotations.get(DESCRIPTION_KEY):
            return None
        config.data = dict(data)
        config.metadata.annotations[DESCRIPTION_KEY] = DESCRIPTION
        return config

    return Everywhere(client, "root-ca-cert-publisher", CONFIG_MAPS, ROOT_CA, wanted)
