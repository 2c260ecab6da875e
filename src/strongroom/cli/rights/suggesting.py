"""The least roles that would have done for what somebody did, as objects for ``kubectl apply``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from strongroom.cli.rights.held import Grant, Whom
from strongroom.cli.rights.used import Use
from strongroom.resources.rbac import GROUP, GROUP_KIND, SERVICE_ACCOUNT

_EVERYBODY = ("system:authenticated", "system:serviceaccounts")
_NAMED = frozenset(
    {
        "secrets",
        "secrets/metadata",
        "secrets/keys",
        "serviceaccounts/token",
        "serviceaccounts",
        "users",
        "groups",
        "uids",
    }
)
"""What is worth being named one by one."""
_READING = ("get", "list", "watch")

Thing = tuple[str, str]
"""Group and resource, with its subresource."""


@dataclass
class _Rights:
    """Verbs on things in one place: for all names, or for these. Paths by verb."""

    verbs: dict[tuple[str, Thing], set[str] | None] = field(default_factory=dict)
    paths: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, verb: str, thing: Thing, names: Iterable[str]) -> None:
        """Without names, it is for all of them."""
        names, key = set(names), (verb, thing)
        known = self.verbs.setdefault(key, set())
        if not names:
            self.verbs[key] = None
        elif known is not None:
            known |= names

    def gives(self, verb: str, thing: Thing, name: str) -> bool:
        """Whether it is for all names, or for this one."""
        names = self.verbs.get((verb, thing), set())
        return names is None or name in names

    def without(self, other: _Rights, by: Callable[[Thing], tuple[Thing, ...]]) -> _Rights:
        """Those that ``other`` does not give by any of the things that ``by`` tells of theirs."""
        left = _Rights(paths=self.paths)
        for (verb, thing), names in self.verbs.items():
            for name in [""] if names is None else names:
                if not any(other.gives(verb, one, name) for one in by(thing)):
                    left.add(verb, thing, [name] if name else [])
        return left

    def rules(self) -> list[dict[str, Any]]:
        """As rules: verbs that are for the same, and things with the same verbs, in one."""
        verbs_of: dict[tuple[Thing, str], list[str]] = defaultdict(list)
        for (verb, thing), names in sorted(self.verbs.items(), key=lambda item: item[0]):
            for name in [""] if names is None else sorted(names):
                verbs_of[thing, name].append(verb)
        alike: dict[tuple[Any, ...], list[tuple[str, str]]] = defaultdict(list)
        for ((group, resource), name), verbs in verbs_of.items():
            ordered = tuple(sorted(verbs, key=_order))
            alike[group, ordered, resource if name else ""].append((resource, name))
        rules: list[dict[str, Any]] = []
        for (group, verbs, named), things in sorted(alike.items()):
            resources = [named] if named else sorted({resource for resource, _ in things})
            rule = {"apiGroups": [group], "resources": resources, "verbs": list(verbs)}
            if named:
                rule["resourceNames"] = sorted(name for _, name in things)
            rules.append(rule)
        return rules + [
            {"nonResourceURLs": sorted(paths), "verbs": [verb]}
            for verb, paths in sorted(self.paths.items())
        ]


@dataclass
class Suggestion:
    """Objects that allow what was done, and what to know about them."""

    objects: list[dict[str, Any]]
    notes: list[str]


def suggest(whom: Whom, uses: Iterable[Use], everybody: Sequence[Grant]) -> Suggestion:
    """The least that would do for ``whom``. What ``everybody`` has is left out."""
    done = [use for use in dict.fromkeys(uses) if not _is_given(use, everybody)]
    places: dict[str, _Rights] = defaultdict(_Rights)
    for use in done:
        if not use.surmised:
            _add(places[use.namespace if use.is_resource else ""], use, done)
    wide = places.pop("", _Rights())
    objects = list(_objects(whom, "", wide.without(wide, _wholes)))
    for namespace, rights in sorted(places.items()):
        own = rights.without(rights, _wholes)
        objects += _objects(
            whom, namespace, own.without(wide, lambda thing: (thing, *_wholes(thing)))
        )
    return Suggestion(objects, list(_notes(done)))


def everybodys(grants: Iterable[Grant], whom: Whom) -> list[Grant]:
    """What a cluster gives everybody like ``whom``, as every cluster does."""
    groups = _EVERYBODY if whom.kind == SERVICE_ACCOUNT else _EVERYBODY[:1]
    return [
        grant
        for grant in grants
        if grant.is_default
        and not grant.namespace
        and grant.whom.kind == GROUP_KIND
        and grant.whom.name in groups
    ]


def _is_given(use: Use, grants: Sequence[Grant]) -> bool:
    return not use.surmised and any(use.covered(r) for g in grants for r in g.held.rules)


def _add(rights: _Rights, use: Use, done: Sequence[Use]) -> None:
    if not use.is_resource:
        rights.paths[use.verb].add(use.path)
        return
    part = _part(use, done) if use.part == "?" else use.part
    resource = "/".join(filter(None, (use.resource, use.subresource or part)))
    names = [use.name] if use.name and resource in _NAMED else []
    if part == "keys":
        names = [f"{use.name}/{key}" for key in use.keys]
        if not names:
            return  # Nothing was shown, so by which key it was allowed is not told.
    rights.add(use.verb, (use.group, resource), names)


def _part(use: Use, done: Sequence[Use]) -> str:
    """What was asked for where nothing was shown: the same as at other times."""
    others = {
        other.part
        for other in done
        if (other.resource, other.subresource) == ("secrets", "")
        and other.verb in _READING
        and other.namespace == use.namespace
        and other.part != "?"
    }
    return "metadata" if others == {"metadata"} else ""


def _wholes(thing: Thing) -> tuple[Thing, ...]:
    """What a thing is a part of: who may read it whole needs no right to the part."""
    return (("", "secrets"),) if thing == ("", "secrets/metadata") else ()


def _objects(whom: Whom, namespace: str, rights: _Rights) -> Iterator[dict[str, Any]]:
    rules = rights.rules()
    if not rules:
        return
    kind = "Role" if namespace else "ClusterRole"
    owner = f"{whom.namespace}:{whom.name}" if whom.namespace else whom.name
    meta = {"name": re.sub("[/%]", "-", f"{owner}-as-used")}
    meta |= {"namespace": namespace} if namespace else {}
    version = f"{GROUP}/v1"
    yield {"apiVersion": version, "kind": kind, "metadata": meta, "rules": rules}
    subject = {"kind": whom.kind, "name": whom.name}
    subject |= {"namespace": whom.namespace} if whom.namespace else {"apiGroup": GROUP}
    yield {
        "apiVersion": version,
        "kind": f"{kind}Binding",
        "metadata": dict(meta),
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": meta["name"]},
        "subjects": [subject],
    }


def _notes(done: Iterable[Use]) -> Iterator[str]:
    """What the objects do not say."""
    asked = sorted({f"{use.verb} {use.resource}" for use in done if use.surmised})
    if asked:
        yield (
            "whether the verbs escalate, bind or approve were needed is not in the log, and not "
            f"given: {', '.join(asked)}"
        )
    if any(use.part == "keys" and not use.keys for use in done):
        yield "keys of Secrets were asked for that were not there: they are not given"


def _order(verb: str) -> tuple[int, str]:
    """Reading before writing, as people write rules."""
    usual = (*_READING, "create", "update", "patch", "delete", "deletecollection")
    return (usual.index(verb) if verb in usual else len(usual)), verb
