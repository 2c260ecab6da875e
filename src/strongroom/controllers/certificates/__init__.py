"""Certificates on request: who gets one is decided here, and an authority signs it.

The only controllers that import `cryptography`. Private keys of authorities are held in memory by
the signers alone and appear in no log line and no object.
"""
