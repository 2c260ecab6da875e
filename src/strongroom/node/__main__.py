"""`python -m strongroom.node`."""

import sys

from strongroom.node.main import main

if __name__ == "__main__":
    sys.exit(main())
