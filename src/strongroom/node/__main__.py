"""`python -m strongroom.node`."""

import gc
import sys

if __name__ == "__main__":
    # Until it serves: see ``strongroom.process.collect_from_now_on``. So before the imports.
    gc.disable()
    from strongroom.node.main import main

    sys.exit(main())
