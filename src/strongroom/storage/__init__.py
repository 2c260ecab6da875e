"""A revisioned store from keys to bytes: the port, its drivers and the watch cache.

Knows no kinds and no HTTP. Drivers receive bytes that are already transformed, so no driver
sees the plaintext of an encrypted kind or any key.
"""
