"""Runs `r3mes` commands in processes that are killed at one point of their journal: `mortal.py HOME`.

A line of JSON on standard input names a command, its files and its death: `{"arguments": [...], "out": path,
"log": path, "dies": {"record": "tx_signed commit", "when": "before", "delay_s": 0}}`, or null for none.
The command runs in a process of its own, forked when everything was imported, and one line with its exit code answers
(-9 when it was killed). Death is SIGKILL, just before the record is written, or `delay_s` after it is on disk.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from r3mes_ray.cluster import prepare
from r3mes_ray.settings import load_settings


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def name_of(record):
    return f"{record.kind} {record.step}" if record.kind.startswith("tx_") else record.kind


def doom(dies):
    """Make the journal of this process its end."""
    from r3mes_ray.training.journal import Journal

    append = Journal.append

    def die_later():
        time.sleep(dies["delay_s"])
        die()

    def deadly(journal, record):
        reached = name_of(record) == dies["record"]
        if reached and dies["when"] == "before":
            die()
        append(journal, record)
        if reached and dies["delay_s"]:
            threading.Thread(target=die_later, daemon=True).start()
        elif reached:
            die()

    Journal.append = deadly


def live(task):
    """The forked process: never returns."""
    from r3mes_ray.cli.main import execute

    for number, path in ((1, task["out"]), (2, task["log"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if task["dies"]:
        doom(task["dies"])
    status = 1
    try:
        status = execute(task["arguments"])
    finally:
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
