"""`edgewise construct books`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import tyro

from edgewise.common.errors import ConfigurationError
from edgewise.construction.books import FILE, Books
from edgewise.construction.showing import print_books, write_csv, write_page


@dataclass(frozen=True)
class Show:
    """Show the books of a cloud server, once they have been added up.

    Attributes:
        folder: of the cloud server.
        construction: which one. If None, the newest.
        csv: file for the rows.
        page: file for a page.
        json: print JSON; money, qualities and energies in micro-units.
    """

    folder: tyro.conf.Positional[Path]
    construction: str | None = None
    csv: Path | None = None
    page: Path | None = None
    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Show, args=words, prog="edgewise construct books")
    if not (options.folder / FILE).is_file():
        raise ConfigurationError("folder", str(options.folder), f"that of a cloud server: there is no {FILE}")
    books = Books(options.folder)
    names = books.names()
    if not names:
        raise ConfigurationError("folder", str(options.folder), "one with a construction")
    name = options.construction or names[-1]
    books.terms(name)
    if options.json:
        books.check(name)
        print(json.dumps({"construction": name, "rows": books.rows(name), "periods": books.periods(name)}))
    else:
        print_books(books, name)
    if options.csv is not None:
        write_csv(books, name, options.csv)
    if options.page is not None:
        write_page(books, name, options.page)
    books.close()
    return 0
