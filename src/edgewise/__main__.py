"""`edgewise COMMAND ...` and `python -m edgewise COMMAND ...`."""

import sys


def start() -> int:
    """Run the command that was typed; Ctrl-C ends it quietly while it is still being loaded, too."""
    try:
        from edgewise.cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(start())
