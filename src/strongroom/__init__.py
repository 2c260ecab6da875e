"""The Kubernetes Secrets system as one package.

This module imports nothing, so that `strongroom --help` starts at once.
"""

__version__ = "0.1.0"
