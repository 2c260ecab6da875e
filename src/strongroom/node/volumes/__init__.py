"""The volumes of pods: what files each one holds, and keeping them current.

``payload.py`` says which files a source projects (no I/O); ``manager.py`` writes them for one pod.
"""
