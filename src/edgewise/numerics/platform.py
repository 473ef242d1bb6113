"""Whether JAX can calculate here at all."""

from __future__ import annotations

import os

import jax

from edgewise.common.errors import ConfigurationError, EdgewiseError


def require_platform() -> None:
    """Require a platform that JAX can use; JAX's own error is pages long, or says nothing.

    Raises:
        EdgewiseError: naming JAX_PLATFORMS if that asks for one that is not here.
    """
    try:
        jax.devices()
    except Exception as error:
        asked = os.environ.get("JAX_PLATFORMS") or getattr(jax.config, "jax_platforms", None)
        if asked:
            raise ConfigurationError(
                "JAX_PLATFORMS", asked, "platforms that JAX can use on this machine, such as cpu; unset, JAX chooses"
            ) from error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EdgewiseError(f"JAX can use no platform of this machine: {reason}") from error
