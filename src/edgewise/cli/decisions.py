"""`edgewise decisions export`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from edgewise.common.errors import ConfigurationError
from edgewise.common.extras import missing
from edgewise.common.progress import progress_bar


@dataclass(frozen=True)
class Decisions:
    """Write the decisions that a server has kept to a file: a row for each, with the parts of observation and action.

    `edgewise evaluate POLICY --decisions FILE` asks another policy what it would have decided.

    Attributes:
        what: "export".
        out: the file, ending in .parquet or .csv; an older one is replaced when all is written.
        database: where the server keeps them, a URL of SQLAlchemy.
        system: only decisions of this system.
        model: only those of this model.
        session: only those of this session.
        since: only those from this time on, s since 1970.
        until: only those before this time, s since 1970.
    """

    what: tyro.conf.Positional[Literal["export"]]
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("decisions.parquet")
    database: str = "sqlite:///edgewise.sqlite"
    system: str | None = None
    model: str | None = None
    session: str | None = None
    since: float | None = None
    until: float | None = None


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Decisions, args=words, prog="edgewise decisions")
    try:
        from edgewise.serving.decisions import Chosen, count, export
        from edgewise.serving.store import Store
    except ImportError as error:
        raise missing(error.name or "sqlalchemy", "serve", error) from None
    file = options.database.removeprefix("sqlite:///")
    if file != options.database and not Path(file).is_file():
        raise ConfigurationError("database", options.database, "that of a server: there is no such file")
    chosen = Chosen(options.system, options.model, options.session, options.since, options.until)
    store = Store(options.database)
    try:
        with progress_bar("decisions", count(store, chosen), "decisions") as report:
            written = export(store, chosen, options.out, lambda done: report(done, ""))
    finally:
        store.close()
    print(f"{written:,} decisions: {options.out}")
    return 0
