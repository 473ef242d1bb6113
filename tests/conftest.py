"""Runtime shape and type checks are on for the whole package while it is tested, and programs are compiled once.

Programs are compiled fast, not to be fast, and kept on disk: all workers of a run, the processes that tests start and
later runs share `.cache/jax` in the checkout. JAX names an entry by the program, its own version and XLA's flags.
"""

import hashlib
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

CACHES = Path(__file__).parents[1] / ".cache" / "jax"
CACHE = CACHES / f"jaxlib-{version('jaxlib')}-{platform.machine()}"
MOST_BYTES = 4_000_000_000  # a complete run takes about a tenth of it

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
os.environ |= {
    "JAX_COMPILATION_CACHE_DIR": str(CACHE),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    "EDGEWISE_CACHE": str(CACHE),
}

import jax  # noqa: E402 - reads the settings above
from jaxtyping import install_import_hook  # noqa: E402

install_import_hook("edgewise", "typechecking.check")


def pytest_configure(config: pytest.Config) -> None:
    """Programs of other versions go, and all of them once they are many; the workers of a run leave that to its start."""
    if hasattr(config, "workerinput"):
        return
    for folder in CACHES.glob("*"):
        if folder != CACHE or sum(file.stat().st_size for file in folder.iterdir()) > MOST_BYTES:
            shutil.rmtree(folder)


@pytest.fixture(autouse=True, scope="module")
def _release_programs() -> Iterator[None]:
    """Give the compiled programs of a module back: thousands of them exceed the memory maps that a process may have."""
    yield
    jax.clear_caches()


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], Path]:
    """Train a run once for all tests and workers that ask for it; they leave its folder as it is."""
    from edgewise.training.run import train

    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "trained"

    def folder(run: Any) -> Path:
        place = shared / hashlib.sha256(repr(run).encode()).hexdigest()[:12]
        if not place.exists():
            own = tmp_path_factory.mktemp("run") / place.name
            train(own, run, lambda done, text: None)
            shared.mkdir(exist_ok=True)
            try:
                own.rename(place)
            except OSError:  # another worker was first
                assert place.exists()
        return place

    return folder


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bootstrap intervals in a fraction of the time, for tests to which their exact ends do not matter."""
    monkeypatch.setattr("edgewise.statistics.estimates.RESAMPLES", 300)
