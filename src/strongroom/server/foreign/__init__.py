"""Reads the store of another cluster, an etcd or a snapshot of one, and writes nothing there.

A process of its own (``python -m strongroom.server.foreign``), which the command line starts and
hears on a pipe: see ``strongroom.snapshot.lines``.
"""
