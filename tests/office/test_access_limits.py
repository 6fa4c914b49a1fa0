"""How often and how long: guesses under another host name, all guesses at once, idle sessions."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.office.city import City
from tests.office.people import HTTP, PATIENCE_S, People, log_in, people


def test_another_port_in_the_host_name_is_not_another_account(town: People) -> None:
    for at in range(10):
        headers = {"X-Forwarded-For": f"192.0.2.{at}", "Host": f"127.0.0.1:{at + 1}"}
        with httpx.Client(
            base_url=town.office.url, trust_env=False, timeout=PATIENCE_S, headers=headers
        ) as client:
            log_in(client, "staff", "wrong")
    with town.browser() as client:
        assert log_in(client, "staff").status_code != 302


def test_guessing_all_at_once_does_not_take_the_collectors_memory(
    town: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon2 import low_level  # noqa: PLC0415
    from manyi.office.access import passwords  # noqa: PLC0415

    busy, most, lock = 0, 0, threading.Lock()
    real = low_level.hash_secret

    def counted(*parts: Any, **more: Any) -> bytes:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        try:
            time.sleep(0.05)  # so that they meet
            return real(*parts, **more)
        finally:
            with lock:
                busy -= 1

    monkeypatch.setattr(low_level, "hash_secret", counted)

    def guess(at: int) -> None:
        with town.browser() as client:
            log_in(client, f"nobody{at}", "wrong")

    with ThreadPoolExecutor(10) as crowd:
        list(crowd.map(guess, range(10)))
    assert 0 < most <= passwords.AT_ONCE


def test_an_idle_session_ends_at_the_server(accounts_template: Path, tmp_path: Path, city: City) -> None:
    from django.contrib.sessions.models import Session  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    with (
        people(
            accounts_template, tmp_path / "data", city, access=replace(HTTP, idle_minutes=7, recheck_ms=200)
        ) as town,
        town.browser("hall_leader") as client,
    ):

        def left_s() -> float:
            row = Session.objects.get(session_key=client.cookies["manyi"])
            return float((row.expire_date - timezone.now()).total_seconds())

        def wait(minutes: int) -> None:
            ends = timezone.now() + timedelta(seconds=left_s() - minutes * 60)
            Session.objects.filter(session_key=client.cookies["manyi"]).update(expire_date=ends)

        assert client.get("/").status_code == 200
        assert 6 * 60 < left_s() <= 7 * 60
        wait(5)
        assert left_s() < 3 * 60
        assert client.get("/").status_code == 200
        assert left_s() > 6 * 60, "whoever works stays in"
        with client.stream("GET", "/events") as answer:
            lines = answer.iter_lines()
            assert next(lines)
            wait(8)
            for _ in lines:
                pass  # an open stream is no work: the server ends it
        assert client.get("/").headers["location"].startswith("/login/")
        assert client.get("/api/wall").status_code == 401


def test_a_login_lasts_as_long_as_the_rule_says(town: People) -> None:
    from django.contrib.sessions.models import Session  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    with town.browser() as client:
        log_in(client, "staff")
        row = Session.objects.get(session_key=client.cookies["manyi"])
        assert 29 * 60 < (row.expire_date - timezone.now()).total_seconds() <= 30 * 60
