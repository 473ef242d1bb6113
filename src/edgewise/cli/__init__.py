"""The command line."""

from edgewise.cli.main import main

__all__ = ["main"]
