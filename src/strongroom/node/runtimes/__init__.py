"""What runs the containers of a pod: the port (`port.py`) and the runtimes behind it.

Nothing here speaks the Kubernetes API; the pod sync above turns a Pod into `ContainerSpec`s.
`launcher.py`, `rootfs.py`, `credentials.py` and `linux.py` run at every container's start, so this
package's own `__init__` imports nothing.
"""
