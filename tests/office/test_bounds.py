"""Clients that send too much, too slowly or too often: turned away before a view sees them, and the others are served."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from manyi.office import bounds

from tests.office.people import People, form, log_in

PATIENCE_S = 60.0  # of this test: longer than any limit that it sets


def raw(town: People) -> socket.socket:
    return socket.create_connection(("127.0.0.1", town.office.port), PATIENCE_S)


def everything(line: socket.socket) -> bytes:
    """Until the server closes."""
    held = b""
    try:
        while more := line.recv(65536):
            held += more
    except ConnectionResetError:
        pass
    return held


def head(method: str, path: str, *more: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *more, "", ""]).encode()


@pytest.mark.parametrize("path", ["/login/", "/", "/nothing", "/hall/h0-0/", "/api/visits", "/api/duty"])
def test_a_body_larger_than_any_form_is_refused_by_what_it_announces(town: People, path: str) -> None:
    with raw(town) as line:
        line.sendall(head("POST", path, f"Content-Length: {bounds.TOLD_MAX + 1}"))
        said = everything(line)
    assert said.startswith(b"HTTP/1.1 413"), said


def test_a_body_that_announces_nothing_is_cut_off(town: People) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(64 * 1024):
            sent += 65_536
            yield b"x" * 65_536

    with town.browser() as client:
        try:
            said = client.post("/login/", content=endless()).status_code
        except httpx.TransportError:
            said = 413  # closed while we were still sending
    assert said == 413
    assert sent < 64 * 1024 * 1024


def test_a_message_of_two_lengths_hides_no_other(town: People) -> None:
    with raw(town) as line:
        two = head("POST", "/hall/h0-0/", "Content-Length: 4", "Transfer-Encoding: chunked")
        line.sendall(two + b"0\r\n\r\n" + head("GET", "/healthz"))
        said = everything(line)
    assert said.startswith(b"HTTP/1.1 400"), said
    assert said.count(b"HTTP/1.1") == 1


def test_a_form_still_arrives_whole(town: People) -> None:
    with town.browser() as client:
        told = {"csrfmiddlewaretoken": form(client.get("/login/")), "login": "a" * 40_000, "password": "b"}
        assert client.post("/login/", data=told).status_code == 200
        assert log_in(client, "staff").status_code == 302


def test_a_body_that_dribbles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []

    async def application(*_: Any) -> None:
        raise AssertionError("asked before the body was there")

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/login/", "headers": []}
    asyncio.run(bounds.bounded(application, body_s=0.2)(scope, receive, send))
    assert sent[0]["status"] == 408


@pytest.mark.parametrize("first", [b"", b"GET / HT", head("GET", "/healthz") + b"GET / HTTP/1.1\r\nX: "])
def test_a_head_that_never_ends_is_given_up(
    town: People, monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    monkeypatch.setattr(bounds.Protocol, "head_s", 0.3)
    with raw(town) as line:
        line.sendall(first)
        everything(line)  # or the socket's own patience fails the test


def test_a_stream_outlives_the_patience_for_heads(town: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds.Protocol, "head_s", 1.5)  # time enough for its own head
    with town.browser("centre") as client, client.stream("GET", "/events") as answer:
        beats = 0
        for line in answer.iter_lines():
            beats += line == "event: beat"
            if beats == 3:
                break
    assert beats == 3


def test_connections_leave_files_for_the_stores(town: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "connections_max", lambda: 5)
    lines = [raw(town) for _ in range(12)]
    try:
        assert everything(lines[-1]) == b""
    finally:
        for line in lines:
            line.close()


def test_a_websocket_is_no_error_of_the_server(town: People) -> None:
    with raw(town) as line:
        upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
        line.sendall(head("GET", "/events", *upgrade, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
        assert line.recv(64).startswith(b"HTTP/1.1 401")
