"""Judging writes by policies in CEL: ValidatingAdmissionPolicy and its bindings."""
