"""The volumes of one pod: set up before its containers start, current while it lives, then wiped.

A change of an object reaches the files inside the very call that reports it: no queue, no poll.
Everything lies on the node's private tmpfs, so nothing here ever touches a disk.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from strongroom.node.atomicwriter import AtomicWriter, InvalidPayloadPath
from strongroom.node.downward import NodeFacts
from strongroom.node.granted import account_of, given_to, is_granted
from strongroom.node.objects import ObjectCache, ObjectMissing, ObjectUnavailable, Ref
from strongroom.node.podcertificates import PodCertificates
from strongroom.node.runtimes.home import VolumeHome
from strongroom.node.tokens import Tokens, Wanted
from strongroom.node.trustbundles import TrustBundles, WantedBundle
from strongroom.node.volumes.credentials import BundleFile, CertificateFiles, Lookups, Unavailable
from strongroom.node.volumes.payload import (
    MountError,
    Payload,
    build,
    is_projection,
    made_of,
    sources_of,
)
from strongroom.node.volumes.permissions import give_to_group
from strongroom.node.wantedcertificates import WantedCertificate
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.pod import Pod
from strongroom.resources.pod_volume import EmptyDirVolumeSource, Volume
from strongroom.resources.secret import Secret

_EMPTY_DIR_MODE = 0o777

Shown = Ref | Wanted | WantedCertificate | WantedBundle
"""What files show, and what changes are told of."""


def _told_nobody(volume: str, text: str) -> None:
    """Nobody asked to be told."""


@dataclass(slots=True)
class Mounted:
    """A volume that is set up: where, and which revisions its files show.

    ``problem`` tells why the newest revision could not be shown; the files are then the last good.
    """

    path: Path
    read_only: bool
    shown: tuple[str, ...] = ()
    problem: str = ""
    refs: frozenset[Shown] = field(default_factory=frozenset)
    granted: dict[Ref, frozenset[str]] = field(default_factory=dict)
    """The keys last given of what another namespace grants, and may withdraw."""


@dataclass(frozen=True, slots=True)
class VolumeReport:
    """Which revision of each object the volumes show, and what could not be shown."""

    text: str
    problem: str = ""


class PodVolumes:
    """The volumes of one pod. ``report(volume name, text)`` receives each failure.

    ``withdrawn(volume name, text)`` is told of files that were removed since nobody grants them
    any more.
    """

    def __init__(
        self,
        pod: Pod,
        *,
        home: VolumeHome,
        objects: ObjectCache,
        tokens: Tokens,
        certificates: PodCertificates,
        bundles: TrustBundles,
        node: NodeFacts,
        report: Callable[[str, str], None],
        withdrawn: Callable[[str, str], None] = _told_nobody,
    ) -> None:
        self._pod = pod
        self._home = home
        self._objects = objects
        self._tokens = tokens
        self._certificates = certificates
        self._bundles = bundles
        self._node = node
        self._report = report
        self._withdrawn = withdrawn
        self._mounted: dict[str, Mounted] = {}

    def update_pod(self, pod: Pod) -> None:
        """Take the newest pod: its labels and annotations may show in downwardAPI files."""
        self._pod = pod

    @property
    def mounted(self) -> dict[str, Mounted]:
        """The volumes that are set up, by name."""
        return self._mounted

    async def set_up(self) -> list[str]:
        """Set up what is not yet; the names of the volumes that could not be, now."""
        failed = []
        for volume in self._pod.spec.volumes:
            if volume.name in self._mounted:
                continue
            try:
                await self._read(volume)
                self._mounted[volume.name] = self._mount(volume)
            except (MountError, InvalidPayloadPath, ObjectUnavailable, *Unavailable) as error:
                self._report(volume.name, str(error))
                failed.append(volume.name)
            except OSError as error:
                # strerror alone: the path could hold nothing secret, but says nothing either.
                self._report(volume.name, error.strerror or type(error).__name__)
                failed.append(volume.name)
        return failed

    def refresh(self, ref: Shown | None = None) -> bool:
        """Write anew the volumes that show ``ref`` (all, when None); whether any status changed.

        A volume whose newest state cannot be shown keeps its files.
        """
        changed = False
        for volume in self._pod.spec.volumes:
            mounted = self._mounted.get(volume.name)
            if mounted is None or not is_projection(volume):
                continue
            if ref is not None and ref not in mounted.refs:
                continue
            before = (mounted.shown, mounted.problem)
            self._write_again(volume, mounted)
            changed = changed or before != (mounted.shown, mounted.problem)
        return changed

    def report(self) -> VolumeReport | None:
        """What the pod's status says of its volumes; None when none shows an object."""
        shown, problems = [], []
        for name, mounted in self._mounted.items():
            if mounted.shown:
                shown.append(f"{name}: {', '.join(mounted.shown)}")
            if mounted.problem:
                problems.append(f"{name}: {mounted.problem}")
        if not shown and not problems:
            return None
        return VolumeReport("; ".join(shown), "; ".join(problems))

    def wipe(self) -> None:
        """Delete all files of the pod; its containers must have ended."""
        self._mounted.clear()
        for made in (self._tokens, self._certificates, self._bundles):
            made.forget(self._pod.metadata.uid)
        self._home.remove_pod(self._pod.metadata.uid)

    async def _read(self, volume: Volume) -> None:
        """Have the newest state of every object of ``volume``, and what is made for it."""
        for source in sources_of(self._pod, volume):
            try:
                await self._objects.fetch(source.ref)
            except ObjectMissing:
                pass  # Whether that is an error, the source's `optional` says.
        for part in made_of(self._pod, volume):
            if isinstance(part, CertificateFiles):
                await self._certificates.fetch(part.wanted, self.refresh)
            elif isinstance(part, BundleFile):
                await self._bundles.fetch(self._pod.metadata.uid, part.wanted, self.refresh)
            else:
                await self._tokens.fetch(part.wanted, self.refresh)

    def _mount(self, volume: Volume) -> Mounted:
        if is_projection(volume):
            return self._mount_projection(volume)
        if volume.emptyDir is not None:
            return self._mount_empty(volume, volume.emptyDir)
        raise MountError(f'volume "{volume.name}" is of a type that the process runtime lacks')

    def _mount_empty(self, volume: Volume, source: EmptyDirVolumeSource) -> Mounted:
        path = self._home.volume(self._pod.metadata.uid, volume.name)
        path.chmod(_EMPTY_DIR_MODE if source.mode is None else source.mode)
        group = self._group()
        if group is not None:
            give_to_group(path, group, read_only=False)
        return Mounted(path, read_only=False)

    def _mount_projection(self, volume: Volume) -> Mounted:
        # Built before the directory is made: an error leaves nothing behind.
        self._build(volume)
        path = self._home.volume(self._pod.metadata.uid, volume.name)
        sources = (source.ref for source in sources_of(self._pod, volume))
        made = (part.wanted for part in made_of(self._pod, volume))
        refs = frozenset[Shown]((*sources, *made))
        mounted = Mounted(path, read_only=True, refs=refs)
        group = self._group()
        if group is not None:
            give_to_group(path, group, read_only=True)
        self._write(volume, mounted)
        return mounted

    def _write_again(self, volume: Volume, mounted: Mounted) -> None:
        try:
            self._write(volume, mounted)
        except (MountError, InvalidPayloadPath) as error:
            self._fail(volume, mounted, str(error))
        except OSError as error:
            self._fail(volume, mounted, error.strerror or type(error).__name__)

    def _fail(self, volume: Volume, mounted: Mounted, problem: str) -> None:
        if mounted.problem != problem:
            self._report(volume.name, problem)
        mounted.problem = problem

    def _write(self, volume: Volume, mounted: Mounted) -> None:
        payload = self._build(volume, mounted.granted)
        group = self._group()
        permissions = None
        if group is not None:
            permissions = partial(give_to_group, group=group, read_only=True)
        AtomicWriter(mounted.path).write(payload.files, permissions)
        mounted.shown = tuple(payload.shown)
        mounted.problem = ""
        self._note_granted(volume, mounted)

    def _note_granted(self, volume: Volume, mounted: Mounted) -> None:
        """Keep in mind what may be withdrawn, and tell what was."""
        sources = sources_of(self._pod, volume)
        for ref in dict.fromkeys(source.ref for source in sources):
            if not is_granted(self._objects.peek(ref)) and ref not in mounted.granted:
                continue
            found, before = self._given(ref), mounted.granted.get(ref, frozenset())
            keys = frozenset(found.data if found is not None else ())
            chosen = [{item.key for item in one.items} for one in sources if one.ref == ref]
            wanted = before if not all(chosen) else before.intersection(set[str]().union(*chosen))
            if lost := sorted(wanted - keys):
                text = f'keys of secret "{ref.name}" are no longer given: {", ".join(lost)}'
                self._withdrawn(volume.name, text)
            mounted.granted[ref] = keys

    def _given(self, ref: Ref) -> Secret | ConfigMap | None:
        return given_to(account_of(self._pod), self._objects.peek(ref))

    def _build(self, volume: Volume, withdrawable: Container[Ref] = ()) -> Payload:
        return build(
            self._pod,
            volume,
            lookup=self._given,
            made=Lookups(self._tokens.peek, self._certificates.peek, self._bundles.peek),
            node=self._node,
            withdrawable=withdrawable,
        )

    def _group(self) -> int | None:
        context = self._pod.spec.securityContext
        return context.fsGroup if context is not None else None
