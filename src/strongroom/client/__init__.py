"""The asynchronous API client: requests, watches, informers, the work queue.

Speaks the Kubernetes API to any server. Imports nothing of the server side.
"""
