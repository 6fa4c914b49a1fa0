"""Chromium as a fixture: its path, for tests that look at a page as it is drawn. Drives nothing itself."""

from __future__ import annotations

import pytest

from tests.services.processes import find, missing


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium or Chrome. As root it must be started with --no-sandbox."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if program := find(name):
            return program
    missing("Chromium", "sudo apt install chromium fonts-noto-cjk (or: make services)")
    raise AssertionError("missing() has ended the test")
