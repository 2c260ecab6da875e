"""Get, list, create, update, patch, delete and watch for any kind, over a store.

The one place where storage errors become API Status errors. Knows no HTTP and nothing of who
is asking: whether a request may proceed is `strongroom.access`'s matter.
"""
