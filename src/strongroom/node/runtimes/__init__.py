"""Ways to run a pod's containers behind the node agent's runtime port.

A runtime starts, watches and stops containers; it speaks to no API server.
"""
