"""Chromium's DevTools protocol over a pipe: no port that others could reach, and a browser that ends with its user.

The browser reads commands from its file descriptor 3 and writes answers to 4, JSON that ends with a zero byte
(`--remote-debugging-pipe`). When the pipe is closed, even by the end of this process, it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from edgewise.agent.device.errors import CommandFailed, DeviceOffline, DeviceTimeout

TIMEOUT_S = 20.0
"""Seconds that an answer may take if nothing else is said."""
PART = 1 << 16
"""Bytes that are read at once."""
END_S = 5.0
"""Seconds that the browser has to end before it is killed."""
START = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3])
os.dup2(reads, 3)
os.dup2(writes, 4)
os.close(reads)
os.close(writes)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Puts the pipe's ends where the browser looks for them, and becomes the browser."""
Event = Callable[[str, dict[str, Any]], None]


class Pipe:
    """A browser and the pipe to it.

    Args:
        words: the browser's command line.
        told: is called for each event that the browser tells of.
    """

    def __init__(self, words: Sequence[str], told: Event) -> None:
        theirs, self._writes = os.pipe()
        self._reads, theirs_out = os.pipe()
        self._told, self._rest, self._next, self._closed = told, b"", 0, False
        self._lock = threading.RLock()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", START, str(theirs), str(theirs_out), *words],
                pass_fds=(theirs, theirs_out),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C is for this process, which then ends the browser
            )
        except BaseException:
            os.close(self._writes)
            os.close(self._reads)
            raise
        finally:
            os.close(theirs)
            os.close(theirs_out)

    def call(self, method: str, session: str = "", timeout: float = TIMEOUT_S, **given: Any) -> dict[str, Any]:
        """Carry out a command.

        Args:
            method: of the protocol, such as `Page.navigate`.
            session: identifier of what it is addressed to; empty for the browser itself.
            timeout: seconds.
            given: its parameters.

        Raises:
            CommandFailed: as the browser says.
            DeviceTimeout: if it does not answer in time.
            DeviceOffline: if it has ended.
        """
        with self._lock:
            number = self.send(method, session, **given)
            end = time.monotonic() + timeout
            while True:
                said = self._message(end, method)
                if said.get("id") == number:
                    break
                self._event(said)
        if "error" in said:
            raise CommandFailed(f"{method}: {said['error'].get('message', 'failed')}")
        found: dict[str, Any] = said.get("result", {})
        return found

    def send(self, method: str, session: str = "", **given: Any) -> int:
        """Send a command whose answer nobody waits for; its number."""
        with self._lock:
            if self._closed:  # the numbers of its ends may be those of other files by now
                raise DeviceOffline("the browser has ended")
            self._next += 1
            command = {"id": self._next, "method": method, "params": given}
            data = json.dumps(command | ({"sessionId": session} if session else {})).encode() + b"\0"
            try:
                while data:
                    data = data[os.write(self._writes, data) :]
            except OSError:
                raise DeviceOffline("the browser has ended") from None
            return self._next

    def _event(self, said: dict[str, Any]) -> None:
        if "method" in said:
            self._told(said["method"], said.get("params", {}))

    def _message(self, end: float, method: str) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._reads], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise DeviceTimeout(f"the browser does not answer {method}")
            part = os.read(self._reads, PART)
            if not part:
                raise DeviceOffline("the browser has ended")
            self._rest += part
        first, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(first)
        return message

    def close(self) -> None:
        """End the browser, if that has not been done."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for each in (self._writes, self._reads):
                with contextlib.suppress(OSError):
                    os.close(each)
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
