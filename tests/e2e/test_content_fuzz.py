"""The readers of what comes from outside, under a coverage-guided fuzzer: no crash, no hang, no growth."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TARGET = Path(__file__).with_name("fuzz_target.py")
CORPUS = Path(__file__).parents[1] / "golden" / "fuzz"
READERS = ("safetensors", "dag_pb", "package", "car")
GROWTH_MB = 512
"""The fuzzer keeps what it found; a reader that keeps its inputs passes this within seconds."""
_EXECUTED, _PEAK = "number_of_executed_units:", "peak_rss_mb:"
LIMITS = ("-timeout=10", "-rss_limit_mb=3000", "-max_len=4096", "-print_final_stats=1")


def fuzz(reader, corpus, seconds):
    command = [
        sys.executable,
        str(TARGET),
        reader,
        *LIMITS,
        f"-max_total_time={seconds}",
        f"-artifact_prefix={corpus}/",
    ]
    done = subprocess.run(
        [*command, str(corpus)], capture_output=True, text=True, timeout=seconds + 300, check=False, cwd=corpus
    )
    assert done.returncode == 0, done.stderr[-3000:]
    executed, peak_mb = (int(done.stderr.rsplit(name, 1)[1].split()[0]) for name in (_EXECUTED, _PEAK))
    begun_mb = int(re.search(r"INITED.* rss: (\d+)Mb", done.stderr)[1])
    print(f"{reader}: {executed} inputs in {seconds} s, {begun_mb} MB at the start, {peak_mb} MB at most")
    assert peak_mb < begun_mb + GROWTH_MB
    return executed


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("reader", READERS)
def test_reader_fuzzed_for_ten_minutes_only_refuses(reader, tmp_path):
    shutil.copytree(CORPUS / reader, tmp_path / "corpus")
    assert fuzz(reader, tmp_path / "corpus", 600) > 10_000


@pytest.mark.e2e
@pytest.mark.parametrize("reader", READERS)
def test_reader_of_the_corpus_and_what_is_near_it_only_refuses(reader, tmp_path):
    shutil.copytree(CORPUS / reader, tmp_path / "corpus")
    assert fuzz(reader, tmp_path / "corpus", 3) > len(list((CORPUS / reader).iterdir()))
