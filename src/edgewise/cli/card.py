"""`edgewise card RUN|POLICY|SYSTEM`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from edgewise.training.sources import candidate, find_source


@dataclass(frozen=True)
class Card:
    """Show the card of a policy: what it decides and was trained on, figures, limits, digest, licence, how to use it.

    A card is made of the policy itself, of its run and of evaluations; nothing in it is written by hand.

    Attributes:
        source: folder of a run, whose best policy of its first seed is meant, or of a policy; or a system.
        policy: a policy that comes with the system, see edgewise list. If None, the first one.
        figures: files with figures for it, as edgewise evaluate --json prints them.
        name: the name under which the policy comes with its system.
        output: folder to write card.json and card.md into, such as that of the policy. If None, none is written.
        json: print JSON.
    """

    source: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUN|POLICY|SYSTEM")]
    policy: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    figures: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE ...")] = ()
    name: str | None = None
    output: Path | None = None
    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Card, args=words, prog="edgewise card")
    source = find_source(options.source)
    chosen = candidate(source, options.policy)
    if chosen is None:
        source.system.shipped_folder("")
        return 2
    from edgewise.reports.card import make_card, markdown, read_card, read_figures, write_card
    from edgewise.training.run_folder import read_config

    folder = chosen.folders[0]
    shipped = next((name for name, place in source.system.shipped.items() if place == folder), None)
    card = None if options.figures else read_card(folder)
    if card is None:
        figures = [read_figures(path) for path in options.figures]
        run = read_config(source.folder) if source.kind == "run" and shipped is None else None
        card = make_card(folder, figures, run, options.name or shipped)
    if options.output is not None:
        write_card(options.output, card)
    print(json.dumps(card) if options.json else markdown(card), end="\n" if options.json else "")
    return 0
