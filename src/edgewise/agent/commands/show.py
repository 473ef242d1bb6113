"""`edgewise agent show`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from edgewise.agent.showing import page_of, print_summary
from edgewise.agent.trajectory import read_trajectory
from edgewise.common.by_products import free_name, is_own_page
from edgewise.common.errors import ConfigurationError
from edgewise.common.files import replace_file

PAGE = "trajectory.html"


@dataclass(frozen=True)
class Show:
    """Print what an agent did, and write it as one HTML page that needs nothing else to be looked at.

    Attributes:
        folder: of the trajectory, as `edgewise agent run --out` writes it.
        output: the page. If None, trajectory.html in that folder.
    """

    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="TRAJECTORY")]
    output: Path | None = None

    def check(self) -> None:
        """Require what goes together.

        Raises:
            ConfigurationError: naming the option.
        """
        if self.output is not None and self.output.suffix not in (".html", ".htm"):
            raise ConfigurationError("output", str(self.output), "a file name that ends in .html")


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Show, args=words, prog="edgewise agent show")
    options.check()
    trajectory = read_trajectory(options.folder)
    path = options.output or free_name(options.folder / PAGE, is_own_page)
    page = page_of(trajectory, options.folder)
    print_summary(trajectory)
    replace_file(path, page.encode())
    print(path)
    return 0
