"""Says, before `make venv` starts, what this Python lacks and how to get it.

Runs under whatever `python3` is, so it uses nothing that an old Python 3 would not parse.
"""

import sys

NEEDED = (3, 11)


def problem() -> str:
    """What stops this interpreter from making the environment; empty when nothing does."""
    if sys.version_info < NEEDED:
        have = ".".join(str(part) for part in sys.version_info[:3])
        return (
            "strongroom needs Python 3.11 or newer; this one is "
            + have
            + " ("
            + sys.executable
            + ").\n"
            "Name another with: make PYTHON=python3.12 venv"
        )
    try:
        import ensurepip  # noqa: F401 - only whether it is there matters
        import venv  # noqa: F401 - only whether it is there matters
    except ImportError:
        return (
            "This Python has no venv module. On Debian and Ubuntu it is a package of its own:\n"
            "    apt-get install python3-venv"
        )
    return ""


if __name__ == "__main__":
    found = problem()
    if found:
        sys.exit(found)
