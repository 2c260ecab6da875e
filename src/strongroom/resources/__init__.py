"""One file per kind: its schema, defaults, validation, behaviour and columns.

Imports `strongroom.api` only. No I/O, no storage, no HTTP: a kind can be read, and tested,
without anything running.
"""
