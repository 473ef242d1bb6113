"""Runtime shape and type checks are on for the whole package while it is tested, and programs compile fast, not to be fast."""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

from jaxtyping import install_import_hook

install_import_hook("edgewise", "typechecking.check")
