"""What the commands on sharing have in common: whom a Secret is shared with, and reading grants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from strongroom.api.errors import StatusError
from strongroom.cli.people import Failure

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.client.discovery import Served
    from strongroom.client.secret_graph import Reference
    from strongroom.resources.secretgrant import GrantTarget, SecretGrant

EVERY = "*"
"""Stands for all keys of a Secret, and for all service accounts of a namespace."""

Target = tuple[str, str]
"""A namespace and a service account of it, or ``EVERY``."""


def targets(
    context: click.Context, parameter: click.Parameter, told: Iterable[str]
) -> list[Target]:
    """Click's callback for ``--to NAMESPACE[/SERVICEACCOUNT]``."""
    found = []
    for text in told:
        namespace, slash, account = text.partition("/")
        if not namespace or (slash and not account):
            raise click.BadParameter(f"{text!r} is not NAMESPACE or NAMESPACE/SERVICEACCOUNT")
        found.append((namespace, account or EVERY))
    return found


async def grants_of(client: Client, namespace: str) -> list[SecretGrant]:
    """The grants of a namespace, or of all. Raises StatusError, and Failure for other servers."""
    from strongroom.resources.secretgrant import SECRET_GRANTS

    try:
        return (await client.list(SECRET_GRANTS, namespace)).items
    except StatusError as error:
        raise _told(error) from error


async def grant_named(client: Client, namespace: str, name: str) -> SecretGrant | None:
    """The grant of this name, if it is there. Raises as ``grants_of``."""
    from strongroom.resources.secretgrant import SECRET_GRANTS

    try:
        return await client.get(SECRET_GRANTS, name, namespace)
    except StatusError as error:
        if error.code == 404 and error.details is not None and error.details.name:
            return None
        raise _told(error) from error


def _told(error: StatusError) -> Exception:
    known = error.details is not None and error.details.name
    if error.code != 404 or known:
        return error
    return Failure("this server has no SecretGrants: sharing Secrets needs strongroom's server")


def add_target(to: list[GrantTarget], target: Target) -> None:
    """Give to one more, who may be in the list already."""
    from strongroom.resources.secretgrant import GrantTarget

    namespace, account = target
    for known in to:
        if known.namespace == namespace:
            if account == EVERY:
                known.serviceAccounts = [EVERY]
            elif not {account, EVERY} & set(known.serviceAccounts):
                known.serviceAccounts.append(account)
            return
    to.append(GrantTarget(namespace, [account]))


def remove_target(to: list[GrantTarget], target: Target) -> bool:
    """Give to one less; whether it was in the list.

    Raises Failure for an account of a namespace whose accounts are given all the same.
    """
    namespace, account = target
    for known in to:
        if known.namespace != namespace:
            continue
        if account == EVERY or known.serviceAccounts == [account]:
            to.remove(known)
            return True
        if known.serviceAccounts == [EVERY]:
            raise Failure(
                f"it is shared with all service accounts of {namespace}; take it from all of them "
                f"(--to {namespace}), and share it with those that are to keep it"
            )
        if account in known.serviceAccounts:
            known.serviceAccounts.remove(account)
            return True
    return False


def told_target(target: Target) -> str:
    """As it is given on the command line."""
    namespace, account = target
    return namespace if account == EVERY else f"{namespace}/{account}"


async def references_in(client: Client, namespace: str) -> list[tuple[Any, str]]:
    """The references of a namespace (of all), each as listed and with what it stands for."""
    from strongroom.cli.secret.list import listed
    from strongroom.resources.secret_reference import FROM, REFERENCE

    found = await listed(client, namespace, {"fieldSelector": f"type={REFERENCE}"})
    return [(secret, secret.annotations.get(FROM, "")) for secret in found]


async def shared_names(client: Client, namespace: str) -> dict[tuple[str, str], set[str]]:
    """The Secrets of a namespace (of all) that are shared, and with which namespaces.

    Nothing where the server has no grants, or they may not be listed.
    """
    try:
        grants = await grants_of(client, namespace)
    except Failure:
        return {}
    except StatusError as error:
        if error.code != 403:
            raise
        return {}
    found: dict[tuple[str, str], set[str]] = {}
    for grant in grants:
        for secret in grant.spec.secrets:
            key = grant.metadata.namespace, secret.name
            found.setdefault(key, set()).update(to.namespace for to in grant.spec.to)
    return found


async def users_elsewhere(
    client: Client, served: Served, namespace: str, name: str
) -> tuple[list[Reference], list[str]]:
    """Who uses a Secret by references, in the namespaces with which it is shared.

    Also the namespaces whose Secrets may not be listed.
    """
    from strongroom.client.secret_graph import read_graph

    users, unseen = [], []
    shared = await shared_names(client, namespace)
    for where in sorted(shared.get((namespace, name), ())):
        try:
            references = await references_in(client, where)
        except StatusError as error:
            if error.code != 403:
                raise
            unseen.append(where)
            continue
        here = [secret.name for secret, origin in references if origin == f"{namespace}/{name}"]
        if here:
            graph = await read_graph(client, served, where)
            users += [user for called in here for user in graph.users(where, called)]
    return users, unseen
