"""Runtime shape and type checks are on for the whole package while it is tested."""

from jaxtyping import install_import_hook

install_import_hook("edgewise", "typechecking.check")
