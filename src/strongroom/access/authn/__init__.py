"""Who is asking: client certificates and tokens to a user.

Knows nothing of authorization or admission. An unproven identity raises; it is never
replaced by a guess.
"""
