"""Transformers from bytes to bytes that encrypt values at rest.

The lowest layer of storage: imports no other part of it, performs no storage I/O. Failed
decryption raises; it never returns a flag or partial plaintext.
"""
