"""`python -m strongroom.controllers`."""

from strongroom.controllers.main import main

if __name__ == "__main__":
    main(prog_name="strongroom controllers")
