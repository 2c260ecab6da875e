"""Manifests whose values only some can read: by files' formats of others, written by us.

What is here turns a Secret, as the tree of its manifest, into a tree that may lie in a repository.
It knows no files and no servers.
"""
