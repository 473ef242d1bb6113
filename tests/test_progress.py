"""What a long run tells, and that Ctrl-C is answered at once."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time

import pytest

from edgewise.common import progress
from edgewise.common.interrupt import interrupt_flag
from edgewise.common.progress import Pace, progress_bar


def test_pace_does_not_count_what_came_before_the_first_work() -> None:
    pace = Pace(1000)
    pace.note(0.0, 0)
    assert pace.end is None
    pace.note(80.0, 0)
    assert pace.end is None
    pace.note(90.0, 100)
    assert pace.rate == 10.0
    assert pace.end == 180.0


def test_pace_goes_by_the_newest_reports() -> None:
    pace = Pace(10_000)
    for second in range(20):
        pace.note(float(second), 10 * second)
    for second in range(20, 30):
        pace.note(float(second), 190 + 100 * (second - 19))
    assert pace.rate == 100.0


def test_without_a_terminal_there_are_few_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("cgdm", 1000, "steps") as report:
        report(0, "compiling")
        report(0, "learning")
        for done in range(10, 1001, 10):
            report(done, f"return {done}")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("compiling")
    assert lines[1].endswith("learning")
    assert lines[-1].startswith("cgdm: 1,000/1,000 steps")
    assert len(lines) == 12
    assert "left" in lines[2]
    assert "left" not in lines[-1]


def test_slow_work_tells_more_often(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(0, 10_000, 31))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(seconds)))
    with progress_bar("cgdm", 1000, "steps") as report:
        for done in range(1, 11):
            report(done, "return")
    assert len(capsys.readouterr().err.splitlines()) == 10


def test_ctrl_c_is_answered_while_compiled_code_runs() -> None:
    answered: list[float] = []
    with interrupt_flag(lambda: answered.append(time.monotonic())) as interrupted:
        kill = f"import os, time; time.sleep(.1); os.kill({os.getpid()}, {signal.SIGINT.value})"
        sender = subprocess.Popen([sys.executable, "-c", kill])
        while sender.poll() is None:
            hashlib.pbkdf2_hmac("sha256", b"", b"", 500_000)  # compiled code, during which no handler runs
            ended = time.monotonic()
        assert interrupted()
    assert answered[0] < ended


def stop_twice() -> None:
    with interrupt_flag(lambda: None):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_twice_stops_at_once() -> None:
    with pytest.raises(KeyboardInterrupt):
        stop_twice()
    assert signal.set_wakeup_fd(-1) == -1
