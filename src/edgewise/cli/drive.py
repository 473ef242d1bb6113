"""`edgewise drive NAME ...`: clients that bring a policy server to life."""

from __future__ import annotations

from edgewise.cli.words import listed
from edgewise.common.table import resolve, unknown
from edgewise.environments import registry


def run(words: list[str]) -> int:
    """Carry the command out."""
    drives = {name: drive for system in registry.SYSTEMS.items() for name, drive in system.drives.items()}
    if not words or words[0].startswith("-"):
        print("usage: edgewise drive NAME [options]\n\nwhat serves as the world of a running `edgewise serve`:")
        print(listed({name: drive.summary for name, drive in drives.items()}))
        print("\nedgewise drive NAME --help tells its options.")
        return 0 if words and words[0] in ("-h", "--help") else 2
    if words[0] not in drives:
        raise unknown("drive", words[0], drives)
    code: int = resolve(drives[words[0]].target)(words[1:])
    return code
