"""Runtime shape and type checks are on for the whole package while it is tested, and programs compile fast, not to be fast."""

import os
from collections.abc import Iterator

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache
from jaxtyping import install_import_hook

install_import_hook("edgewise", "typechecking.check")


@pytest.fixture(autouse=True, scope="module")
def _release_programs() -> Iterator[None]:
    """Give the compiled programs of a module back: thousands of them exceed the memory maps that a process may have."""
    yield
    jax.clear_caches()


@pytest.fixture(scope="module")
def program_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled programs are kept on disk for a module's tests and the processes that they start."""
    settings = {
        "jax_compilation_cache_dir": str(tmp_path_factory.getbasetemp() / "programs"),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in settings}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name.upper(), str(value))
            jax.config.update(name, value)
        compilation_cache.reset_cache()
        yield
        for name, value in before.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()
