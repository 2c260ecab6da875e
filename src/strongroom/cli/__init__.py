"""The `strongroom` command: one command per file.

Must start fast: heavy imports live inside the commands that need them. Imports no server-side
package; `strongroom up` starts the parts as processes.
"""
