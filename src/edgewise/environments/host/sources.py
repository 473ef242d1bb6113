"""Where vector environments come from: Gymnasium's registry, or EnvPool."""

from __future__ import annotations

import ctypes
import difflib
import importlib
import importlib.metadata
import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import gymnasium
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.extras import missing
from edgewise.environments.host.configuration import HostConfig

QT = ("libQt5Core.so.5", "libQt5Gui.so.5")
"""What EnvPool's Procgen links to, in the order of loading."""


def from_gymnasium(name: str, config: HostConfig, evaluation: bool, copies: int, seed: int) -> VectorEnv[Any, Any, Any]:
    """Copies of an environment by its id, as "CartPole-v1" or "MODULE:ID".

    Raises:
        ConfigurationError: for an unknown id, wrapper or argument.
        EdgewiseError: if it cannot be made, such as without a package that it needs.
    """
    mode = gymnasium.VectorizeMode(config.vectorise)
    vector: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP}
    wrappers = [_wrapper(each) for each in config.wrappers]
    match config.vectorise:
        case "vector_entry_point":
            vector = {}
        case "async":
            vector["context"] = _start_method()
            wrappers.insert(0, partial(_without_interrupts, os.getpid()))
            # It prints what went wrong in another process, with its traceback, and raises the same.
            warnings.filterwarnings("ignore", module=r"gymnasium\.vector\.async_vector_env")
    with _mistakes("gymnasium", name):
        return gymnasium.make_vec(
            name,
            num_envs=copies,
            vectorization_mode=mode,
            vector_kwargs=vector,
            wrappers=wrappers or None,
            **config.keywords(evaluation),
        )


def _start_method() -> str:
    """How processes of copies start: not forked from this one, which runs JAX, but from one that has only loaded Gymnasium."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return "spawn"
    multiprocessing.set_forkserver_preload(["gymnasium"])
    return "forkserver"


def _without_interrupts(maker: int, environment: Any) -> Any:
    """The same environment, whose process leaves Ctrl-C to the one that made it, which may still step it before it stops."""
    if os.getpid() != maker:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return environment


def require_gymnasium_id(name: str) -> None:
    """Require an id that Gymnasium knows, as "CartPole-v1" or "MODULE:ID", without making the environment.

    Raises:
        ConfigurationError: for another one.
        EdgewiseError: if its module cannot be imported.
    """
    module, _, own = name.rpartition(":")
    with _mistakes("gymnasium", name):
        if module:
            importlib.import_module(module)
        try:
            gymnasium.spec(own)
        except (gymnasium.error.UnregisteredEnv, gymnasium.error.DeprecatedEnv) as error:
            near = difflib.get_close_matches(own, gymnasium.registry, n=1)
            hint = f"; did you mean gymnasium:{near[0]}?" if near and "Did you mean" not in _line(error) else ""
            raise ConfigurationError(
                "environment", f"gymnasium:{name}", f"an id that exists ({_line(error)}){hint}"
            ) from error
        except gymnasium.error.Error:
            pass  # an id without a version stands for the newest


def from_envpool(name: str, config: HostConfig, evaluation: bool, copies: int, seed: int) -> VectorEnv[Any, Any, Any]:
    """Copies of an environment of EnvPool, such as Procgen's "CoinrunEasy-v0"; needs the extra `procgen`.

    Raises:
        ConfigurationError: for an unknown id or argument, or for wrappers.
        EdgewiseError: without EnvPool.
    """
    if config.wrappers:
        raise ConfigurationError("wrappers", config.wrappers, "none for EnvPool")
    _load_qt()
    try:
        envpool = importlib.import_module("envpool")
    except ImportError as error:
        raise missing("envpool", "procgen", error) from error
    if name not in envpool.list_all_envs():
        raise ConfigurationError("environment", f"envpool:{name}", "one of envpool.list_all_envs()")
    with _mistakes("envpool", name):
        return SeededBefore(envpool.make_gymnasium(name, num_envs=copies, seed=seed, **config.keywords(evaluation)))


class SeededBefore(VectorWrapper):
    """A vector environment that took its seed when it was made."""

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode in every copy."""
        return self.env.reset(options=options)


def _wrapper(word: str) -> Callable[[Any], Any]:
    module, _, name = word.partition(":")
    try:
        wrapper: Callable[[Any], Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError("wrappers", word, f"a class that can be imported ({error})") from None
    return wrapper


@contextmanager
def _mistakes(source: str, name: str) -> Iterator[None]:
    """Errors of the making of an environment, in one line."""
    try:
        yield
    except EdgewiseError:
        raise
    except (gymnasium.error.UnregisteredEnv, gymnasium.error.DeprecatedEnv) as error:
        raise ConfigurationError("environment", f"{source}:{name}", f"an id that exists ({_line(error)})") from error
    except TypeError as error:
        raise ConfigurationError(
            "arguments", f"{source}:{name}", f"those of the environment ({_line(error)})"
        ) from error
    except Exception as error:
        raise EdgewiseError(f"{source}:{name} cannot be made: {_line(error)}") from error


def _line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def _load_qt() -> None:
    """Load Qt 5 from the wheel PyQt5-Qt5, if installed: EnvPool looks for it when imported, for Procgen."""
    try:
        files = importlib.metadata.files("PyQt5-Qt5") or []
    except importlib.metadata.PackageNotFoundError:
        return
    for name in QT:
        for file in files:
            if file.name == name:
                ctypes.CDLL(str(file.locate()), mode=ctypes.RTLD_GLOBAL)
