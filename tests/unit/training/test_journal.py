import json
import os
import stat
import subprocess
import sys

import pytest

from r3mes_ray.errors import JournalDamaged, RoundBusy
from r3mes_ray.training.journal import journal_path, journalled_rounds, open_journal, read_journal
from r3mes_ray.training.proposer.workspace import sync_folder
from r3mes_ray.training.records import (
    Aggregated,
    Began,
    Committed,
    Ended,
    Excluded,
    Finalized,
    Prepared,
    Published,
    Revealed,
    TxDropped,
    TxSigned,
)

CHAIN, ROUND = "remes-test", 0
AGGREGATED = Aggregated("bafyA", "v2:00", "tiny/python@1", (0, 1, 2), (0, 2), (Excluded(1, "finite", "NaN"),), 0.25)
RECORDS = [
    Began(CHAIN, ROUND, "python", "remes1abc", 17),
    AGGREGATED,
    Published("bafyA"),
    Prepared("ab" * 32, "v2:cd"),
    TxSigned("commit", "0a0b", "AA", 4, 100),
    TxDropped("commit", "AA", "32"),
    TxSigned("commit", "0a0c", "AB", 5, 100),
    Committed(0, 20, "AB"),
    TxSigned("reveal", "0d", "AC", 6, 100),
    Revealed(0, 30, "AC"),
    Finalized(1, 40, "AD"),
    Ended("finalized", ""),
]


@pytest.fixture
def path(tmp_path):
    return journal_path(tmp_path, CHAIN, ROUND)


def write(home, records):
    with open_journal(home, CHAIN, ROUND) as journal:
        for record in records:
            journal.append(record)


@pytest.fixture
def unsynced(monkeypatch):
    """Files and folders that were changed since they were last synced: a power cut may take that back."""
    changed, write, sync, make = set(), os.write, os.fsync, os.mkdir

    def noted_write(file, data):
        changed.add(os.fstat(file).st_ino)
        return write(file, data)

    def noted_sync(file):
        sync(file)
        changed.discard(os.fstat(file).st_ino)

    def noted_make(path, *arguments):
        make(path, *arguments)
        changed.add(os.stat(os.path.dirname(path)).st_ino)

    monkeypatch.setattr(os, "write", noted_write)
    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "mkdir", noted_make)
    return changed


def test_journal_record_is_on_disk_when_its_append_returns(tmp_path, unsynced):
    with open_journal(tmp_path, CHAIN, ROUND) as journal:
        assert unsynced == set()
        for record in RECORDS:
            journal.append(record)
            assert unsynced == set()


def test_synced_folder_has_its_files_and_their_names_on_disk(tmp_path, unsynced):
    folder = tmp_path / "package"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_bytes(b"1")
        unsynced |= {path.stat().st_ino for path in (folder / name, folder)}
    sync_folder(folder)
    assert unsynced == set()


def test_journal_reopened_gives_back_every_record(tmp_path):
    write(tmp_path, RECORDS)
    with open_journal(tmp_path, CHAIN, ROUND) as journal:
        assert list(journal.records) == RECORDS
    progress = read_journal(tmp_path, CHAIN, ROUND)
    assert progress.committed == Committed(0, 20, "AB")
    assert progress.aggregated.excluded == (Excluded(1, "finite", "NaN"),)
    assert progress.signed == ()
    assert journalled_rounds(tmp_path, CHAIN) == (0,)


def test_journal_is_readable_by_its_owner_alone(tmp_path, path):
    path.parent.mkdir(parents=True)
    path.touch(mode=0o644)
    write(tmp_path, RECORDS[:1])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("records", range(1, len(RECORDS) + 1))
@pytest.mark.parametrize("torn", [b"{", b'{"sum": "00", "record": {"kind": "began"}}\n', b"\xff\x00", b"\n"])
def test_journal_torn_last_line_is_dropped_and_the_next_record_follows_cleanly(tmp_path, path, records, torn):
    write(tmp_path, RECORDS[:records])
    with path.open("ab") as file:
        file.write(torn)
    with open_journal(tmp_path, CHAIN, ROUND) as journal:
        assert list(journal.records) == RECORDS[:records]
        journal.append(Ended("failed", "test"))
    with open_journal(tmp_path, CHAIN, ROUND) as journal:
        assert list(journal.records) == [*RECORDS[:records], Ended("failed", "test")]


def test_journal_cut_at_any_byte_keeps_the_whole_lines_before(tmp_path, path):
    write(tmp_path, RECORDS[:4])
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        whole = content[:length].count(b"\n")
        with open_journal(tmp_path, CHAIN, ROUND) as journal:
            assert list(journal.records) == RECORDS[:whole]


def test_journal_changed_byte_in_the_middle_is_an_error(tmp_path, path):
    write(tmp_path, RECORDS[:5])
    damaged = path.read_bytes().replace(b"abab", b"abac", 1)
    path.write_bytes(damaged)
    with pytest.raises(JournalDamaged, match="line 4"), open_journal(tmp_path, CHAIN, ROUND):
        pass
    assert path.read_bytes() == damaged


def test_journal_second_salt_is_refused_and_not_written(tmp_path):
    with open_journal(tmp_path, CHAIN, ROUND) as journal:
        for record in RECORDS[:4]:
            journal.append(record)
        with pytest.raises(ValueError, match="final"):
            journal.append(Prepared("ef" * 32, "v2:ee"))
        with pytest.raises(ValueError, match="final"):
            journal.append(AGGREGATED)
    assert read_journal(tmp_path, CHAIN, ROUND).prepared == Prepared("ab" * 32, "v2:cd")


def test_journal_of_a_round_in_work_is_busy_for_another_process(tmp_path):
    script = (
        "import sys, pathlib\n"
        "from r3mes_ray.training.journal import open_journal\n"
        "from r3mes_ray.errors import RoundBusy\n"
        "try:\n"
        f"    open_journal(pathlib.Path(sys.argv[1]), {CHAIN!r}, {ROUND}).__enter__()\n"
        "except RoundBusy:\n"
        "    sys.exit(7)\n"
    )
    with open_journal(tmp_path, CHAIN, ROUND):
        assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == 7
        with pytest.raises(RoundBusy), open_journal(tmp_path, CHAIN, ROUND):
            pass
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == 0


def test_journal_lines_are_json(tmp_path, path):
    write(tmp_path, RECORDS)
    kinds = [json.loads(line)["record"]["kind"] for line in path.read_text().splitlines()]
    assert kinds == [record.kind for record in RECORDS]


def test_journal_of_no_round_is_none(tmp_path):
    assert read_journal(tmp_path, CHAIN, ROUND) is None
    assert journalled_rounds(tmp_path, CHAIN) == ()
