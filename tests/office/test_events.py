"""The event streams of a real uvicorn: heartbeat, pushes, pace, limits, slow clients, and a prompt end."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from manyi.office.pace import BEAT_MS, SNAPSHOT_GAP_MS

from tests.office.city import City

Serve = Callable[..., Any]
ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0

# A service as `manyi serve` composes it, with an invented city; says its port, and last that it has ended tidily.
SERVICE = """
import sys, threading
from pathlib import Path
from manyi.office import OfficeSettings, serve
from tests.office.city import City
serve.GRACE_S = 600
stop = threading.Event()
settings = OfficeSettings(Path(sys.argv[1]), port=0, source=City(1, 1), login=False)
serve.run(settings, stop, lambda host, port: print(port, flush=True))
print("ended", stop.is_set(), flush=True)
"""

Event = tuple[str, Any]


@contextlib.contextmanager
def stream(url: str) -> Iterator[Iterator[Event]]:
    """The events of a stream as (name, data)."""

    def events(lines: Iterator[str]) -> Iterator[Event]:
        name = ""
        for line in lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))

    with httpx.Client(trust_env=False, timeout=PATIENCE_S) as client, client.stream("GET", url) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield events(answer.iter_lines())


def picture(events: Iterator[Event], fits: Callable[[Any], bool] = lambda _: True, name: str = "wall") -> Any:
    """The next event of that name that fits."""
    end = time.monotonic() + PATIENCE_S
    for come, data in events:
        if come == name and fits(data):
            return data
        assert time.monotonic() < end, f"no such {name}"
    raise AssertionError("the stream ended")


def total(n: int) -> Callable[[Any], bool]:
    return lambda data: bool(data["total"]["n"] == n)


def pushed(events: Iterator[Event], fits: Callable[[Any], bool]) -> Any:
    """The next picture that fits, which no second passes without: of the beats, one a second, one may just have been due."""
    beats = 0
    for name, data in events:
        if name == "wall" and fits(data):
            return data
        beats += name == "beat"
        assert beats < 2, "it came with a later beat: nobody pushed it"
    raise AssertionError("the stream ended")


def as_seldom(told: list[Any], gap_ms: int) -> bool:
    """Whether they are `gap_ms` apart, by the server's clock. A busy machine may stamp the first one late, by a gap at most."""
    return bool(told[-1]["now_ms"] - told[0]["now_ms"] >= (len(told) - 2) * gap_ms)


def test_who_asks_for_it_gets_the_same_stream_compressed(city: City, serve: Serve) -> None:
    with serve(city) as office, httpx.Client(trust_env=False, timeout=PATIENCE_S) as client:
        told = {}
        for coding in ("gzip, deflate, br", "identity"):
            with client.stream("GET", f"{office.url}/events", headers={"Accept-Encoding": coding}) as answer:
                raw, text = 0, ""
                for line in answer.iter_lines():
                    text += line
                    if line.startswith("data: ") and '"total"' in line:
                        told[coding] = json.loads(line.removeprefix("data: "))
                        break
                raw = answer.num_bytes_downloaded
                assert "Accept-Encoding" in answer.headers["vary"]
                packed = coding != "identity"
                assert ("content-encoding" in answer.headers) == packed
                assert (raw < len(text) / 2) == packed
        one, other = (
            {key: value for key, value in each.items() if not key.endswith("_ms")} for each in told.values()
        )
        assert one == other


def test_a_quiet_city_is_one_picture_and_a_beat_every_second(city: City, serve: Serve) -> None:
    beats, pictures = [], 0
    with serve(city) as office, stream(f"{office.url}/events") as events:
        while len(beats) < 4:
            name, data = next(events)
            pictures += name == "wall"
            beats += [data] * (name == "beat")
    assert pictures == 1
    assert as_seldom(beats, BEAT_MS)
    assert all(beat["now_ms"] - beat["projected_ms"] < 2_000 for beat in beats)
    assert len({beat["build"] for beat in beats}) == 1


def test_a_press_is_pushed_and_does_not_wait_for_the_next_second(city: City, serve: Serve) -> None:
    with serve(city) as office, stream(f"{office.url}/events") as events:
        before = picture(events)["total"]["n"]
        picture(events, name="beat")
        city.press()
        after = pushed(events, total(before + 1))
    assert after["total"]["n"] == before + 1
    assert after["latest"][0]["id"] == city.latest[0]["id"]


def test_a_storm_of_presses_is_at_most_five_pictures_a_second_and_ends_right(
    city: City, serve: Serve
) -> None:
    stop = threading.Event()

    def storm() -> None:
        while not stop.wait(0.005):
            city.press()

    with serve(city) as office, stream(f"{office.url}/events") as events:
        thread = threading.Thread(target=storm)
        thread.start()
        try:
            pictures = [picture(events) for _ in range(8)]
        finally:
            stop.set()
            thread.join()
        city.press()
        assert picture(events, total(city.wall(0)["total"]["n"]))
    assert as_seldom(pictures, SNAPSHOT_GAP_MS)


def test_a_client_that_reads_nothing_holds_nobody_up(serve: Serve) -> None:
    city = City(17, 20)
    with serve(city) as office, socket.create_connection(("127.0.0.1", office.port)) as asleep:
        asleep.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asleep.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with stream(f"{office.url}/events") as events:
            picture(events)
            for _ in range(20):
                city.press()
                assert pushed(events, total(city.wall(0)["total"]["n"]))


def test_a_store_that_cannot_be_read_lets_the_figures_age_not_the_stream(city: City, serve: Serve) -> None:
    with serve(city) as office, stream(f"{office.url}/events") as events:
        first = picture(events, name="beat")
        city.down = "wall.db: gone"
        later = [data for name, data in (next(events) for _ in range(3)) if name == "beat"]
        assert later[-1]["projected_ms"] - first["projected_ms"] < later[-1]["now_ms"] - first["now_ms"]
        city.down = ""
        city.press()
        assert picture(events, total(city.wall(0)["total"]["n"]))


def test_too_many_screens_are_told_to_come_back(city: City, serve: Serve) -> None:
    with serve(city, max_streams=1) as office:
        with stream(f"{office.url}/events") as events:
            next(events)
            refused = httpx.get(f"{office.url}/events", trust_env=False, timeout=PATIENCE_S)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert httpx.get(f"{office.url}/api/wall", trust_env=False, timeout=PATIENCE_S).status_code == 200
        end = time.monotonic() + PATIENCE_S
        while (
            "manyi_office_streams 0.0"
            not in httpx.get(f"{office.url}/metrics", trust_env=False, timeout=PATIENCE_S).text
        ):
            assert time.monotonic() < end, "its place does not come free"
        with stream(f"{office.url}/events") as events:
            assert next(events)[0] == "wall"


def test_a_hall_stream_tells_only_released_batches(city: City, serve: Serve) -> None:
    with serve(city) as office, stream(f"{office.url}/events/hall/h0-0") as events:
        name, first = next(events)
        assert name == "hall"
        assert "staff" not in json.dumps(first)
        assert first["released"]["n"] % 5 == 0
        assert next(events)[0] == "beat"
        while city.hall("h0-0", 0)["released"]["n"] == first["released"]["n"]:
            city.press()
        assert (
            next(data for name, data in events if name == "hall")["released"]["n"]
            >= first["released"]["n"] + 5
        )


def test_a_hall_that_does_not_exist_has_no_stream(city: City, serve: Serve) -> None:
    with serve(city) as office:
        assert (
            httpx.get(f"{office.url}/events/hall/nowhere", trust_env=False, timeout=PATIENCE_S).status_code
            == 404
        )


def test_sigterm_ends_the_service_at_once_although_screens_are_open(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SERVICE, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with (
            stream(f"http://127.0.0.1:{port}/events") as first,
            stream(f"http://127.0.0.1:{port}/events/hall/h0-0") as second,
        ):
            next(first), next(second)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0, "it waits for its clients"
        assert process.stdout.read() == "ended True\n"


def test_a_port_that_is_taken_is_an_error_at_once(city: City, serve: Serve, tmp_path: Path) -> None:
    from manyi.office import OfficeSettings  # noqa: PLC0415
    from manyi.office.serve import run  # noqa: PLC0415

    with serve(city) as office:
        taken = OfficeSettings(tmp_path, port=office.port, source=city, login=False)
        with pytest.raises(OSError, match="in use"):
            run(taken, threading.Event())
