"""What users' own tests import: a server to start, a movable clock, a memory store.

May import any part of strongroom; no part imports it.
"""
