"""What a pod is given of a Secret of another namespace, to which its namespace has a reference.

The API server shows nodes in place of a reference what grants give to any pod of the node, and to
whom: each pod is given no more than its own service account. A reference that the server shows as
it is gives nothing: where it is shown by a server that knows no grants, it stays so.
"""

from __future__ import annotations

from strongroom.resources.configmap import ConfigMap
from strongroom.resources.pod import Pod
from strongroom.resources.secret import Secret
from strongroom.resources.secret_reference import GRANTED, REFERENCE, keys_for

_DEFAULT_ACCOUNT = "default"


def account_of(pod: Pod) -> str:
    """The service account as which a pod runs."""
    return pod.spec.serviceAccountName or _DEFAULT_ACCOUNT


def is_unresolved(obj: Secret | ConfigMap) -> bool:
    """Whether an object is a reference that gives nothing: as good as not there."""
    return isinstance(obj, Secret) and obj.type == REFERENCE


def is_granted(obj: Secret | ConfigMap | None) -> bool:
    """Whether an object's values are of another namespace, and may be withdrawn."""
    return isinstance(obj, Secret) and GRANTED in obj.metadata.annotations


def given_to(account: str, obj: Secret | ConfigMap | None) -> Secret | ConfigMap | None:
    """What pods of an account are given of an object; None where that is nothing."""
    if not isinstance(obj, Secret) or not is_granted(obj):
        return obj
    keys = keys_for(obj.metadata.annotations, account)
    if keys is None:
        return obj
    data = {key: value for key, value in obj.data.items() if key in keys}
    return Secret(metadata=obj.metadata, data=data, type=obj.type) if data else None
