"""`edgewise construct demo`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from edgewise.common.errors import ConfigurationError, check_integer
from edgewise.common.files import make_folder
from edgewise.common.progress import progress_bar
from edgewise.common.terminal import print_table
from edgewise.construction.arrival import current_agent
from edgewise.construction.books import Books
from edgewise.construction.commands.cloud import PAGE, begin
from edgewise.construction.demo import KINDS, WHOLE, Together, edge_configs, ground_for, write_edge
from edgewise.construction.edge_book import EdgeBook
from edgewise.construction.ground import GROUNDS
from edgewise.construction.menu import UNIT
from edgewise.construction.misbehaviour import check_behaviour
from edgewise.construction.settlement import MEASURED, SettlementName
from edgewise.construction.showing import print_books, write_page
from edgewise.construction.terms import PERIODS, TYPICAL, Terms

NAME = "demo"
GATHER_S = 300.0
"""How long its edge servers may take to connect, s: all start at once, and some machines are slow."""


@dataclass(frozen=True)
class Demo:
    """Build an agent on this machine: a SuperLink, a cloud server and edge servers as processes, two periods, the books.

    The agent then does a task on a simulated phone, which a page shows. The same command goes on with what was begun in the
    folder.

    Attributes:
        folder: for all of it.
        edges: number of edge servers.
        seed: of their types, data and initial weights, and of the task that the agent is asked for at the end.
        designer, settlement: as of `edgewise construct cloud`.
        kinds: of modules, by name; server n builds kind n, and begins again where there are more servers than kinds. All are of
            the same ground. If empty, memory, planning, decision and action for a phone; perception, memory, decision and action
            are those of a synthetic telephone, which are built in seconds and do little.
        examples: of each edge server. If None, as many as the kinds of the demonstration need.
        patience: how long a server may take for a period's building, s.
        misbehave: what an edge server does instead of being honest, such as `es02=free-rider`; among wrong-type, declines,
            free-rider, lazy:PART, copy:FILE, poisoned, malformed, unsigned, late:SECONDS, dead.
        page: whether a page on the loopback shows the phone.
        port: of that page; 0 for a free one.
        stay: whether the page stays until Ctrl-C when the agent has ended.
    """

    folder: Path = Path("construct-demo")
    edges: int = 4
    seed: int = 0
    designer: str = "optimum"
    settlement: SettlementName = MEASURED
    kinds: tuple[str, ...] = ()
    examples: int | None = None
    patience: float = 300.0
    misbehave: tuple[str, ...] = ()
    page: bool = True
    port: int = 0
    stay: bool = False

    def __post_init__(self) -> None:
        check_integer("edges", self.edges, len(TYPICAL.theta1), 99)
        check_integer("seed", self.seed, 0)
        check_integer("port", self.port, 0, 65_535)
        if self.examples is not None:
            check_integer("examples", self.examples, 1)


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Demo, args=words, prog="edgewise construct demo")
    behaviours = read_behaviours(options.misbehave)
    kinds = options.kinds or KINDS
    ground = ground_for(kinds)
    instance = replace(TYPICAL, servers=options.edges)
    edges = edge_configs(instance, options.seed, behaviours, options.examples, ground, kinds)
    for unknown in set(behaviours) - set(edges):
        raise ConfigurationError("misbehave", unknown, "one of " + ", ".join(edges))
    cloud = options.folder / "cloud"
    make_folder(cloud)
    books = Books(cloud)
    for name, config in edges.items():
        write_edge(options.folder / name, config)
    if NAME not in books.names():
        a_round = max(each.round_examples or each.examples for each in edges.values())
        terms = Terms(kinds, instance, options.designer, seed=options.seed, patience_s=options.patience, ground=ground)
        terms = replace(terms, round_examples=a_round, apart=True, gather_s=GATHER_S, settlement=options.settlement)
        begin(books, NAME, terms, options.seed)
    together = Together(options.folder, NAME, list(edges))
    with ThreadPoolExecutor(1) as beside:
        preparing = beside.submit(GROUNDS.find(ground).stage, options.seed, options.port if options.page else None)
        try:
            together.start()
            stage = preparing.result()
            if stage.told:
                print(stage.told, flush=True)
            with progress_bar(NAME, WHOLE, "%") as report:
                together.run(report)
        finally:
            together.stop()
    first = options.folder / next(iter(edges))
    notes = [] if current_agent(first) is None else [f"{first.name}, {stage.play(first)}"]
    print_books(books, NAME)
    print_edges(options.folder, list(edges))
    write_page(books, NAME, cloud / PAGE, notes)
    books.close()
    print(f"books as a page: {cloud / PAGE}", *notes, sep="\n")
    if options.stay:
        stage.stay()
    return 0


def read_behaviours(given: tuple[str, ...]) -> dict[str, str]:
    """Behaviour by name of the edge server.

    Raises:
        ConfigurationError: for what is no NAME=BEHAVIOUR.
    """
    found = {}
    for each in given:
        name, equals, behaviour = each.partition("=")
        if not equals or not name:
            raise ConfigurationError("misbehave", each, "NAME=BEHAVIOUR, such as es02=free-rider")
        check_behaviour(behaviour)
        found[name] = behaviour
    return found


def print_edges(folder: Path, names: list[str]) -> None:
    """What stands in the edge servers' own books: their types, which the cloud server never learns, and their utilities."""
    rows = []
    for name in names:
        book = EdgeBook(folder / name)
        for period in PERIODS:
            row = book.row(NAME, period)
            if row is not None and row["utility"] is not None:
                paid = f"{row['paid'] / UNIT:.6f}"
                figures = [f"{row[field]:.3f}" for field in ("utility", "utility_measured")]
                rows.append([name, str(period), f"{row['theta']:g}", str(row["rounds_built"] or 0), paid, *figures])
    heads = ("server", "period", "willingness", "rounds built", "paid", "utility (6)", "with measured energy")
    print_table("the edge servers' own books", heads, rows, keys=2)
