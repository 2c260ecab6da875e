"""What stands for a value on a screen."""

import re

from strongroom.cli.secret.fingerprint import Fingerprints


def test_a_fingerprint_tells_values_apart_within_one_invocation_only() -> None:
    here, elsewhere = Fingerprints(), Fingerprints()
    assert re.fullmatch("[0-9a-f]{8}", here.of(b"hunter2"))
    assert here.of(b"hunter2") == here.of(b"hunter2") != here.of(b"hunter3")
    assert here.of(b"hunter2") != elsewhere.of(b"hunter2")
