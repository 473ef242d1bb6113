"""`edgewise construct keys`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from edgewise.common.errors import ConfigurationError
from edgewise.construction.security import CA, PUBLIC, admit, make_cloud_keys, make_edge_keys


@dataclass(frozen=True)
class Keys:
    """Make the keys of a cloud server or an edge server, which never replace older ones; or admit edge servers.

    Attributes:
        what: "cloud", "edge", or "admit" for edge servers by the `public.json` that `edge` has made.
        folder: of the server; for "admit" that of the cloud server.
        host: of a cloud server: the names and addresses by which edge servers reach it.
        name: of an edge server, as others call it.
        file: public files of the edge servers to admit.
    """

    what: tyro.conf.Positional[Literal["cloud", "edge", "admit"]]
    folder: tyro.conf.Positional[Path]
    host: tuple[str, ...] = ()
    name: str = ""
    file: tuple[Path, ...] = ()


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Keys, args=words, prog="edgewise construct keys")
    if options.what == "cloud":
        if not options.host:
            raise ConfigurationError(
                "host", options.host, "the names or addresses by which edge servers reach this one"
            )
        key = make_cloud_keys(options.folder, options.host)
        print(f"public key {key.public}; give {options.folder / CA} to the edge servers")
    elif options.what == "edge":
        if not options.name:
            raise ConfigurationError("name", options.name, "a name")
        facts = make_edge_keys(options.folder, options.name)
        print(f"public key {facts['edge']}; give {options.folder / PUBLIC} to the cloud server")
    else:
        for facts in admit(options.folder, options.file):
            print(f"{facts['edge']}  {facts['name']}")
    return 0
