"""The roles and bindings that every cluster has, as upstream's bootstrap policy lists them.

Contents: ``plugin/pkg/auth/authorizer/rbac/bootstrappolicy``, with what its feature gates add that
are on in Kubernetes 1.37. Roles for kinds that are not served stand here too: whoever binds one
finds the same as in any cluster.
"""
