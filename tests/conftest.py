import os
from pathlib import Path

import pytest

from r3mes_ray.cluster import prepare
from r3mes_ray.settings import Settings

# Ray reads its environment when it is imported, which test modules do while they are collected.
prepare(Settings())

E2E = Path(__file__).parent / "e2e"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """As root with CI=true a skipped end-to-end test is a failure: nothing may be left out silently."""
    outcome = yield
    report = outcome.get_result()
    strict = os.environ.get("CI") == "true" and os.geteuid() == 0
    if strict and report.skipped and not hasattr(report, "wasxfail") and E2E in Path(item.path).parents:
        report.outcome = "failed"
        report.longrepr = f"skipped, but CI runs every end-to-end test: {report.longrepr}"


def pytest_collection_modifyitems(items):
    """Cheap tests first: a broken unit is reported before a process is started."""
    order = ("architecture", "unit", "contract", "ray", "e2e")

    def rank(item):
        parts = Path(item.path).parts
        return next((n for n, name in enumerate(order) if name in parts), len(order))

    items.sort(key=rank)


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    """No test reads or writes the home of whoever runs it."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
