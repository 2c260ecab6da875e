"""What a server does once: that its start outlasts a store which gives no answer for a moment."""

from __future__ import annotations

import pytest

from strongroom.api.errors import GroupResource, StatusError, internal_error
from strongroom.registry.errors import status_of
from strongroom.server.duties import Duties
from strongroom.server.ground import StartError, start_errors
from strongroom.storage.errors import NoSpace, StoreUnavailable

ROLES = GroupResource("rbac.authorization.k8s.io", "clusterroles")


class Disturbed(Duties):
    """Meets one error after another where it makes what every cluster has."""

    def __init__(self, *errors: StatusError) -> None:
        self.left = list(errors)

    async def _ensure(self, *more: object) -> None:
        for roles in more:
            roles.close()  # type: ignore[attr-defined]  # a coroutine that nobody awaits
        if self.left:
            raise self.left.pop(0)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strongroom.server.duties.PAUSE", 0.0)
    monkeypatch.setattr(Disturbed, "_kinds", None, raising=False)
    monkeypatch.setattr(Disturbed, "_clock", None, raising=False)


def unanswered() -> StatusError:
    return status_of(StoreUnavailable("etcd has no leader"), ROLES, "create", "edit")


async def test_a_start_goes_on_when_the_store_answers_again() -> None:
    duties = Disturbed(unanswered(), StatusError(409, "Conflict", "changed"), unanswered())
    await duties.prepare()
    assert not duties.left


async def test_a_store_that_never_answers_or_refuses_ends_the_start() -> None:
    with pytest.raises(StatusError, match="try again"):
        await Disturbed(*(unanswered() for _ in range(20))).prepare()
    duties = Disturbed(internal_error("no space"), unanswered())
    with pytest.raises(StatusError, match="no space"):
        await duties.prepare()
    assert len(duties.left) == 1


@pytest.mark.parametrize("cause", [StoreUnavailable("etcd has no leader"), NoSpace("disk full")])
def test_the_person_who_started_it_is_told_what_the_store_says(cause: StoreUnavailable) -> None:
    told = status_of(cause, ROLES, "create", "edit")
    told.__cause__ = cause
    with pytest.raises(StartError, match=str(cause)), start_errors():
        raise told
