"""`edgewise construct cloud`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from edgewise.common.errors import ConfigurationError, check_integer
from edgewise.common.files import make_folder
from edgewise.common.plain import to_plain
from edgewise.common.progress import progress_bar
from edgewise.construction.books import Books
from edgewise.construction.contract import Truth
from edgewise.construction.curve import EXAMPLES, load_curves
from edgewise.construction.designer import OPTIMUM, design
from edgewise.construction.ground import ground_of
from edgewise.construction.kind import learned_kinds
from edgewise.construction.security import admit, cloud_security, is_loopback
from edgewise.construction.service import STEPS, CloudService
from edgewise.construction.settlement import MEASURED, SettlementName
from edgewise.construction.showing import print_books, write_page
from edgewise.construction.terms import PERIODS, TYPICAL, Terms, settlement_of
from edgewise.systems.dynamic_contract.files import load_instance

PAGE = "report.html"


@dataclass(frozen=True)
class Cloud:
    """Offer a contract to edge servers, collect what they build, judge and pay it, and deploy the agent.

    The same command goes on with what was begun. Beyond the loopback the connection is protected by TLS, and only edge servers
    that were admitted take part: see `edgewise construct keys`.

    Attributes:
        folder: of the cloud server: keys, books, uploads.
        construction: its name.
        instance: YAML file of the contract problem, as `edgewise solve dynamic-contract` takes it; so many edge servers as it has
            are waited for. If None, the middle of Table I with 4 servers of 2 types.
        kinds: of modules that the agent is made of. If empty, all that need no model.
        designer: of the menu: "optimum", "static", "random", or the folder of a trained policy.
        truth: "always" makes the truth best for every server whatever its second type turns out to be; "expected" only on
            average, as in the paper, for less reward.
        settlement: "measured" corrects the reward by the measured quality, so that building fewer rounds than promised does not
            pay; "fixed" pays it to every module that passes, as in the paper.
        host, port: where the SuperLink listens.
        seed: of initial weights, of hidden data, and of a random menu.
        patience: how long a server may take for a period's building, s.
        gather: how long is waited for edge servers, s.
        round_examples: that every edge server has, which a round is a pass over: promises are held against honest servers with as
            many.
        curves: file of measured qualities, as `edgewise construct calibrate` writes it beside the instance; they say what a
            promise must give. If None, those that come with the package.
    """

    folder: tyro.conf.Positional[Path]
    construction: str = "agent"
    instance: Path | None = None
    kinds: tuple[str, ...] = ()
    designer: str = OPTIMUM
    truth: Truth = "always"
    settlement: SettlementName = MEASURED
    host: str = "127.0.0.1"
    port: int = 8000
    seed: int = 0
    patience: float = 600.0
    gather: float = 120.0
    round_examples: int = EXAMPLES
    curves: Path | None = None

    def __post_init__(self) -> None:
        check_integer("port", self.port, 1, 65_535)
        if not self.construction or len(self.construction) > 64 or '"' in self.construction:
            raise ConfigurationError(
                "construction", self.construction, "a name of at most 64 characters without quotes"
            )


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Cloud, args=words, prog="edgewise construct cloud")
    make_folder(options.folder)
    security, admitted = None, None
    if not is_loopback(options.host):
        security, admitted = cloud_security(options.folder), admit(options.folder, ())
        if not admitted:
            raise ConfigurationError(
                "folder", str(options.folder), "one with edge servers that `construct keys admit` knows"
            )
    books = Books(options.folder)
    if options.construction not in books.names():
        begin(books, options.construction, terms_of(options), options.seed)
    service = CloudService(options.folder, options.construction, options.host, options.port, security, admitted)
    carry_out(service, books, options.construction)
    print_books(books, options.construction)
    write_page(books, options.construction, options.folder / PAGE)
    books.close()
    return 0


def terms_of(options: Cloud) -> Terms:
    """The terms that options ask for.

    Raises:
        ConfigurationError: naming the field, its value and what is allowed.
    """
    kinds = options.kinds or learned_kinds()
    ground = ground_of(kinds)
    instance = TYPICAL if options.instance is None else load_instance(options.instance)
    return Terms(
        kinds,
        instance,
        options.designer,
        options.truth,
        options.seed,
        patience_s=options.patience,
        gather_s=options.gather,
        curves=() if options.curves is None else load_curves(options.curves),
        ground=ground,
        round_examples=options.round_examples,
        apart=True,
        settlement=options.settlement,
    )


def begin(books: Books, name: str, terms: Terms, seed: int) -> None:
    """Design the menu and write terms and menu into the books."""
    menu = design(terms.instance, terms.designer, terms.truth, seed, settlement_of(terms))
    books.begin(name, to_plain(terms), menu)


def carry_out(service: CloudService, books: Books, name: str) -> None:
    """Run a service to its end, with progress; what was done stays when it is interrupted."""
    terms, _ = books.terms(name)
    total = STEPS * len(PERIODS) * terms["instance"]["servers"]
    try:
        service.start()
        with progress_bar(name, total, "steps") as report:
            service.run(report)
    finally:
        service.stop()
