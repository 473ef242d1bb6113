"""What the pages say is there: imports, snippets, commands, links, files, names of code."""

import ast
import builtins
import contextlib
import importlib
import io
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tyro

from edgewise.cli.main import main
from edgewise.environments import registry
from edgewise.experiments.catalogue import find_paper
from edgewise.training.sources import Source

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "edgewise"
FILES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
PAGES = [str(file.relative_to(ROOT)) for file in FILES]
NOT_OURS = re.compile(r"\b(corridor|corridor-paper|mine|gymnasium:\w+:\S+)( |$)")
"""Names that another package or a script registers."""
HOLDERS = re.compile(r"\b(SYSTEM|ENVIRONMENT|COMMAND|PAPER|ID)\b| \.\.\.")
"""What stands for a word of one's own, so that there is no command to parse."""


class Block(NamedTuple):
    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: str) -> list[Block]:
    """The fenced and indented blocks of a page; indented ones have no language."""
    found, lines = [], (ROOT / page).read_text().splitlines()
    fence, begin, kept = None, 0, []
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            if fence is None:
                fence, begin, kept = line[3:].strip(), number, []
            else:
                found.append(Block(page, begin, fence, "\n".join(kept)))
                fence = None
        elif fence is not None:
            kept.append(line)
        elif line.startswith("    ") and not (number > 1 and lines[number - 2].startswith(("-", "  -"))):
            found.append(Block(page, number, "", line[4:]))
    return found


def prose_of(page: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", (ROOT / page).read_text(), flags=re.DOTALL | re.MULTILINE)


def python_blocks() -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page) if block.language == "python"]


def defined(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("block", python_blocks(), ids=str)
def test_imports_of_snippets_resolve(block: Block) -> None:
    for node in ast.walk(ast.parse(block.text)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("edgewise") and not name.startswith("edgewise_"):
                assert defined(name), name


@cache
def names_of(block: Block) -> tuple[set[str], set[str]]:
    """Names that a snippet makes, and those that it uses without making them."""
    made, used = set(), set()
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            made |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
    return made, used - made - set(dir(builtins)) - {"__name__"}


@cache
def self_contained() -> list[tuple[Block, str]]:
    """Snippets that need no file, no server, and no name but those of such snippets before them on a page, with what is run."""
    found: list[tuple[Block, str]] = []
    for block in python_blocks():
        missing = names_of(block)[1]
        before = [each for each, _ in found if each.page == block.page and names_of(each)[0] & missing]
        if missing <= set().union(*(names_of(each)[0] for each in before)):
            text = "\n".join(each.text for each in [*before, block])
            if not re.search(r"load_policy|\.npz|\.csv|127\.0\.0\.1:8080", text):
                found.append((block, text))
    return found


def runnable() -> Iterator[Any]:
    """Self-contained snippets; those of the systems' and experiments' pages, which solve and play, are marked slow."""
    for block, text in self_contained():
        slow = block.page.startswith(("docs/systems", "docs/experiments"))
        yield pytest.param(text, id=str(block), marks=[pytest.mark.slow] if slow else [])


def test_many_snippets_are_self_contained() -> None:
    pages = {block.page for block, _ in self_contained()}
    assert {"docs/experiments.md", "docs/systems/twin-trading.md", "docs/bring-your-own-environment.md"} <= pages


@pytest.mark.parametrize("text", list(runnable()))
def test_self_contained_snippets_run(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "snippet", "exec"), {"__name__": "snippet"})


class Parsed(Exception):
    """A command was understood, and is not carried out."""


def commands_of(page: str) -> Iterator[str]:
    """Command lines of a page: in its shell blocks, indented, and within sentences."""
    for block in blocks_of(page):
        if block.language in ("sh", "", "console"):
            for line in block.text.replace("\\\n", " ").splitlines():
                yield line.removeprefix("$ ").strip()
    yield from (" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose_of(page)))


def words_after(program: str, page: str) -> list[list[str]]:
    """The words after a program's name, in every command of a page that is complete."""
    found = []
    for line in commands_of(page):
        words = shlex.split(line, comments=True) if line.startswith((f"{program} ", f".venv/bin/{program} ")) else []
        words = words[: words.index(">")] if ">" in words else words
        if len(words) > 1 and not words[1].endswith(":"):
            found.append(words[1:])
    return found


def edgewise_commands() -> list[list[str]]:
    unique = {tuple(words) for page in PAGES for words in words_after("edgewise", page)}
    lines = {" ".join(words): list(words) for words in sorted(unique)}
    return [words for line, words in lines.items() if not HOLDERS.search(line) and not NOT_OURS.search(line)]


def parse_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands stop where their words are understood: `train` before it takes a folder, others after their parser."""
    real = tyro.cli

    def understood(*args: Any, **kwargs: Any) -> Any:
        options = real(*args, **kwargs)
        if kwargs["prog"] == "edgewise experiment" and options.names:
            paper = find_paper(options.paper)
            paper.check(options.names)
            paper.profile(options.profile or next(iter(paper.profiles)))
        if not kwargs["prog"].startswith("edgewise train") or "--resume" in kwargs["args"]:
            raise Parsed
        return options

    def stop(*args: Any) -> Any:
        raise Parsed

    def any_source(name: str) -> Source:
        """What a command evaluates need not be there: it stands for the system whose options it takes."""
        return Source(name, "system", registry.find(name if name in registry.names() else "agent-migration"), {})

    monkeypatch.setattr(tyro, "cli", understood)
    monkeypatch.setattr("edgewise.cli.played.find_source", any_source)
    monkeypatch.setattr("edgewise.training.fine_tuning.learner_of", lambda system, name: "entity-ppo")
    monkeypatch.setattr("edgewise.training.fine_tuning.following", lambda config, name: config)
    for name in ("claimed", "claimed_new"):
        monkeypatch.setattr(f"edgewise.cli.train.{name}", stop)


@pytest.mark.slow
@pytest.mark.parametrize("words", edgewise_commands(), ids=" ".join)
def test_commands_are_understood(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    parse_only(monkeypatch)
    if "--config" in words:
        place = words.index("--config")
        words = [*(["train", "agent-migration"] if place == 1 else words[:place]), *words[place + 2 :]]
    for word in words:
        if re.fullmatch(r"[\w-]+(\.\w+)+", word):
            (tmp_path / word).write_text("<net>\n</net>\n" if word.endswith(".net.xml") else "")
    heard = io.StringIO()
    with contextlib.redirect_stderr(heard), contextlib.redirect_stdout(heard):
        try:
            code = main(words)
        except Parsed:
            return
    said = heard.getvalue()  # of a command that a sentence names without its words: which of them are missing
    assert code == 0 or (code == 2 and ("usage: edgewise" in said or "Missing" in said)), said


def test_commands_that_do_not_exist_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    parse_only(monkeypatch)
    with contextlib.redirect_stderr(io.StringIO()):
        assert main(["train", "agent-migration", "--no-such-option"]) != 0
        assert main(["train", "no-such-system"]) != 0
        assert main(["experiment", "cgdm", "fig99"]) != 0


@pytest.mark.parametrize("page", PAGES)
def test_scripts_and_their_options_exist(page: str) -> None:
    for words in words_after("python", page):
        if words[0].startswith("-") or HOLDERS.search(words[0]):
            continue
        text = (ROOT / words[0]).read_text()
        for module in re.findall(r"^(?:from|import) (\w+)", text, flags=re.MULTILINE):
            beside = (ROOT / words[0]).with_name(f"{module}.py")
            text += beside.read_text() if beside.exists() else ""
        if not words[0].startswith("examples/"):  # those take the words of `edgewise`
            assert {word for word in words[1:] if word.startswith("--") and f'"{word}"' not in text} == set(), words


@pytest.mark.parametrize("page", PAGES)
def test_targets_of_make_exist(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for words in words_after("make", page):
        assert f"\n{words[0]}:" in makefile, words


def anchors(file: Path) -> set[str]:
    """Of the headings of a page, as MkDocs and GitHub make them for plain ones."""
    text = re.sub(r"^```.*?^```", "", file.read_text(), flags=re.DOTALL | re.MULTILINE)
    titles = [re.sub(r"[`*]|\]\([^)]*\)|\[", "", title) for title in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)]
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower()) for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    here = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = here / name if name else ROOT / page
        assert file.exists(), target
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), target


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])
def test_files_that_are_named_exist(page: str) -> None:
    for name in re.findall(r"`((?:results|benchmarks|examples|tests|docs|src)/[\w./-]*)`", prose_of(page)):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"`((?:\w+/)+\w+\.py)`", prose_of(page)):
        assert (ROOT / name).exists() or (SOURCE / name).exists(), name


def test_options_of_dependencies_are_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lists = [project["dependencies"], *extras.values()]
    needs = {re.split(r"[\[><;= ]", need)[0] for needs in lists for need in needs}
    text = (ROOT / "docs" / "dependencies.md").read_text()
    assert [need for need in sorted(needs - {"edgewise"}) if need not in text] == []
    assert [extra for extra in extras if f"`{extra}`" not in text] == []


TABLES = ("systems", "gymnasium", "algorithms", "policies", "references", "modules", "agents", "grounds", "papers")
GROUPS = {f"edgewise.{name}" for name in TABLES}


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])
def test_dotted_names_are_defined(page: str) -> None:
    for name in set(re.findall(r"`(edgewise(?:\.\w+)+)[`(]", prose_of(page))) - GROUPS:
        assert defined(name), name
    for name in re.findall(r"^::: (\S+)", (ROOT / page).read_text(), flags=re.MULTILINE):
        assert defined(name), name


@cache
def code() -> dict[str, set[str]]:
    """What modules and classes define, by their short names."""
    names: dict[str, set[str]] = {}
    for file in SOURCE.rglob("*.py"):
        tree = ast.parse(file.read_text())
        for scope, body in [(file.stem, tree.body)] + [
            (node.name, node.body) for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
        ]:
            own = names.setdefault(scope, set())
            for node in body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    own.add(node.name)
                elif isinstance(node, ast.Assign | ast.AnnAssign):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    own |= {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    return names


def code_columns(page: str) -> Iterator[str]:
    """Names in the columns of a page's tables that are called code."""
    place = None
    for line in prose_of(page).splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells:
            place = None
        elif place is None:
            place = next((n for n, cell in enumerate(cells) if cell.startswith("code")), -1)
        elif place >= 0 and place < len(cells):
            yield from re.findall(r"`([A-Za-z_][\w.]*)`", cells[place])


@pytest.mark.parametrize("page", PAGES)
def test_equations_lead_to_code(page: str) -> None:
    known = code()
    everything = set().union(*known.values()) | set(known)
    for name in code_columns(page):
        *scopes, last = name.split(".")
        if scopes and scopes[0] == "edgewise":
            continue
        if scopes and scopes[-1] in known:
            assert last in known[scopes[-1]], name
        else:
            assert not scopes, name
            assert last in everything, name


def is_numeric(value: ast.expr) -> bool:
    """Whether a value is a number, or a tuple of numbers, written out."""
    kinds = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.Load)
    nodes = list(ast.walk(value))
    numbers = [node for node in nodes if isinstance(node, ast.Constant)]
    return all(isinstance(node, kinds) for node in nodes) and all(type(n.value) in (int, float) for n in numbers)


def unexplained(text: str) -> list[str]:
    """Numeric constants of a module that neither a comment nor a docstring after them or their neighbours explains."""
    body, lines, found = ast.parse(text).body, text.splitlines(), []
    for place, node in enumerate(body):
        if not isinstance(node, ast.Assign) or not is_numeric(node.value):
            continue
        after = next((each for each in body[place:] if not isinstance(each, ast.Assign | ast.AnnAssign)), None)
        documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if (
            not documented
            and "#" not in lines[node.lineno - 2] + lines[node.lineno - 1] + lines[(node.end_lineno or 1) - 1]
        ):
            found.append(lines[node.lineno - 1])
    return found


def test_numeric_constants_are_explained() -> None:
    assert unexplained("A = 1.5\nB = 2\n\n\ndef f(): ...\n") == ["A = 1.5", "B = 2"]
    assert unexplained('A = (1, -2)\n"""Metres."""\nB = 3  # seconds\n') == []
    assert [line for file in SOURCE.rglob("*.py") for line in unexplained(file.read_text())] == []
