"""`python -m strongroom.controllers`."""

import gc

if __name__ == "__main__":
    # Until it serves: see ``strongroom.process.collect_from_now_on``. So before the imports.
    gc.disable()
    from strongroom.controllers.main import main

    main(prog_name="strongroom controllers")
