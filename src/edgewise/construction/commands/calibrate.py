"""`edgewise construct calibrate`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import tyro
import yaml

from edgewise.common.by_products import plot_beside
from edgewise.common.errors import check_integer, check_range
from edgewise.common.files import replace_file
from edgewise.common.plain import to_plain
from edgewise.common.progress import progress_bar
from edgewise.common.terminal import number, print_table
from edgewise.construction.calibration import Measured, calibrated, measure_kind
from edgewise.construction.contract import costs_of
from edgewise.construction.curve import EXAMPLES, plot_curves
from edgewise.construction.kind import learned_kinds
from edgewise.construction.terms import TYPICAL
from edgewise.drawing.style import save_figure
from edgewise.systems.dynamic_contract.files import Instance, load_instance


@dataclass(frozen=True)
class Calibrate:
    """Measure quality over rounds and the costs of building on this machine, and write a contract problem that has them.

    The measured curves are written beside it, ending in .curves.json: `edgewise construct cloud --curves` takes them.

    Attributes:
        out: file for the instance (.yaml), which `edgewise construct cloud --instance` and `edgewise solve` take.
        kinds: of modules. If empty, all that need no model.
        instance: whose other fields are kept. If None, the middle of Table I.
        servers: honest runs of each kind, at least 2.
        examples: of a run.
        watts: power of a busy core of an edge server, W.
        seed: of the data.
        figure: image of the curves. If None, beside the instance, ending in .png.
        json: print JSON.
    """

    out: Path = Path("calibrated.yaml")
    kinds: tuple[str, ...] = ()
    instance: Path | None = None
    servers: int = 4
    examples: int = EXAMPLES
    watts: float = 15.0
    seed: int = 0
    figure: Path | None = None
    json: bool = False

    def __post_init__(self) -> None:
        check_integer("servers", self.servers, 2)
        check_integer("examples", self.examples, 1)
        check_integer("seed", self.seed, 0)
        check_range("watts", self.watts, 0, open_low=True)


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Calibrate, args=words, prog="edgewise construct calibrate")
    before = TYPICAL if options.instance is None else load_instance(options.instance)
    kinds = options.kinds or learned_kinds()
    measured: list[Measured] = []
    with progress_bar("calibrate", len(kinds), "kinds") as report:
        for kind in kinds:
            report(len(measured), kind)
            measured.append(measure_kind(kind, options.servers, options.examples, options.seed))
        report(len(measured), "done")
    found = calibrated(before, measured, options.watts)
    replace_file(options.out, yaml.safe_dump(to_plain(found), sort_keys=False).encode())
    plain = {each.curve.kind: to_plain(each.curve) for each in measured}
    replace_file(options.out.with_suffix(".curves.json"), (json.dumps(plain, indent=1) + "\n").encode())
    show(found, measured, options)
    curves, paper = {each.curve.kind: each.curve for each in measured}, before.hardware.quality_rate
    figure = plot_beside(
        options.figure, options.out.with_suffix(".png"), lambda path: save_figure(plot_curves(curves, paper)[0], path)
    )
    figure.report(options.json)
    return 0


def show(found: Instance, measured: list[Measured], options: Calibrate) -> None:
    """Print what was measured."""
    if options.json:
        plain = [to_plain(each) for each in measured]
        print(json.dumps({"instance": to_plain(found), "measured": plain}), flush=True)
        return
    rows = [
        [
            each.curve.kind,
            f"{each.curve.rate:.4f} [{each.curve.low:.4f}, {each.curve.high:.4f}]",
            number(each.curve.r2, 2),
            number(1e3 * each.round_s, 2),
            number(each.module_bytes / 1e3, 1),
        ]
        for each in measured
    ]
    heads = ("module", "a of (1), per round", "R\u00b2", "ms a round", "kB")
    print_table("measured", heads, rows)
    costs = costs_of(found)
    print(
        f"{options.out}: c = {costs.round:.6g}, E = {costs.fixed:.6g}, a = {found.hardware.quality_rate:.4f}",
        flush=True,
    )
