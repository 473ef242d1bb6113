"""An edge server's own settings, and its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgewise.common import packed
from edgewise.common.errors import ConfigurationError, check_integer, check_range, read_from
from edgewise.common.files import make_folder, replace_file
from edgewise.common.plain import from_plain
from edgewise.common.yaml_files import read_yaml
from edgewise.construction.kind import Data, ModuleKind
from edgewise.construction.misbehaviour import check_behaviour
from edgewise.construction.parcels import canonical, digest

CONFIG_FILE = "edge.yaml"
EXAMPLES = 1024
"""Of an edge server, unless it says otherwise."""
DATA = "data"
"""Folder of data that are kept."""


@dataclass(frozen=True)
class EdgeConfig:
    """An edge server's own settings, `edge.yaml` in its folder; none of them leaves it but the name.

    Attributes:
        name: as others call it.
        willingness: theta in each period.
        apps: whose screens it sees.
        language: of most of its users.
        examples: how many it has; promises are held against honest servers with 1,024.
        round_examples: how many of them a round passes over, drawn anew for each. If None, all.
        seed: of its data.
        renewed: whether drawn data of period 2 are others than those of period 1. If not, they are kept in its folder.
        data: folder with data of your own in place of those, see `ModuleKind.data_from`.
        watts: power of a busy core, W, by which measured CPU time becomes energy.
        round_cost, fixed_cost: its own c and E. If None, those that the menu was designed for.
        behaviour: "honest", or a misbehaviour to show what becomes of it, see `misbehaviour`.
    """

    name: str
    willingness: tuple[float, float]
    apps: tuple[str, ...] = ("mail", "maps", "shop")
    language: str = "en"
    examples: int = EXAMPLES
    round_examples: int | None = None
    seed: int = 0
    renewed: bool = True
    data: str | None = None
    watts: float = 15.0
    round_cost: float | None = None
    fixed_cost: float | None = None
    behaviour: str = "honest"

    def __post_init__(self) -> None:
        if not self.name:
            raise ConfigurationError("name", self.name, "a name")
        check_range("willingness", self.willingness, 0, open_low=True)
        check_integer("examples", self.examples, 1)
        check_integer("seed", self.seed, 0)
        if self.round_examples is not None:
            check_integer("round_examples", self.round_examples, 1)
        check_range("watts", self.watts, 0, open_low=True)
        for field in ("round_cost", "fixed_cost"):
            if getattr(self, field) is not None:
                check_range(field, getattr(self, field), 0)
        check_behaviour(self.behaviour)


def load_edge_config(folder: Path) -> EdgeConfig:
    """Settings of an edge server.

    Raises:
        EdgewiseError: if the file cannot be read.
        ConfigurationError: naming the file, the field, its value and what is allowed.
    """
    path = folder / CONFIG_FILE
    values = read_yaml(path)
    with read_from(path):
        return from_plain(EdgeConfig, values)


def data_of(config: EdgeConfig, kind: ModuleKind, period: int, folder: Path | None = None) -> Data:
    """The data of an edge server in a period: its own, or drawn ones.

    Args:
        config: of the server.
        kind: of the module that is built from them.
        period: 1 or 2.
        folder: of the server, in which drawn data that are not renewed are kept. If None, they are drawn again.
    """
    if config.data is not None:
        return kind.data_from(Path(config.data))
    if config.renewed:
        return _drawn(config, kind, period)
    drawn = digest(canonical([config.apps, config.examples, config.seed, config.language]))[:16]
    path = None if folder is None else folder / DATA / f"{kind.name}-{drawn}"
    if path is not None and path.exists():
        return packed.unpack(path.read_bytes())[0]
    data = _drawn(config, kind, 1)
    if path is not None:
        make_folder(path.parent)
        replace_file(path, packed.pack(data, None))
    return data


def _drawn(config: EdgeConfig, kind: ModuleKind, period: int) -> Data:
    return kind.draw_data(config.apps, config.examples, 2 * config.seed + period - 1, config.language)
