"""Mutating webhooks: asked one after the other, each about what the ones before it have made.

Who asked to be asked again (``reinvocationPolicy: IfNeeded``) is, once, when somebody changed the
object after its turn: another webhook, or a plugin of ours that acts on what webhooks did.
Source: ``webhook/mutating/dispatcher.go``, ``admission/reinvocation.go``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from strongroom.access.admission.matching import Target, is_exempt
from strongroom.access.admission.port import AdmissionPlugin, AdmissionRequest
from strongroom.access.admission.webhook.asking import put_question
from strongroom.access.admission.webhook.changing import (
    apply_patch_to,
    managed_fields,
    restore_managed_fields,
)
from strongroom.access.admission.webhook.choosing import Surroundings, target_for
from strongroom.access.admission.webhook.port import (
    CallingFailed,
    WebhookCaller,
    WebhookConfigurations,
    not_heard,
)
from strongroom.api.codec import encode
from strongroom.api.gotext import json_text
from strongroom.resources.admission_rules import IGNORE
from strongroom.resources.webhook import IF_NEEDED, MutatingWebhook
from strongroom.resources.webhook_configuration import MutatingWebhookConfiguration
from strongroom.telemetry import log

MUTATION = "mutation.webhook.admission.k8s.io/round_{}_index_{}"
FAILED_OPEN = "failed-open." + MUTATION

logger = logging.getLogger(__name__)

_Key = tuple[str, int]
"""A webhook: its configuration's name, and its place there."""


@dataclass(slots=True)
class _Rounds:
    """Who is to be asked again, and why."""

    changed: bool = False
    asked: set[_Key] = field(default_factory=set)
    again: set[_Key] = field(default_factory=set)

    def note_change(self) -> None:
        """The object has changed: whoever judged it before wants to see it."""
        self.changed = True
        self.again |= self.asked
        self.asked.clear()


@dataclass(frozen=True, slots=True)
class _Turn:
    """A webhook's turn: the place of it among all webhooks, in which round."""

    key: _Key
    index: int
    round: int
    configuration: str
    webhook: MutatingWebhook


class MutatingWebhooks:
    """Lets others change what is about to be stored.

    ``again`` are the plugins before this one that act once more when webhooks changed the object.
    """

    name = "MutatingAdmissionWebhook"

    def __init__(
        self,
        configurations: WebhookConfigurations,
        caller: WebhookCaller,
        around: Surroundings,
        again: Sequence[AdmissionPlugin] = (),
    ) -> None:
        self._configurations = configurations
        self._caller = caller
        self._around = around
        self._again = tuple(again)

    async def validate(self, request: AdmissionRequest) -> None:
        """Nothing more."""

    async def mutate(self, request: AdmissionRequest) -> None:
        """Ask all that are concerned, and those again who want that."""
        configurations = self._configurations.mutating()
        if not configurations or is_exempt(request):
            return
        rounds, entries = _Rounds(), managed_fields(request)
        await self._ask_all(configurations, request, rounds, 0)
        if not rounds.changed:
            return
        before = encode(request.obj)
        for plugin in self._again:
            await plugin.mutate(request)
        if encode(request.obj) != before:
            rounds.note_change()
        await self._ask_all(configurations, request, rounds, 1)
        restore_managed_fields(request, entries)

    async def _ask_all(
        self,
        configurations: Sequence[MutatingWebhookConfiguration],
        request: AdmissionRequest,
        rounds: _Rounds,
        number: int,
    ) -> None:
        index = -1
        for configuration in configurations:
            name = configuration.metadata.name
            for place, webhook in enumerate(configuration.webhooks):
                index += 1
                turn = _Turn((name, place), index, number, name, webhook)
                if number and turn.key not in rounds.again:
                    continue
                target = await target_for(webhook, request, self._around)
                if target is not None:
                    await self._take_turn(turn, request, target, rounds)

    async def _take_turn(
        self, turn: _Turn, request: AdmissionRequest, target: Target, rounds: _Rounds
    ) -> None:
        webhook, changed = turn.webhook, False
        try:
            answer = await put_question(webhook, request, target, self._caller)
            changed = apply_patch_to(request, target, webhook.name, answer)
        except CallingFailed as failure:
            if webhook.failurePolicy != IGNORE:
                raise not_heard(webhook.name, failure) from failure
            request.annotate(FAILED_OPEN.format(turn.round, turn.index), webhook.name)
            log(logger, logging.WARNING, "webhook failed open", webhook=webhook.name)
        finally:
            told = {
                "configuration": turn.configuration,
                "webhook": webhook.name,
                "mutated": changed,
            }
            request.annotate(MUTATION.format(turn.round, turn.index), json_text(told))
        if changed:
            rounds.note_change()
        if webhook.reinvocationPolicy == IF_NEEDED:
            rounds.asked.add(turn.key)
