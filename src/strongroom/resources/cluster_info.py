"""The ConfigMap `cluster-info`: where a cluster is and how to trust it, for who has a token only.

Anybody may read it. Each bootstrap token signs it with its secret, so that its holder knows it for
genuine before trusting the authority that it names. The signature is a JSON Web Signature without
its content (RFC 7515, appendix F). Sources: ``k8s.io/cluster-bootstrap/token/jws`` and kubeadm.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import msgspec

NAMESPACE = "kube-public"
NAME = "cluster-info"
KUBECONFIG_KEY = "kubeconfig"
"""A kubeconfig with one cluster and nobody's credentials."""
SIGNATURE_PREFIX = "jws-kubeconfig-"
"""Of the keys of signatures; the token's id follows."""


def detached_signature(content: str, token_id: str, key: bytes) -> str:
    """Sign as a token does: ``header..signature``, byte for byte as upstream's signer does.

    go-jose lengthens short keys by zeros up to 32 bytes; HMAC does so up to 64 by itself, which
    makes them the same key.
    """
    header = _base64(msgspec.json.encode({"alg": "HS256", "kid": token_id}))
    signed = f"{header}.{_base64(content.encode())}".encode()
    return f"{header}..{_base64(hmac.digest(key, signed, hashlib.sha256))}"


def is_signed(data: dict[str, str], token_id: str, key: bytes) -> bool:
    """Whether the data of such a ConfigMap carry this token's signature of their kubeconfig."""
    wanted = detached_signature(data.get(KUBECONFIG_KEY, ""), token_id, key)
    found = data.get(SIGNATURE_PREFIX + token_id, "")
    return KUBECONFIG_KEY in data and hmac.compare_digest(found.encode(), wanted.encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
