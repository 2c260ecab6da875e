"""Whether a pod names only Secrets that its ServiceAccount lists: ``enforce-mountable-secrets``.

The places at which a pod can name a Secret come from the marks on the schema
(:mod:`strongroom.resources.references`), so that none can be forgotten here: upstream's lists by
hand left out ephemeral containers (CVE-2023-2728), ``envFrom`` (CVE-2024-3177), and to this day
projected volumes and those of storage drivers.
"""

from __future__ import annotations

from strongroom.resources.pod import Pod
from strongroom.resources.references import Reference, secret_references
from strongroom.resources.serviceaccount import ENFORCE_MOUNTABLE, ServiceAccount

_CONTAINERS = {
    "initContainers": "init container",
    "containers": "container",
    "ephemeralContainers": "ephemeral container",
}
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
"""What Go's ``strconv.ParseBool`` takes for true; upstream reads the annotation with it."""


def foreign_secret(pod: Pod, account: ServiceAccount, below: str = "") -> str:
    """Why a pod of this account is refused; "" when it is not.

    ``below``: judge only what stands at or below this path of the pod.
    """
    if account.metadata.annotations.get(ENFORCE_MOUNTABLE) not in _TRUE:
        return ""
    mountable = {secret.name for secret in account.secrets}
    pulls = {secret.name for secret in account.imagePullSecrets}
    for reference in secret_references(pod):
        path = str(reference.path)
        if reference.kind != "Secret" or not path.startswith(below):
            continue
        pull = path.startswith("spec.imagePullSecrets")
        if reference.name not in (pulls if pull else mountable):
            kind = "imagePullSecret" if pull else "secret"
            return (
                f"{_place(pod, reference, path)} is not allowed because service account "
                f"{account.metadata.name} does not reference that {kind}"
            )
    return ""


def _place(pod: Pod, reference: Reference, path: str) -> str:
    """Where the name stands, in upstream's words for the places that upstream looks at."""
    field, _, rest = path.removeprefix("spec.").partition(".")
    group, _, index = field.rstrip("]").partition("[")
    if group == "volumes":
        return f'volume with {rest}="{reference.name}"'
    if group not in _CONTAINERS:
        return f'{path.removeprefix("spec.")}="{reference.name}"'
    container = getattr(pod.spec, group)[int(index)]
    inner, _, deeper = rest.partition("[")
    how = rest
    if inner == "envFrom":
        how = "envFrom"
    elif inner == "env":
        how = f"envVar {container.env[int(deeper.partition(']')[0])].name}"
    told = f"{_CONTAINERS[group]} {container.name} with {how}"
    return f'{told} referencing secret.secretName="{reference.name}"'
