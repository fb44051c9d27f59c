"""Runs `r3mes` commands in processes that are killed at one point of their journal: `mortal.py HOME`.

A line of JSON on standard input names a command, its files and its death: `{"arguments": [...], "out": path,
"log": path, "dies": {"record": "tx_signed commit", "when": "before", "calls": 0}}`, or null for none.
The command runs in a process of its own, forked when everything was imported, and one line with its exit code answers
(-9 when it was killed). Death is SIGKILL, and no clock has a say in when it comes:

- `before`: what the record stands for has happened, and nothing of it is written;
- `torn`: half of its line is in the file;
- `after`: it is on disk, and nothing was done yet on its behalf;
- `amid`: at one of the calls that the package's code makes after it (the `calls`-th, in whatever thread), and at the
  latest before the next record is written or the process ends.
"""

import itertools
import json
import os
import signal
import sys
import threading
from pathlib import Path

import r3mes_ray
from r3mes_ray.cluster import prepare
from r3mes_ray.settings import load_settings

PACKAGE = str(Path(r3mes_ray.__file__).parent)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def name_of(record):
    return f"{record.kind} {record.step}" if record.kind.startswith("tx_") else record.kind


class Doom:
    """How this process ends; `reached` says that its record is on disk, and the end may come at any call."""

    def __init__(self, record, when, calls):
        self._record, self._when, self._calls = record, when, calls
        self._count, self.reached = itertools.count(1), False

    def befall(self):
        from r3mes_ray.training import journal

        append = journal.Journal.append

        def deadly(book, record):
            here = name_of(record) == self._record
            if self.reached or (here and self._when == "before"):
                die()
            if here and self._when == "torn":
                line = journal._line(record)
                os.write(book._file, line[: len(line) // 2])
                die()
            append(book, record)
            if here and self._when == "after":
                die()
            if here:
                self.reached = True
                sys.setprofile(self._called)

        journal.Journal.append = deadly
        threading.setprofile(self._called)

    def _called(self, frame, event, _):
        if not self.reached or event not in ("call", "c_call") or not frame.f_code.co_filename.startswith(PACKAGE):
            return
        if next(self._count) >= self._calls:
            die()


def live(task):
    """The forked process: never returns."""
    from r3mes_ray.cli.main import execute

    for number, path in ((1, task["out"]), (2, task["log"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    doom = Doom(**task["dies"]) if task["dies"] else None
    if doom:
        doom.befall()
    status = 1
    try:
        status = execute(task["arguments"])
    finally:
        if doom and doom.reached:
            die()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main():
    prepare(load_settings(Path(sys.argv[1]), None))
    import r3mes_ray.cli.proposing
    import r3mes_ray.cli.round  # noqa: F401

    for line in sys.stdin:
        task = json.loads(line)
        child = os.fork()
        if child == 0:
            live(task)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
