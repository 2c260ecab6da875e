"""`python -m strongroom`: the same as the `strongroom` command."""

from strongroom.cli.main import main

if __name__ == "__main__":
    main(prog_name="strongroom")
