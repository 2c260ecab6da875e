"""Every kind of rule: what it fires at, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.registry.continuation import following
from strongroom.server.alerts.defaults import DEFAULT_RULES, rules_in_force
from strongroom.server.alerts.policy_file import Match, Rule
from tests.server.alerts.lines import DAY, HOUR, Around, Watch

MANY = Rule(name="many", type="ManySecretsRead", threshold=3, window="1m")
FIRST = Rule(name="first", type="FirstRead", learning="0", youth="1h")
EVERYWHERE = Rule(name="everywhere", type="ListAcrossNamespaces")
REFUSED = Rule(name="refused", type="RepeatedRefusals", threshold=3, window="1m")
ANYTHING = Rule(
    name="anything", type="RepeatedRefusals", refused="Anything", threshold=3, window="1m"
)
UNKNOWN = Rule(
    name="unknown", type="RepeatedRefusals", refused="Credentials", threshold=3, window="1m"
)
TOKEN = Rule(name="token", type="TokenFromNewAddress", learning="0")
ACTING = Rule(name="acting", type="ImpersonatedRead")
OTHERS = Rule(name="others", type="TokenForAnother")
WHOLE = Rule(name="whole", type="WholeStoreRead")
BACKUP: dict[str, Any] = {"path": "/strongroom/v1alpha1/backup", "resource": "", "name": ""}
ROBOT = "system:serviceaccount:shop:robot"
NODE: dict[str, Any] = {"user": "system:node:n1", "groups": ("system:nodes",)}

PAGE_AFTER_A, PAGE_AFTER_B = (
    following(f"/secrets/shop/{name}", 7).encode("/secrets/shop/") for name in "ab"
)

Step = dict[str, Any]
FIRES: dict[str, tuple[Rule, list[Step]]] = {
    "many by name": (MANY, [{"name": n} for n in "abc"]),
    "many by list": (MANY, [{"verb": "list", "name": "", "values": "3"}]),
    "many by list and name": (
        MANY,
        [{"verb": "list", "name": "", "values": "2"}, {"name": "x", "namespace": "other"}],
    ),
    "many by pages": (
        MANY,
        [
            {"verb": "list", "name": "", "query": f"?limit=1&continue={token}"}
            for token in ("", PAGE_AFTER_A, PAGE_AFTER_B)
        ],
    ),
    "many by selectors": (
        MANY,
        [{"verb": "list", "name": "", "query": f"?labelSelector=app%3D{n}"} for n in "abc"],
    ),
    "many by names after one short page": (
        MANY,
        [{"verb": "list", "name": "", "query": "?limit=1"}, {"name": "b"}, {"name": "c"}],
    ),
    "many by names after a list that cannot be told": (
        MANY,
        [
            {"verb": "list", "name": "", "query": "?a=...TRUNCATED"},
            {"name": "b"},
            {"name": "c"},
        ],
    ),
    "many by watch": (MANY, [{"verb": "watch", "name": "", "stage": "ResponseStarted"}]),
    "many by patches": (MANY, [{"verb": "patch", "name": n} for n in "abc"]),
    "many of history": (MANY, [{"resource": "secrets", "name": n} for n in "abc"]),
    "a backup": (WHOLE, [BACKUP | {"query": "?a=b"}]),
    "first": (FIRST, [{}]),
    "first after a dry run": (FIRST, [{"verb": "update", "query": "?dryRun=All"}, {}]),
    "first list": (FIRST, [{}, {"verb": "list", "name": "", "values": "2"}]),
    "everywhere": (EVERYWHERE, [{"verb": "list", "name": "", "namespace": "", "values": "9"}]),
    "everywhere by watch": (
        EVERYWHERE,
        [{"verb": "watch", "name": "", "namespace": "", "stage": "ResponseStarted"}],
    ),
    "everywhere by watch of which only the end is told": (
        EVERYWHERE,
        [{"verb": "watch", "name": "", "namespace": ""}],
    ),
    "refused": (REFUSED, [{"code": 403}] * 3),
    "refused anything": (ANYTHING, [{"code": 403, "resource": "pods"}] * 3),
    "unknown": (UNKNOWN, [{"code": 401, "user": ""}] * 3),
    "unknown in one network": (
        UNKNOWN,
        [{"code": 401, "user": "", "address": f"2001:db8::{i}"} for i in range(3)],
    ),
    "token": (
        TOKEN,
        [{"token": "t", "user": ROBOT}, {"token": "t", "user": ROBOT, "address": "9.9.9.9"}],
    ),
    "acting": (ACTING, [{"acting": "bob"}]),
    "others": (
        OTHERS,
        [{"verb": "create", "resource": "serviceaccounts", "subresource": "token", "code": 201}],
    ),
}  # fmt: skip - one case a line
QUIET: dict[str, tuple[Rule, list[Step]]] = {
    "a backup that was refused": (WHOLE, [BACKUP | {"code": 403}]),
    "another path": (WHOLE, [BACKUP | {"path": "/strongroom/v1alpha1/backups"}]),
    "many the same": (MANY, [{"name": "a"}] * 5),
    "many below": (MANY, [{"name": "a"}, {"name": "b"}]),
    "many by many": (MANY, [{"name": n, "user": f"user-{n}"} for n in "abc"]),
    "many made": (MANY, [{"verb": "create", "name": n, "code": 201} for n in "abc"]),
    "many written": (MANY, [{"verb": "update", "name": n} for n in "abc"]),
    "many without values": (MANY, [{"name": n, "values": ""} for n in "abc"]),
    "many refused": (MANY, [{"name": n, "code": 403} for n in "abc"]),
    "the same page": (
        MANY,
        [{"verb": "list", "name": "", "query": f"?limit=1&continue={PAGE_AFTER_A}"}] * 5,
    ),
    "a page with room for more, and then by name": (
        MANY,
        [{"verb": "list", "name": "", "values": "2", "query": "?limit=500"}, {"name": "a"}],
    ),
    "listed and then read by name": (
        MANY,
        [{"verb": "list", "name": "", "values": "2"}, {"name": "a"}, {"name": "b"}],
    ),
    "read by name and then listed": (
        MANY,
        [{"name": "a"}, {"name": "b"}, {"verb": "list", "name": "", "values": "2"}],
    ),
    "first by who made it": (FIRST, [{"verb": "create", "code": 201}, {}]),
    "first by who could read all": (
        Rule(name="first", type="FirstRead", learning="0", only=[Match(verbs=["get"])]),
        [{"verb": "list", "name": "", "values": ""}],
    ),
    "a namespace is no other": (
        EVERYWHERE,
        [{"verb": "list", "name": "", "values": "9"}],
    ),
    "a list of metadata": (
        EVERYWHERE,
        [{"verb": "list", "name": "", "namespace": "", "values": ""}],
    ),
    "refused others": (REFUSED, [{"code": 403, "resource": "pods"}] * 3),
    "refused as unknown": (REFUSED, [{"code": 401, "user": ""}] * 3),
    "unknown elsewhere": (
        UNKNOWN,
        [{"code": 401, "user": "", "address": f"10.0.0.{i}"} for i in range(3)],
    ),
    "not found": (ANYTHING, [{"code": 404}] * 3),
    "token once": (TOKEN, [{"token": "t", "user": ROBOT}] * 3),
    "acting without values": (ACTING, [{"acting": "bob", "values": ""}]),
    "a token of their own": (
        OTHERS,
        [
            {
                "verb": "create",
                "resource": "serviceaccounts",
                "subresource": "token",
                "name": "robot",
                "user": ROBOT,
                "code": 201,
            }
        ],
    ),
}


def last(rule: Rule, steps: list[Step], around: Around | None = None) -> tuple[Watch, list[str]]:
    """What the last step fires; those before must fire nothing else."""
    watch = Watch(rule, around=around)
    fired: list[str] = []
    for step in steps:
        fired = watch.see(**step)
    return watch, fired


@pytest.mark.parametrize("case", FIRES)
def test_a_rule_fires_at_its_threshold_and_not_before(case: str) -> None:
    rule, steps = FIRES[case]
    watch, fired = last(rule, steps)
    assert fired == [rule.name]
    spec = watch.told[rule.name]
    assert (spec.type, spec.severity) == (rule.type, "medium")
    assert spec.message
    assert 1 <= spec.count <= len(steps)
    if rule.threshold > 1 and len(steps) == rule.threshold:
        assert spec.count == len(spec.auditIDs) == len(steps)
        assert last(rule, steps[:-1])[1] == []


@pytest.mark.parametrize("case", QUIET)
def test_what_is_usual_fires_nothing(case: str) -> None:
    assert last(*QUIET[case])[0].told == {}


@pytest.mark.parametrize("case", [c for c in FIRES if FIRES[c][0].threshold > 1])
def test_what_is_older_than_the_window_does_not_count(case: str) -> None:
    rule, steps = FIRES[case]
    if len(steps) < 3:
        return
    watch = Watch(rule)
    for step in steps * 3:
        watch.clock.advance(31)  # So at most two of them are within a minute.
        assert watch.see(**step) == []


@pytest.mark.parametrize("case", FIRES)
@pytest.mark.parametrize(
    "match",
    [
        Match(users=["ja*", "system:serviceaccount:*", ""]),
        Match(verbs=["*"], userAgents=["kube*"]),
        Match(addresses=["0.0.0.0/0", "::/0"]),
    ],
)
def test_who_is_excepted_fires_nothing(case: str, match: Match) -> None:
    rule, steps = FIRES[case]
    spared = Rule(**{f: getattr(rule, f) for f in rule.__struct_fields__} | {"exceptions": [match]})
    assert last(spared, steps)[0].told == {}
    chosen = Rule(**{f: getattr(rule, f) for f in rule.__struct_fields__} | {"only": [match]})
    assert last(chosen, steps)[1] == [rule.name]


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        (Match(groups=["dev*"]), True),
        (Match(groups=["ops"]), False),
        (Match(namespaces=["shop"], secrets=["d?"]), True),
        (Match(namespaces=["shop"], secrets=["x*"]), False),
        (Match(named=True), True),
        (Match(named=False), False),
        (Match(addresses=["10.0.0.0/30"]), True),
        (Match(addresses=["10.1.0.0/16"]), False),
        (Match(users=["jane"], verbs=["list"]), False),
    ],
)
def test_all_that_a_match_says_must_fit(match: Match, fits: bool) -> None:
    rule = Rule(name="first", type="FirstRead", learning="0", only=[match])
    assert last(rule, [{}])[1] == (["first"] if fits else [])


def test_an_incident_is_one_alert_that_grows_until_it_is_over() -> None:
    watch = Watch(REFUSED)
    fired = [watch.see(code=403, name=f"s{i}") for i in range(5)]
    assert fired == [[], [], ["refused"], ["refused"], ["refused"]]
    spec = watch.told["refused"]
    assert (spec.count, spec.secretCount, len(spec.auditIDs)) == (5, 5, 5)
    first = spec.incident
    watch.clock.advance(HOUR - 1)
    assert watch.see(code=403) == ["refused"]
    assert watch.told["refused"] is spec
    watch.clock.advance(HOUR + 1)
    assert watch.see(code=403) == []
    watch.see(code=403)
    assert watch.see(code=403) == ["refused"]
    again = watch.told["refused"]
    assert again is not spec
    assert (again.count, again.incident) == (3, first)


def test_an_incident_without_end_is_told_anew_after_a_day() -> None:
    watch = Watch(EVERYWHERE)
    told = set()
    for _ in range(60):
        watch.clock.advance(HOUR / 2)
        watch.see("list", "", namespace="", values="9")
        told.add(id(watch.told["everywhere"]))
    assert len(told) == 2


def test_first_reads_are_learned_at_first_and_of_new_secrets() -> None:
    rule = Rule(name="first", type="FirstRead", learning="24h", youth="1h")
    watch = Watch(rule)
    assert watch.see() == []
    watch.clock.advance(DAY + 1)
    assert watch.see() == []
    assert watch.see(name="other") == ["first"]
    assert watch.see(name="other") == []
    assert watch.told["first"].secrets[0].name == "other"
    young = Watch(FIRST, around=Around(age=10 * 60))
    assert young.see() == []
    # Who may list all of a namespace reads none of it for the first time.
    watch = Watch(FIRST)
    assert watch.see("list", "", values="2") == ["first"]
    assert watch.see(name="unread") == []
    assert watch.see(name="unread", user="bob") == ["first"]


def test_a_token_is_known_by_its_secret_and_network() -> None:
    watch = Watch(TOKEN)
    given = {"user": ROBOT, "token": "t", "resource": "pods", "verb": "list"}
    assert watch.see(**given, address="2001:db8::1") == []
    assert watch.see(**given, address="2001:db8::2") == []
    assert watch.see(**given, address="10.9.9.9") == ["token"]
    spec = watch.told["token"]
    assert [(s.namespace, s.name) for s in spec.secrets] == [("shop", "t")]
    assert spec.message == (
        "the token in Secret shop/t was used from 10.9.9.9, where it was never used before"
    )
    other = given | {"token": "u"}
    assert watch.see(**other, address="10.9.9.9") == []


def test_evidence_says_who_what_when_how_and_by_what() -> None:
    watch = Watch(MANY)
    watch.see(name="a", audit_id="id-a", acting="bob", reason="RBAC: one")
    watch.clock.advance(10)
    watch.see(name="b", audit_id="id-b", address="10.0.0.2", agent="curl", reason="RBAC: two")
    watch.clock.advance(10)
    assert watch.see("list", "", audit_id="id-c", values="7") == ["many"]
    spec = watch.told["many"]
    user = spec.user
    assert (user.name, user.groups, user.actingAs) == ("jane", ["devs"], ["bob"])
    assert (user.addresses, user.userAgents) == (["10.0.0.1", "10.0.0.2"], ["kubectl", "curl"])
    assert [(s.namespace, s.name) for s in spec.secrets] == [("shop", n) for n in ("a", "b", "")]
    assert (spec.verbs, spec.codes, spec.count) == (["get", "list"], [200], 3)
    # Two of the seven were read by name before.
    assert spec.secretCount == 7
    assert spec.reasons == ["RBAC: one", "RBAC: two", "RBAC: allowed"]
    assert spec.auditIDs == ["id-a", "id-b", "id-c"]
    assert spec.firstTime == "2026-01-01T00:00:00.000000Z"
    assert spec.lastTime == "2026-01-01T00:00:20.000000Z"
    assert spec.message == "jane read many Secrets: 7 (3 within 1m are many)"


def test_one_secret_that_nobody_may_read_is_named() -> None:
    watch = Watch(Rule(name="crown", type="ManySecretsRead", threshold=1))
    assert watch.see(name="card") == ["crown"]
    assert watch.told["crown"].message == "jane read shop/card"


def test_nodes_may_read_by_name_and_are_seen_when_they_list() -> None:
    watch = Watch(*DEFAULT_RULES)
    watch.clock.advance(2 * DAY)
    for i in range(100):
        assert watch.see(name=f"s{i}", **NODE) == []
    assert watch.see("list", "", namespace="", values="90", **NODE) != []
    assert sorted(watch.told) == ["all-namespaces", "first-read", "many-secrets"]


def test_a_rule_of_a_default_rules_name_replaces_it() -> None:
    mine = Rule(name="many-secrets", type="ManySecretsRead", threshold=5)
    off = Rule(name="first-read", type="FirstRead", enabled=False)
    rules = rules_in_force([mine, off], defaults=True)
    assert mine in rules
    names = [rule.name for rule in rules]
    assert len(names) == len(set(names)) == len(DEFAULT_RULES) - 1
    assert rules_in_force([mine], defaults=False) == [mine]
