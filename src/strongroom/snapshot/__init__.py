"""Snapshot files of etcd, read as they lie: ``bolt`` knows the file, ``keys`` what is in it.

Reads only, and imports nothing else of strongroom: a file of others is judged here, byte by byte,
before anything else sees what it holds. ``lines`` is how the process that reads tells of it.
"""
