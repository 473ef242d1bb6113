"""The phone's shell: lines of commands, with quotes, `;`, `&&`, `||`, `|`, `>` and `$?`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgewise.agent.phone.server.served import Served

JOINTS = (";", "&&", "||", "|")
UNKNOWN = 127
"""Exit code of a command that does not exist."""


@dataclass(frozen=True)
class Done:
    """What a command wrote, and its exit code."""

    out: bytes = b""
    err: bytes = b""
    code: int = 0


Command = Callable[[Served, Sequence[str], bytes], Done]
"""A command: the phone, the words after the command's name, what comes in by a pipe."""


def said(text: str, code: int = 0) -> Done:
    """A command that writes a text."""
    return Done(text.encode(), b"", code)


def failed(text: str, code: int = 1) -> Done:
    """A command that complains."""
    return Done(b"", text.encode(), code)


def run_line(session: Served, line: str, commands: dict[str, Command]) -> Done:
    """Carry out a line.

    Args:
        session: the phone.
        line: as a client sends it.
        commands: by name.
    """
    try:
        words = _words(line)
    except ValueError as fault:
        return failed(f"/system/bin/sh: syntax error: {fault}\n")
    out, err, code, pipe, joint = b"", b"", 0, b"", ";"
    for joint_before, part, joint_after in _parts(words):
        joint = joint_before
        if not part or (joint == "&&" and code) or (joint == "||" and not code):
            continue
        done = _carried_out(session, [each.replace("$?", str(code)) for each in part], pipe, commands)
        err, code = err + done.err, done.code
        pipe = done.out if joint_after == "|" else b""
        out += b"" if joint_after == "|" else done.out
    return Done(out, err, code)


def _words(line: str) -> list[str]:
    reader = shlex.shlex(line.replace("\n", ";"), posix=True, punctuation_chars=";&|<>")
    reader.whitespace_split, reader.commenters = True, ""
    return list(reader)


def _parts(words: list[str]) -> list[tuple[str, list[str], str]]:
    """Commands with the joints before and after them."""
    found: list[tuple[str, list[str], str]] = []
    part: list[str] = []
    before = ";"
    for each in words:
        if each in JOINTS:
            found.append((before, part, each))
            part, before = [], each
        else:
            part.append(each)
    found.append((before, part, ";"))
    return found


def _carried_out(session: Served, words: list[str], pipe: bytes, commands: dict[str, Command]) -> Done:
    target, words = _redirected(words)
    if not words:
        return Done()
    name = words[0].rsplit("/", 1)[-1]
    if name not in commands:
        return failed(f"/system/bin/sh: {words[0]}: inaccessible or not found\n", UNKNOWN)
    done = commands[name](session, words[1:], pipe)
    if target is None:
        return done
    if target != "/dev/null":
        session.files[path_of(target)] = done.out
    return Done(b"", done.err, done.code)


def _redirected(words: list[str]) -> tuple[str | None, list[str]]:
    kept: list[str] = []
    target, place = None, 0
    while place < len(words):
        each = words[place]
        if each in (">", ">>", ">&", "2>") and place + 1 < len(words):
            stderr = bool(kept) and kept[-1] == "2" and each == ">"
            if stderr or each == ">&":
                kept = kept[:-1] if stderr or kept[-1:] in (["2"], ["1"]) else kept
            else:
                target = words[place + 1]
            place += 2
            continue
        kept.append(each)
        place += 1
    return target, kept


def path_of(path: str) -> str:
    """A path with the usual names of the shared storage made one."""
    for start in ("/storage/emulated/0", "/mnt/sdcard", "/storage/self/primary"):
        if path == start or path.startswith(start + "/"):
            path = "/sdcard" + path[len(start) :]
    return "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
