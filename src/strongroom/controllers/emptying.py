"""Deletes all content of a namespace: pods first, then everything else, of whatever kind.

Of the content no more than metadata is read.
"""

from __future__ import annotations

from collections.abc import Iterable

from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, Preconditions
from strongroom.client.client import Client
from strongroom.client.discovery import Kind, discover
from strongroom.client.metadata import Metadata, MetadataCollection, delete_at
from strongroom.controllers.namespace_conditions import Findings
from strongroom.controllers.together import together

PODS = ("", "pods")
AT_ONCE = 8
_PAGE = 500


async def empty(client: Client, namespace: str) -> Findings:
    """One turn: delete what is there, and tell what remains. Raises StatusError, ClientFailure.

    Nothing but pods is deleted while there are pods: what they use outlives them (KEP-5080).
    """
    served = await discover(client)
    findings = Findings(undiscovered=served.failed)
    kinds = [kind for kind in served.preferred("delete", "list") if kind.namespaced]
    pods = [kind for kind in kinds if kind.group_plural == PODS]
    await _empty_all(client, namespace, pods, findings)
    if not findings.remaining and not findings.failures:
        others = [kind for kind in kinds if kind.group_plural != PODS]
        await _empty_all(client, namespace, others, findings)
    return findings


async def _empty_all(
    client: Client, namespace: str, kinds: Iterable[Kind], findings: Findings
) -> None:
    async def one(kind: Kind) -> None:
        try:
            await _empty(client, namespace, kind, findings)
        except StatusError as error:
            # The other kinds are deleted all the same, and this one is tried again.
            findings.failures.append(error.message)

    await together(one, kinds, AT_ONCE)


async def _empty(client: Client, namespace: str, kind: Kind, findings: Findings) -> None:
    there = await _listed(client, namespace, kind)
    if there:
        await _delete(client, namespace, kind, there)
        there = await _listed(client, namespace, kind)
    if not there:
        return
    findings.remaining[kind] = len(there)
    held = [finalizer for meta in there for finalizer in meta.finalizers or ()]
    findings.finalizers.update(held)
    if not held and kind.group_plural != PODS:
        which = f"{kind.group}/{kind.version}, Resource={kind.plural}"
        text = f"unexpected items still remain in namespace: {namespace} for gvr: {which}"
        findings.failures.append(text)


async def _listed(client: Client, namespace: str, kind: Kind) -> list[Metadata]:
    """The metadata of all that is there; nothing when the kind is not served any more."""
    collection = MetadataCollection(client, kind.path(namespace))
    found, token = [], ""
    while True:
        try:
            page = await collection.list(_PAGE, token)
        except StatusError as error:
            if error.code not in (404, 405):
                raise
            return []
        found += [item.metadata for item in page.items]
        token = page.continue_token
        if not token:
            return found


async def _delete(client: Client, namespace: str, kind: Kind, there: list[Metadata]) -> None:
    """Delete a collection; its objects' dependents are not to be orphaned, for they go as well."""
    if "deletecollection" in kind.verbs:
        options = DeleteOptions(propagationPolicy="Background")
        await delete_at(client, kind.path(namespace), options)
        return
    for meta in there:
        options = DeleteOptions(
            propagationPolicy="Background", preconditions=Preconditions(uid=meta.uid)
        )
        try:
            await delete_at(client, kind.path(namespace, meta.name), options)
        except StatusError as error:
            if error.code not in (404, 409):
                raise
