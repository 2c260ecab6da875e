"""Bounds of the engine and of its memory, and what it makes of odd lines."""

from __future__ import annotations

import msgspec
import pytest

from strongroom.resources.secretalert import SecretAlert
from strongroom.server.alerts.engine import MOST_INCIDENTS, QUIET
from strongroom.server.alerts.memory import PARTS, Memory
from strongroom.server.alerts.policy_file import Rule
from strongroom.server.alerts.windows import MOST_KEYS, Windows
from tests.server.alerts.lines import DAY, Watch, event

MANY = Rule(name="many", type="ManySecretsRead", threshold=3, window="1m")
FIRST = Rule(name="first", type="FirstRead", learning="0")
EVERYWHERE = Rule(name="everywhere", type="ListAcrossNamespaces")


@pytest.mark.parametrize("line", [b"", b"\n", b"{", b"[]", b'{"user": 1}', b"\xff\n", b"null"])
def test_what_is_no_event_is_left_out(line: bytes) -> None:
    watch = Watch(MANY)
    for name in "ab":
        watch.see(name=name)
    watch.engine.feed([line])
    assert watch.see(name="c") == ["many"]


def test_a_watch_counts_once_when_it_begins() -> None:
    watch = Watch(EVERYWHERE)
    given = {"namespace": "", "audit_id": "w"}
    assert watch.see("watch", "", stage="RequestReceived", **given) == []
    assert watch.see("watch", "", stage="ResponseStarted", **given) == ["everywhere"]
    assert watch.see("watch", "", stage="ResponseComplete", **given) == []
    assert watch.told["everywhere"].count == 1


def test_reads_of_the_same_secret_count_once_in_a_while() -> None:
    watch = Watch(Rule(name="acting", type="ManySecretsRead", threshold=1))
    for _ in range(3):
        watch.see()
    assert watch.told["acting"].count == 1
    watch.see(address="10.9.9.9")
    watch.clock.advance(QUIET)
    watch.see()
    assert watch.told["acting"].count == 3


@pytest.mark.parametrize(
    ("rule", "given"),
    [
        (Rule(name="r", type="RepeatedRefusals", threshold=3), {"code": 403}),
        (Rule(name="r", type="ImpersonatedRead", threshold=3), {"acting": "root"}),
        (EVERYWHERE, {"verb": "list", "name": "", "namespace": ""}),
    ],
)
def test_an_audit_id_that_the_client_chose_hides_no_request(
    rule: Rule, given: dict[str, str]
) -> None:
    watch = Watch(msgspec.structs.replace(rule, threshold=3))
    told = [watch.see(audit_id="always-the-same", **given) for _ in range(3)]
    assert told == [[], [], [rule.name]]


def test_many_users_do_not_fill_the_memory() -> None:
    watch = Watch(MANY, EVERYWHERE)
    for i in range(MOST_KEYS + 500):
        watch.see(name="a", user=f"user-{i}")
    (windows,) = [w for n, w in watch.engine._windows.items() if n == "many"]
    assert len(windows) == MOST_KEYS
    for i in range(MOST_INCIDENTS + 500):
        watch.see("list", "", namespace="", values="1", user=f"user-{i}")
    assert len(watch.engine._going_on) == MOST_INCIDENTS


def test_a_window_forgets_keys_that_were_not_seen_for_longest() -> None:
    windows: Windows[str] = Windows(most=2)
    first = windows.of("a")
    windows.of("b")
    assert windows.of("a") is first
    windows.of("c")
    assert windows.of("a") is first
    assert len(windows) == 2


def test_evidence_has_bounds() -> None:
    watch = Watch(EVERYWHERE)
    for i in range(100):
        given = {"address": f"10.0.0.{i}", "agent": "x" * 5000, "reason": f"{i}" * 500}
        watch.see("list", "", namespace="", values="1", audit_id=f"id-{i}", **given)
    spec = watch.told["everywhere"]
    assert spec.count == 100
    assert spec.auditIDs == [f"id-{i}" for i in (*range(10), *range(90, 100))]
    assert len(spec.user.addresses) == len(spec.reasons) == 10
    assert spec.user.userAgents == ["x" * 256]


def test_new_rules_keep_what_stays_the_same() -> None:
    watch = Watch(MANY, EVERYWHERE)
    for name in "ab":
        watch.see(name=name)
    watch.engine.use([MANY])
    assert watch.see(name="c") == ["many"]
    watch.clock.advance(2 * DAY)
    for name in "ab":
        watch.see(name=name)
    watch.engine.use([Rule(name="many", type="ManySecretsRead", threshold=3, window="2m")])
    assert watch.see(name="c") == []


def test_an_incident_that_was_told_of_goes_on_after_a_restart() -> None:
    watch = Watch(EVERYWHERE)
    given = {"namespace": "", "values": "3"}
    watch.see("list", "", audit_id="one", **given)
    alert = SecretAlert(spec=watch.told["everywhere"])
    alert.metadata.name = "everywhere-1"
    again = Watch(EVERYWHERE)
    again.engine.resume([alert])
    again.see("list", "", audit_id="two", **given)
    spec = again.told["everywhere"]
    assert (spec.count, spec.auditIDs) == (2, ["one", "two"])
    # But not when it is over.
    late = Watch(EVERYWHERE)
    late.clock.advance(DAY)
    late.engine.resume([alert])
    late.see("list", "", audit_id="three", **given)
    assert late.told["everywhere"].auditIDs == ["three"]


def test_what_is_usual_is_known_after_a_restart_in_small_parts() -> None:
    watch = Watch(FIRST)
    assert watch.see() == ["first"]
    parts = dict(watch.memory.parts())
    assert len(parts) == 1
    assert list(watch.memory.parts()) == []
    (content,) = parts.values()
    assert len(content) == 10
    assert b"jane" not in content
    known = Memory()
    known.load([content, b"x"])
    assert Watch(FIRST, memory=known).see() == []
    assert Watch(FIRST, memory=known).see(user="bob") == ["first"]


def test_the_memory_has_a_bound_and_forgets_the_oldest() -> None:
    memory = Memory(most=3)
    for day, word in enumerate("abcd"):
        memory.learn(day * DAY, word)
    assert len(memory) == 3
    assert not memory.knows(4 * DAY, "a")
    assert memory.knows(4 * DAY, "b")
    # What is seen again a week later is kept longer than what is not.
    assert memory.knows(10 * DAY, "b")
    memory.learn(10 * DAY, "e")
    assert memory.knows(10 * DAY, "b")
    assert not memory.knows(10 * DAY, "c")
    written = Memory(most=2)
    parts = [content for _, content in memory.parts()]
    assert len(parts) <= PARTS
    written.load(parts)
    assert [word for word in "abcde" if written.knows(10 * DAY, word)] == ["b", "e"]


def test_an_event_takes_no_value_along() -> None:
    """A body at level RequestResponse is in the line, and nothing of it in what is told."""
    watch = Watch(MANY)
    for name in "abc":
        line = event(watch.clock, name=name)
        body = b'"responseObject":{"data":{"password":"canary"}},"user"'
        watch.engine.feed([line.replace(b'"user"', body, 1)])
    (spec,) = watch.changed()
    text = repr([getattr(spec, field) for field in spec.__struct_fields__])
    assert "canary" not in text
