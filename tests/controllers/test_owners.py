"""The picture of who owns whom: what is to be looked at after which change."""

from __future__ import annotations

from dataclasses import dataclass, field

from strongroom.client.metadata import Metadata, Owner
from strongroom.controllers.owners import (
    FOREGROUND,
    ORPHAN,
    AbsentOwners,
    Graph,
    Node,
    Place,
    place_of,
)

NOW = "2026-01-01T00:00:00Z"


@dataclass
class Picture:
    """A graph, and what it asked for since the last look."""

    checks: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    invalid: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.graph = Graph(
            check=self.checks.append,
            orphan=self.orphans.append,
            check_later=self.later.append,
            invalid=self._refused,
        )

    def _refused(self, node: Node, owner: Owner) -> None:
        self.invalid.append((node.place.uid, owner.uid))

    def see(
        self, uid: str, *owners: Owner, old: Metadata | None = None, **more: object
    ) -> Metadata:
        """A ConfigMap of this uid and name, in ``ns`` unless ``namespace`` says another."""
        meta = _meta(uid, *owners, **more)
        self.graph.observe(_place(uid, meta.namespace), meta, old)
        return meta

    def asked(self) -> list[str]:
        found = sorted(set(self.checks))
        self.checks.clear()
        return found

    def is_virtual(self, uid: str) -> bool | None:
        node = self.graph.get(uid)
        return None if node is None else node.virtual


def _meta(uid: str, *owners: Owner, **more: object) -> Metadata:
    fields = {"name": uid, "namespace": "ns", "uid": uid, "ownerReferences": owners, **more}
    return Metadata(**fields)  # type: ignore[arg-type]  # of the fields' own types in each test


def _place(uid: str, namespace: str = "ns", kind: str = "ConfigMap") -> Place:
    return Place("v1", kind, namespace, uid, uid)


def ref(uid: str, *, kind: str = "ConfigMap", name: str = "", block: bool | None = None) -> Owner:
    return Owner("v1", kind, name or uid, uid, blockOwnerDeletion=block)


def test_an_owner_that_was_not_seen_is_hearsay_and_looked_for() -> None:
    picture = Picture()
    picture.see("child", ref("owner"))
    assert picture.is_virtual("owner") is True
    assert picture.asked() == ["owner"]
    picture.see("owner")
    assert picture.is_virtual("owner") is False
    assert picture.asked() == []


def test_dependents_are_looked_at_when_their_owner_goes() -> None:
    picture = Picture()
    picture.see("owner")
    picture.see("a", ref("owner"))
    picture.see("b", ref("owner"))
    assert picture.asked() == []
    picture.graph.remove(_place("owner"))
    assert picture.asked() == ["a", "b"]
    assert _place("owner") in picture.graph.absent
    assert picture.is_virtual("owner") is None


def test_an_owner_that_nobody_knows_is_forgotten_and_its_dependents_looked_at() -> None:
    picture = Picture()
    picture.see("child", ref("owner"))
    picture.asked()
    picture.graph.deny(_place("owner"))
    assert picture.is_virtual("owner") is None
    assert picture.asked() == ["child"]


def test_what_was_seen_is_not_forgotten_because_it_is_not_where_somebody_said() -> None:
    """A reference with the right uid and a wrong name must not cost the others their owner."""
    picture = Picture()
    picture.see("owner")
    picture.see("good", ref("owner"))
    picture.see("bad", ref("owner", name="other"))
    assert picture.asked() == ["bad"]
    picture.graph.deny(_place("owner")._replace(name="other"))
    assert picture.is_virtual("owner") is False
    assert picture.asked() == ["bad"]


def test_one_who_says_otherwise_is_looked_at_when_the_owner_is_seen() -> None:
    picture = Picture()
    picture.see("bad", ref("owner", kind="Secret"))
    picture.see("good", ref("owner"))
    picture.asked()
    picture.see("owner")
    assert picture.asked() == ["bad"]


def test_places_that_contradict_each_other_get_their_turn() -> None:
    """Nobody has seen the owner: each place it is said to be at is asked about."""
    picture = Picture()
    picture.see("a", ref("owner"))
    picture.see("b", ref("owner", kind="Secret"))
    picture.see("c", ref("owner", name="third", kind="Secret"))
    assert picture.asked() == ["b", "c", "owner"]
    node = picture.graph.get("owner")
    assert node is not None
    for kind, name, dependent in (
        ("ConfigMap", "owner", "a"),
        ("Secret", "owner", "b"),
        ("Secret", "third", "c"),
    ):
        assert (node.place.kind, node.place.name) == (kind, name)
        picture.graph.deny(node.place)
        assert picture.asked() == [dependent]
        assert picture.later.pop() == "owner"
    # All have been asked about; the first is next, unless its dependents have gone meanwhile.
    assert node.place.kind == "ConfigMap"


def test_references_into_another_namespace_are_told_of() -> None:
    picture = Picture()
    picture.see("owner")
    picture.see("late", ref("owner"), namespace="other")
    assert (picture.invalid, picture.asked()) == ([("late", "owner")], ["late"])
    picture.see("early", ref("second"), namespace="other")
    picture.asked()
    picture.see("second")
    assert (picture.invalid[1:], picture.asked()) == ([("early", "second")], ["early"])


def test_a_cluster_scoped_owner_may_be_named_from_anywhere() -> None:
    picture = Picture()
    picture.see("owner", namespace="")
    picture.see("a", ref("owner"))
    picture.see("b", ref("owner"), namespace="other")
    assert (picture.invalid, picture.asked()) == ([], [])


def test_a_deletion_that_waits_is_looked_at_once() -> None:
    picture = Picture()
    before = picture.see("owner")
    picture.see("child", ref("owner", block=True))
    waiting = picture.see(
        "owner", old=before, deletionTimestamp=NOW, finalizers=(FOREGROUND,), resourceVersion="2"
    )
    assert (picture.asked(), picture.later) == (["child"], ["owner"])
    picture.see("owner", old=waiting, deletionTimestamp=NOW, finalizers=(FOREGROUND,))
    assert (picture.asked(), picture.later) == ([], ["owner"])
    orphaning = picture.see("x", deletionTimestamp=NOW, finalizers=(ORPHAN,))
    picture.see("x", old=orphaning, deletionTimestamp=NOW, finalizers=(ORPHAN,))
    assert picture.orphans == ["x"]


def test_an_owner_that_waits_is_looked_at_when_a_dependent_goes_or_blocks_no_more() -> None:
    picture = Picture()
    picture.see("owner", deletionTimestamp=NOW, finalizers=(FOREGROUND,))
    node = picture.graph.get("owner")
    assert node is not None
    for uid in ("a", "b", "c"):
        picture.see(uid, ref("owner", block=True))
    assert len(node.blocking()) == 3
    picture.asked()
    picture.see("a", ref("owner", block=False))
    assert (picture.asked(), len(node.blocking())) == (["owner"], 2)
    picture.see("b")
    assert (picture.asked(), len(node.blocking())) == (["owner"], 1)
    picture.graph.remove(_place("c"))
    assert (picture.asked(), node.blocking()) == (["owner"], [])


def test_a_kind_that_is_no_longer_served_takes_no_dependents_with_it() -> None:
    picture = Picture()
    picture.see("owner", deletionTimestamp=NOW, finalizers=(FOREGROUND,))
    picture.see("lost", ref("owner", block=True))
    picture.see("child", ref("lost"))
    picture.asked()
    picture.graph.lose("lost", moved=False)
    # Who waited for it waits no longer, and what it owns is left alone.
    assert picture.asked() == ["owner"]
    assert picture.is_virtual("lost") is True
    assert picture.is_virtual("child") is False


def test_a_kind_that_goes_on_in_another_version_is_seen_again() -> None:
    picture = Picture()
    picture.see("owner")
    picture.see("child", ref("owner"))
    picture.graph.lose("owner", moved=True)
    assert (picture.is_virtual("owner"), picture.asked()) == (True, ["owner"])
    picture.graph.observe(_place("owner")._replace(api_version="v2"), _meta("owner"), None)
    # The reference names the old version: whether that is the same object, the server knows.
    assert picture.asked() == ["child"]
    assert picture.is_virtual("owner") is False


def test_only_the_last_absent_owners_are_remembered() -> None:
    absent = AbsentOwners()
    for i in range(501):
        absent.add(_place(str(i)))
    assert _place("0") not in absent
    assert _place("500") in absent


def test_places_print_as_upstream_does() -> None:
    said = str(place_of(ref("u", name="n"), "ns"))
    assert said == "[v1/ConfigMap, namespace: ns, name: n, uid: u]"
