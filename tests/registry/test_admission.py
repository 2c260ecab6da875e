"""The registry's idea of an admission request is that of ``access.admission``."""

from __future__ import annotations

import dataclasses

from strongroom.access.admission.port import AdmissionRequest
from strongroom.registry.admission import Write


def test_a_write_has_the_fields_of_an_admission_request() -> None:
    ours = [field.name for field in dataclasses.fields(Write)]
    theirs = [field.name for field in dataclasses.fields(AdmissionRequest)]
    assert ours[: len(theirs)] == theirs
    assert len(ours) == len(theirs)
