"""What the API server serves: every kind, also those that no code of ours has heard of."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from strongroom.client.client import Client
from strongroom.client.errors import Unreachable
from strongroom.client.paths import path_of

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Kind(msgspec.Struct, frozen=True):
    """A kind in one version of its group (``group`` is empty for core)."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    @property
    def api_version(self) -> str:
        """``v1`` or ``GROUP/VERSION``, as objects and owner references say it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_plural(self) -> tuple[str, str]:
        """What the kind is called in all of its versions."""
        return self.group, self.plural

    def path(self, namespace: str = "", name: str = "") -> str:
        """The path of an object, or of all in a namespace, or of all (without a namespace)."""
        return path_of(self, namespace, name)


class Served(msgspec.Struct, frozen=True):
    """All kinds in all versions, the preferred version of each group first.

    ``failed`` names the versions of which nothing is known just now.
    """

    kinds: tuple[Kind, ...] = ()
    failed: tuple[str, ...] = ()

    def find(self, api_version: str, kind: str) -> Kind | None:
        """The kind that an owner reference names; None when it is not served."""
        return next(
            (k for k in self.kinds if k.kind == kind and k.api_version == api_version), None
        )

    def preferred(self, *verbs: str) -> list[Kind]:
        """Each kind once, in its preferred version, if it can do all of this."""
        found: dict[tuple[str, str], Kind] = {}
        for kind in self.kinds:
            found.setdefault(kind.group_plural, kind)
        return [kind for kind in found.values() if kind.verbs.issuperset(verbs)]

    def with_known(self, before: Served) -> Served:
        """The same, with what was known before of the versions that failed."""
        failed = set(self.failed)
        kept = tuple(k for k in before.kinds if k.api_version in failed)
        return Served(self.kinds + kept, self.failed)


class _ResponseKind(msgspec.Struct):
    kind: str = ""


class _Resource(msgspec.Struct):
    resource: str
    responseKind: _ResponseKind | None = None
    scope: str = ""
    verbs: list[str] = []


class _Version(msgspec.Struct):
    version: str
    resources: list[_Resource] = []
    freshness: str = ""


class _Metadata(msgspec.Struct):
    name: str = ""


class _Group(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    versions: list[_Version] = []


class _Groups(msgspec.Struct, tag_field="kind", tag="APIGroupDiscoveryList"):
    items: list[_Group] = []


async def discover(client: Client) -> Served:
    """Ask the server, by aggregated discovery (Kubernetes 1.30 and later).

    Raises StatusError, and ClientFailure when it answers something else.
    """
    kinds: list[Kind] = []
    failed: list[str] = []
    for path in ("/api", "/apis"):
        answer = await client.request("GET", path, accept=AGGREGATED)
        try:
            groups = msgspec.json.decode(answer.body, type=_Groups).items
        except msgspec.MsgspecError as error:
            raise Unreachable(f"GET {path}: no aggregated discovery: {error}") from error
        for group in groups:
            for version in group.versions:
                kinds += _kinds(group.metadata.name, version)
                if version.freshness == "Stale":
                    failed.append("/".join(filter(None, (group.metadata.name, version.version))))
    return Served(tuple(kinds), tuple(failed))


def _kinds(group: str, version: _Version) -> Iterable[Kind]:
    for each in version.resources:
        # A resource without a kind has subresources only.
        if each.responseKind is not None and each.responseKind.kind:
            yield Kind(
                group,
                version.version,
                each.responseKind.kind,
                each.resource,
                each.scope == "Namespaced",
                frozenset(each.verbs),
            )
