"""Is this object acceptable: judges, and may change, an object before it is stored.

Runs after authorization on decoded objects, inside the compare-and-swap loop on updates.
Knows nothing of how the user was authenticated or authorized.
"""
