"""``python -m strongroom.server``: the API server alone."""

import gc
import sys

if __name__ == "__main__":
    # Until it serves: see ``strongroom.process.collect_from_now_on``. So before the imports.
    gc.disable()
    from strongroom.server.main import main

    sys.exit(main())
