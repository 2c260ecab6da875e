"""Names of signers: ``domain/path``, and those that Kubernetes keeps for itself.

Source: ``ValidateSignerName`` in ``pkg/apis/core/validation/names.go``.
"""

from __future__ import annotations

from strongroom.api.errors import FieldError
from strongroom.api.gotext import quote
from strongroom.api.validation import (
    NameCheck,
    Path,
    dns_label,
    dns_subdomain,
    invalid_value,
    required,
    too_long,
)

KUBE_APISERVER_CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"

_DOMAIN_LIMIT = 253
_LIMIT = 571
"""A domain (253), a slash, and a namespace (63), a dot and a name (253)."""
_FORM = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
_ONE_SEGMENT = "should be a domain with at least two segments separated by dots"


def is_kubernetes_signer(name: str) -> bool:
    """Whether a name is one that only Kubernetes itself may give to a signer."""
    domain = name.partition("/")[0]
    return domain == "kubernetes.io" or domain.endswith(".kubernetes.io")


def signer_name_errors(path: Path, name: str) -> list[FieldError]:
    """All findings on a signer's name."""
    if not name:
        return [required(path)]
    domain, *rest = name.split("/")
    if len(rest) != 1:
        return [invalid_value(path, name, _FORM)]
    errors = [too_long(path, _DOMAIN_LIMIT)] if len(domain) > _DOMAIN_LIMIT else []
    labels = domain.split(".")
    errors += _first_wrong(path, domain, labels, dns_label)
    if len(labels) < 2:
        errors.append(invalid_value(path, domain, _ONE_SEGMENT))
    errors += _first_wrong(path, rest[0], rest[0].split("."), dns_subdomain)
    if len(name) > _LIMIT:
        errors.append(too_long(path, _LIMIT))
    return errors


def _first_wrong(path: Path, whole: str, labels: list[str], check: NameCheck) -> list[FieldError]:
    for label in labels:
        if found := check(label):
            about = f"validating label {quote(label)}: "
            return [invalid_value(path, whole, about + text) for text in found]
    return []
