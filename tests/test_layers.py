"""Modules import only from layers below their own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import edgewise

ROOT = Path(edgewise.__file__).parent
ORDER = (
    "common",
    "numerics",
    "statistics",
    "networks",
    "diffusion",
    "drawing",
    "environments",
    "systems",
    "policies",
    "algorithms",
    "training",
    "execution",
    "experiments",
    "papers",
    "reports",
    "serving",
    "construction",
    "agent",
    "cli",
)
"""From the ground up."""
LEARNING = {"algorithms", "training", "execution", "experiments", "papers"}
UNUSED = {"serving": LEARNING, "construction": LEARNING, "agent": LEARNING}
"""Layers that a layer does without, though they are below it: what serves a policy needs nothing of what has trained it."""
BELOW = {layer: set(ORDER[:place]) - UNUSED.get(layer, set()) for place, layer in enumerate(ORDER)}
REGISTERED = {"environments"}  # the package itself makes its systems known to Gymnasium, and does nothing else
START = ROOT / "__main__.py"  # `python -m edgewise` starts the command line, from above all layers
MODULES = sorted(set(ROOT.rglob("*.py")) - {START})


def imported(source: str, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Dotted names of the project that a module in `package` imports anywhere, in functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            start = (*base, *(node.module.split(".") if node.module else ()))
            names = [(*start, alias.name) for alias in node.names]
        else:
            continue
        yield from (name for name in names if name[0] == "edgewise")


def faults(source: str, package: tuple[str, ...]) -> list[str]:
    """Imports that the layer of `package` may not make."""
    found = []
    for name in imported(source, package):
        if len(name) == 1:  # the package alone: nothing in it but its version
            found.append(".".join(name))
        elif name[1] not in BELOW:
            if name[1:] != ("__version__",):
                found.append(".".join(name))
        elif name[1] not in (BELOW[package[1]] | {package[1]} if len(package) > 1 else REGISTERED):
            found.append(".".join(name))
    return found


def test_every_folder_is_a_layer() -> None:
    folders = {path.name for path in ROOT.iterdir() if any(path.glob("*.py"))}
    assert folders <= set(BELOW)
    assert {"numerics", "diffusion", "environments", "algorithms", "policies", "training", "cli"} <= folders


def test_the_order_has_no_circle() -> None:
    assert all(layer not in BELOW[below] for layer in BELOW for below in BELOW[layer] if below != layer)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downward(path: Path) -> None:
    package = ("edgewise", *path.relative_to(ROOT).parts[:-1])
    assert faults(path.read_text(), package) == []


@pytest.mark.parametrize(
    ("layer", "source", "wrong"),
    [
        ("numerics", "from edgewise.diffusion.denoiser import Denoiser", "edgewise.diffusion.denoiser.Denoiser"),
        ("diffusion", "import edgewise.algorithms.cgdm", "edgewise.algorithms.cgdm"),
        ("environments", "def f():\n    from edgewise import training", "edgewise.training"),
        ("diffusion", "from ..environments import game", "edgewise.environments.game"),
        ("policies", "from edgewise.training.run import train", "edgewise.training.run.train"),
        (
            "environments",
            "from edgewise.policies.artefact import load_policy",
            "edgewise.policies.artefact.load_policy",
        ),
        ("algorithms", "from edgewise.training import loop", "edgewise.training.loop"),
        ("training", "if True:\n    import edgewise.cli", "edgewise.cli"),
        ("training", "import edgewise", "edgewise"),
        ("policies", "from edgewise import __version__", None),
        ("training", "from .run import train\nfrom edgewise.numerics import scaling\nimport jax", None),
        ("serving", "from edgewise.training.run_folder import CONFIG_FILE", "edgewise.training.run_folder.CONFIG_FILE"),
        ("serving", "from edgewise.policies.artefact import load_policy", None),
        ("cli", "from edgewise.drawing.style import plot", None),
    ],
)
def test_an_upward_import_is_seen(layer: str, source: str, wrong: str | None) -> None:
    assert faults(source, ("edgewise", layer)) == ([] if wrong is None else [wrong])


SERVED = {"construction": {"dynamic_contract"}}
"""Systems that a layer names because it is the service of what they model."""
SUBJECTS = {path.name for path in (ROOT / "systems").iterdir() if (path / "system.py").exists()}
NAMES = {
    subject: re.compile(
        rf"{subject}|{subject.replace('_', '-')}|{subject.title().replace('_', '')}|{subject.upper()}|edgewise\.papers\."
    )
    for subject in SUBJECTS
}


def named(path: Path) -> set[str]:
    """Systems that a file names, but for the one whose home it is in, and papers."""
    home = path.relative_to(ROOT).parts
    text = path.read_text()
    return {
        subject
        for subject, pattern in NAMES.items()
        if home[:2] != ("systems", subject) and home[0] != "papers" and subject not in SERVED.get(home[0], set())
        if pattern.search(text)
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_system_or_paper_is_named_at_home_alone(path: Path) -> None:
    assert named(path) == set()


def test_systems_are_found() -> None:
    assert len(SUBJECTS) >= 4
