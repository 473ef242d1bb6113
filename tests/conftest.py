"""Runtime shape and type checks are on for the whole package while it is tested, and programs are compiled once.

Programs are compiled fast, not to be fast, and kept on disk: all workers of a run, the processes that tests start and
later runs share `.cache/programs` in the checkout. XLA's fusion emitters, which take half of the time, are off; some programs
then round the last bit otherwise. Tests that depend on the last bit of programs as users compile them are marked `exact` and
run by themselves, with the emitters: `pytest -m exact`.
"""

import gc
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewise.common import program_cache

FAST = "--xla_backend_optimization_level=0"
FASTEST = f"{FAST} --xla_cpu_use_fusion_emitters=false"
EXACT = "exact"
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ[program_cache.VARIABLE] = str(Path(__file__).parents[1] / ".cache" / "programs")
os.environ.pop(program_cache.FOLDER_VARIABLE, None)  # of the user
program_cache.keep_programs()

import jax  # noqa: E402 - reads the settings above
from jaxtyping import install_import_hook  # noqa: E402

install_import_hook("edgewise", "typechecking.check")


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is compiled: how it is."""
    os.environ.setdefault("XLA_FLAGS", FAST if config.option.markexpr == EXACT else FASTEST)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked `exact` where programs are compiled otherwise."""
    if os.environ["XLA_FLAGS"] == FASTEST:
        apart = [item for item in items if item.get_closest_marker(EXACT)]
        config.hook.pytest_deselected(items=apart)
        items[:] = [item for item in items if not item.get_closest_marker(EXACT)]


def pytest_collection_finish() -> None:
    """Look for garbage seldom, and not among what was imported: tracing makes millions of objects that stay."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


_CONTEXTS = threading.local()
"""The MLIR context of each thread."""


def _share_contexts() -> None:
    """Lower all programs of a thread in one MLIR context.

    JAX makes one for every program, even for a single operation: that takes longer than lowering it, and a megabyte that is
    kept as long as the program is. Versions of JAX without this function are left as they are.
    """
    from jax._src.interpreters import mlir

    fresh = getattr(mlir, "make_ir_context", None)
    if fresh is None:
        return

    def shared() -> Any:
        if mlir.ir.Context.current is not None:  # a program is lowered while another one is
            return fresh()
        if not hasattr(_CONTEXTS, "context"):
            _CONTEXTS.context = fresh()
        return _CONTEXTS.context

    mlir.make_ir_context = shared


_share_contexts()

MOST_MAPS = 10_000
"""Memory maps above which compiled programs are given back: a program takes three, and about a quarter of a MB."""
MAPS = Path("/proc/self/maps")


@pytest.fixture(autouse=True, scope="module")
def _release_programs() -> Iterator[None]:
    """Give compiled programs back between modules, once there are many: a process may have a limited number of memory maps."""
    yield
    if not MAPS.exists() or len(MAPS.read_bytes().splitlines()) > MOST_MAPS:
        jax.clear_caches()
        _CONTEXTS.__dict__.clear()


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
