"""Audit as the settings want it: a policy is read, and where it wants bodies, so is their key."""

from __future__ import annotations

from strongroom.api.clock import Clock
from strongroom.server.audit.policy import LEVELS, Judging, Level
from strongroom.server.audit.policy_file import load_policy
from strongroom.server.audit.policy_options import AuditPolicyOptions
from strongroom.server.audit.record import Audit
from strongroom.server.audit.sink import Sink
from strongroom.storage.port import Store


async def make_audit(options: AuditPolicyOptions, sink: Sink, store: Store, clock: Clock) -> Audit:
    """What makes the events. Raises BadFile, and StoreError."""
    if options.audit_policy_file is None:
        return Audit(sink, clock)
    policy = load_policy(options.audit_policy_file)
    judging = Judging(policy, secrets_always=options.audit_secrets_always)
    if all(LEVELS[rule.level] < Level.REQUEST for rule in policy.rules):
        return Audit(sink, clock, judging)
    # Few policies want bodies; what makes them is loaded for those alone.
    from strongroom.server.audit.bodies import Bodies
    from strongroom.server.audit.redaction import Redaction
    from strongroom.server.audit.values_key import values_key

    return Audit(sink, clock, judging, Bodies(Redaction(await values_key(store))))
