"""What users' own tests import: a server to start, and a movable clock.

May import any part of strongroom; no part imports it.
"""
