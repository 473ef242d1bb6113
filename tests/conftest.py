"""Runtime shape and type checks are on for the whole package while it is tested, and programs compile fast, not to be fast."""

import os
from collections.abc import Iterator

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import jax
import pytest
from jaxtyping import install_import_hook

install_import_hook("edgewise", "typechecking.check")


@pytest.fixture(autouse=True, scope="module")
def _release_programs() -> Iterator[None]:
    """Give the compiled programs of a module back: thousands of them exceed the memory maps that a process may have."""
    yield
    jax.clear_caches()
