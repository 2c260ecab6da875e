"""``python -m strongroom.server``: the API server alone."""

import sys

from strongroom.server.main import main

if __name__ == "__main__":
    sys.exit(main())
