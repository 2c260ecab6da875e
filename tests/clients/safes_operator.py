"""A real operator, run by `kopf run`: it keeps a Secret for each Safe, and counts in its status.

It uses what operators use: handlers of each kind, a finalizer for deletion, retries with progress
kept on the object, a timer, a daemon, an index, events, and peering.
"""

from __future__ import annotations

import base64
from typing import Any

import kopf
from lightkube import Client
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap, Secret

GROUP = "safes.example.com"


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Peering must be there; what is logged is posted as events too."""
    settings.peering.mandatory = True
    settings.peering.lifetime = 20
    settings.posting.loggers = True
    settings.persistence.finalizer = f"{GROUP}/finalizer"
    settings.watching.server_timeout = 5


@kopf.on.login()
def login(**given: Any) -> Any:
    """As kubectl does, without a client library in between."""
    return kopf.login_with_kubeconfig(**given)


@kopf.index("configmaps", labels={"combination": kopf.PRESENT})
async def combinations(name: str, body: Any, **_: Any) -> dict[str, str]:
    """What each ConfigMap with the label says about combinations."""
    return {name: body["data"]["combination"]}


@kopf.on.create("safes", group=GROUP)
def create(
    body: Any, spec: Any, namespace: Any, retry: int, patch: Any, **kept: Any
) -> dict[str, str]:
    """Make the Secret, owned by the Safe; at the first try something is not ready yet."""
    if retry == 0:
        raise kopf.TemporaryError("the lock is being oiled", delay=0.2)
    if spec.get("owner") == "nobody":
        raise kopf.PermanentError("a safe needs an owner")
    found = kept["combinations"].get(spec.get("combination"), ["0000"])
    combination = base64.b64encode(next(iter(found)).encode()).decode()
    secret: Any = {"metadata": {"generateName": "safe-"}, "data": {"combination": combination}}
    kopf.adopt(secret, owner=body)
    kopf.label(secret, {"made-by": "kopf"})
    kept_as: Any = Secret.from_dict(secret)
    with Client() as client:
        made: Any = client.create(kept_as, namespace=namespace)
    kopf.info(body, reason="Locked", message=f"{spec['owner']} has a safe")
    patch.status["phase"] = "Locked"
    return {"secret": made.metadata.name}


@kopf.on.update("safes", group=GROUP, field="spec.owner")
async def sold(old: Any, new: Any, body: Any, **_: Any) -> str:
    """Note who had it before."""
    kopf.event(body, type="Normal", reason="Sold", message=f"from {old} to {new}")
    return f"{old} to {new}"


@kopf.on.delete("safes", group=GROUP)
def blown_up(namespace: Any, name: str, **_: Any) -> None:
    """Leave a trace, before the finalizer goes."""
    trace = ConfigMap(metadata=ObjectMeta(name=f"gone-{name}"))
    with Client() as client:
        client.create(trace, namespace=namespace)


@kopf.timer("safes", group=GROUP, interval=0.3, labels={"ticking": "yes"})
async def tick(status: Any, patch: Any, **_: Any) -> None:
    """Count in the status."""
    patch.status["ticks"] = status.get("ticks", 0) + 1


@kopf.daemon("safes", group=GROUP, cancellation_timeout=5)
async def guard(stopped: kopf.DaemonStopped, body: Any, **_: Any) -> None:
    """Stand beside it as long as it is there."""
    kopf.event(body, type="Normal", reason="Guarded", message="by one")
    await stopped.wait()
