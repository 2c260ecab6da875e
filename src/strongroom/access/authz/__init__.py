"""May this user do this: authorizers over request attributes.

Deny is the zero value. Sees the request's attributes, never its body, and knows nothing of
how the user was authenticated.
"""
