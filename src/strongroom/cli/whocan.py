"""`strongroom who-can`: who may do something with a Secret, through what, and by which detours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import Failure, Found, People, people_options

if TYPE_CHECKING:
    from strongroom.cli.rights.answers import Answer
    from strongroom.cli.rights.facts import Facts
    from strongroom.cli.rights.held import Whom
    from strongroom.cli.rights.paths import Path
    from strongroom.client.client import Client

_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
_SHOWN = 3
"""How many pods or accounts a row names."""


@click.command("who-can")
@people_options
@click.argument("verb", type=click.Choice(_VERBS), metavar="VERB")
@click.argument("what", metavar="secret/NAME|secrets")
@click.option("-A", "--all-namespaces", is_flag=True, help="Secrets of all namespaces.")
@click.option("--direct", is_flag=True, help="Only who has the right itself.")
@click.option("--all", "every", is_flag=True, help="Kubernetes' own parts too, one by one.")
@click.option("--check", is_flag=True, help="Exit code 3 if somebody may who is not allowed.")
@click.option(
    "--allow",
    "allowed",
    metavar="KIND:NAME",
    multiple=True,
    help="Who is allowed: user:jane, group:ops, serviceaccount:NS/NAME; may be repeated.",
)
@output_option
def command(
    people: People,
    verb: str,
    what: str,
    all_namespaces: bool,
    direct: bool,
    every: bool,
    check: bool,
    allowed: tuple[str, ...],
    output: str,
) -> None:
    """Say who may do VERB with a Secret, through which binding and role, in any cluster.

    Besides the right itself, other ways are told, with their numbers in the CIS Kubernetes
    Benchmark and OWASP's Kubernetes Top Ten: by pods, by acting as another, by giving oneself the
    right. It judges by RBAC (and, of nodes, by the pods that they run); webhooks and ABAC are not
    asked. No Secret is read.

    \b
    Examples:
      strongroom who-can get secret/db -n shop
      strongroom who-can list secrets -A --direct
      strongroom who-can get secret/db --check --allow group:ops --allow serviceaccount:shop/api
    """
    from strongroom.cli.rights.answers import who_can
    from strongroom.cli.rights.facts import read_facts

    name = _name(what)
    if all_namespaces and name:
        raise click.UsageError("-A asks about secrets, not about one of a name")
    namespace = "" if all_namespaces else people.namespace
    listed = _listed(allowed)

    async def gather(client: Client) -> Facts:
        return await read_facts(client, namespace, pods=not direct)

    facts = people.run(gather)
    warn_unseen(people, facts)
    answer = who_can(facts, verb, namespace, name)
    if direct:
        answer.indirect.clear()
    if output == "text":
        _print(people, answer, _question(verb, name, namespace), every=every)
    else:
        people.emit(_tree(facts, answer, verb, namespace, name), output)
    if check:
        _check(people, facts, _strangers(answer, listed, every=every))


def warn_unseen(people: People, facts: Facts) -> None:
    """Say what may not be looked at. Raises Failure if that is all bindings."""
    for kind in facts.unseen:
        people.warn(f"you may not list {kind}: what they give is not in the answer")
    if facts.webhook:
        people.warn("a webhook decides as well: whom it allows or refuses is not in the answer")
    if not facts.grants and facts.unseen:
        raise Failure("you may not see who is bound to what: ask as somebody who may, with --as")


def _strangers(answer: Answer, listed: Sequence[Whom], *, every: bool) -> list[str]:
    """Who may and is not on the list, neither by name nor by a group of theirs."""
    from strongroom.cli.rights.subjects import identities

    paths = [path for path in (*answer.direct, *answer.indirect) if every or not path.built_in]
    found = dict.fromkeys(path.whom for path in paths)
    return [str(whom) for whom in found if not set(identities(whom)) & set(listed)]


def _check(people: People, facts: Facts, strangers: Sequence[str]) -> None:
    """Raises Found if somebody may, and Failure if that cannot be ruled out."""
    if strangers:
        people.warn(f"not allowed, and may: {', '.join(strangers)}")
        raise Found
    if facts.unseen:
        raise Failure("not everything could be looked at, so others may as well")


def _name(what: str) -> str:
    """The Secret's name; empty for all. Raises UsageError."""
    kind, slash, name = what.partition("/")
    if kind not in ("secret", "secrets") or bool(slash) != bool(name):
        raise click.UsageError(f"{what!r} is neither secret/NAME nor secrets")
    if not slash and kind == "secret":
        raise click.UsageError("which one? secret/NAME, or secrets for all")
    return name


def _listed(allowed: Sequence[str]) -> list[Whom]:
    """Who is allowed. Raises UsageError."""
    from strongroom.cli.rights.held import Whom

    kinds = {"user": "User", "group": "Group", "serviceaccount": "ServiceAccount"}
    listed = []
    for text in allowed:
        kind, _, name = text.partition(":")
        account = kind == "serviceaccount"
        where, slash, last = name.partition("/") if account else ("", "", name)
        if kind not in kinds or not last or (account and not (slash and where)):
            raise click.UsageError(f"--allow {text!r}: say user:, group: or serviceaccount:NS/NAME")
        listed.append(Whom(kinds[kind], last, where))
    return listed


def _question(verb: str, name: str, namespace: str) -> str:
    what = f"secret/{name}" if name else "secrets"
    return f"{verb} {what} " + (f"in namespace {namespace}" if namespace else "in some namespace")


def _print(people: People, answer: Answer, question: str, *, every: bool) -> None:
    direct = [path for path in answer.direct if every or not path.built_in]
    people.say(f"May {question}:" if direct else f"Nobody was given the right to {question}.")
    if direct:
        rows = [[p.whom, p.through, p.role, p.rule_text] for p in direct]
        people.table(["SUBJECT", "THROUGH", "ROLE", "RULE"], rows)
    own = dict.fromkeys(str(p.whom) for p in answer.direct if p.built_in)
    if own and not every:
        people.say(f"\nAs in every cluster: {_some(list(own))}")
    indirect = [path for path in answer.indirect if every or not path.built_in]
    if indirect:
        people.say("\nBy other ways:")
        rows = [[p.whom, _way(p), p.through, p.role, *_numbers(p)] for p in indirect]
        people.table(["SUBJECT", "WAY", "THROUGH", "ROLE", "CIS", "OWASP"], rows)


def _way(path: Path) -> str:
    return path.way.text + (f": {_some(path.targets)}" if path.targets else "")


def _numbers(path: Path) -> tuple[str, str]:
    return path.way.numbers.cis or "-", path.way.numbers.owasp


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _tree(facts: Facts, answer: Answer, verb: str, namespace: str, name: str) -> dict[str, Any]:
    return {
        "verb": verb,
        "namespace": namespace or None,
        "secret": name or None,
        "direct": [path.facts() for path in answer.direct],
        "indirect": [path.facts() for path in answer.indirect],
        "unseen": facts.unseen,
    }
