"""Which names a definition gets, and what is said of it."""

from __future__ import annotations

import pytest

from strongroom.api.meta import ObjectMeta
from strongroom.resources.crd_conditions import accept_names, same_conditions
from strongroom.resources.crd_names import APPROVED
from strongroom.resources.crd_object import (
    CustomResourceDefinition,
    CustomResourceDefinitionNames,
    CustomResourceDefinitionSpec,
    condition,
)

NOW, LATER = "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z"


def names(
    plural: str = "crontabs", kind: str = "CronTab", *short: str
) -> CustomResourceDefinitionNames:
    return CustomResourceDefinitionNames(
        plural=plural,
        singular=kind.lower(),
        kind=kind,
        listKind=f"{kind}List",
        shortNames=list(short),
    )


def crd(
    wanted: CustomResourceDefinitionNames, group: str = "x.example"
) -> CustomResourceDefinition:
    return CustomResourceDefinition(
        metadata=ObjectMeta(name=f"{wanted.plural}.{group}"),
        spec=CustomResourceDefinitionSpec(group=group, names=wanted),
    )


def told(obj: CustomResourceDefinition, type_: str) -> tuple[str, str, str]:
    found = condition(obj, type_)
    assert found is not None
    return found.status, found.reason, found.message


def test_free_names_are_accepted_and_the_definition_is_established() -> None:
    obj = crd(names())
    accept_names(obj, [names("others", "Other")], NOW)
    assert obj.status.acceptedNames == names()
    assert told(obj, "NamesAccepted") == ("True", "NoConflicts", "no conflicts found")
    assert told(obj, "Established")[0] == "True"


@pytest.mark.parametrize(
    ("taken", "reason", "message"),
    [
        (names("crontabs", "Other"), "PluralConflict", '"crontabs" is already in use'),
        (names("crontab", "Other"), "SingularConflict", '"crontab" is already in use'),
        (names("others", "Other", "crontabs"), "PluralConflict", '"crontabs" is already in use'),
        (names("others", "Other", "ct"), "ShortNamesConflict", '"ct" is already in use'),
        (
            names("others", "Other", "ct", "cr"),
            "ShortNamesConflict",
            '["ct" is already in use, "cr" is already in use]',
        ),
        (
            CustomResourceDefinitionNames(plural="others", kind="CronTab"),
            "KindConflict",
            '"CronTab" is already in use',
        ),
        (
            CustomResourceDefinitionNames(plural="others", kind="CronTabList"),
            "ListKindConflict",
            '"CronTabList" is already in use',
        ),
    ],
)
def test_names_of_others_are_not_given(
    taken: CustomResourceDefinitionNames, reason: str, message: str
) -> None:
    obj = crd(names("crontabs", "CronTab", "ct", "cr"))
    accept_names(obj, [taken], NOW)
    assert told(obj, "NamesAccepted") == ("False", reason, message)
    assert told(obj, "Established") == ("False", "NotAccepted", "not all names are accepted")


def test_who_is_established_stays_so_with_the_names_it_had() -> None:
    obj = crd(names("crontabs", "CronTab", "ct"))
    accept_names(obj, [], NOW)
    obj.spec.names = names("crontabs", "CronTab", "bk")
    accept_names(obj, [names("backups", "Backup", "bk")], LATER)
    assert obj.status.acceptedNames.shortNames == ["ct"]
    assert told(obj, "NamesAccepted")[0] == "False"
    assert told(obj, "Established")[0] == "True"
    changed = {c.type: c.lastTransitionTime for c in obj.status.conditions}
    assert changed == {"NamesAccepted": LATER, "Established": NOW}


def test_nothing_new_is_nothing_to_store() -> None:
    obj = crd(names())
    accept_names(obj, [], NOW)
    conditions, accepted = list(obj.status.conditions), obj.status.acceptedNames
    accept_names(obj, [], LATER)
    assert same_conditions(obj, conditions, accepted)


@pytest.mark.parametrize(
    ("annotation", "status", "reason"),
    [
        ("", "False", "MissingAnnotation"),
        ("no url", "False", "InvalidAnnotation"),
        ("unapproved, for a while", "False", "UnapprovedAnnotation"),
        ("https://example.com/pull/1", "True", "ApprovedAnnotation"),
    ],
)
def test_groups_of_kubernetes_are_told_about_their_approval(
    annotation: str, status: str, reason: str
) -> None:
    obj = crd(names(), group="x.k8s.io")
    obj.metadata.annotations = {APPROVED: annotation}
    accept_names(obj, [], NOW)
    assert told(obj, "KubernetesAPIApprovalPolicyConformant")[:2] == (status, reason)
