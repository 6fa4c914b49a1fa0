"""The reverse proxy of the administrator's guide: its own lines, in the real nginx, before the real web application."""

from __future__ import annotations

import http.server
import json
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from manyi.broker import ca

from tests.office.city import City
from tests.office.people import HTTP, PASSWORD, PATIENCE_S, People, form, people
from tests.services.processes import Server, find, free_port, listens, missing

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAME = "wall.example.gov.cn"


def block(page: str, fence: str, behind: str = "127.0.0.1:8080") -> str:
    """The page's one block of nginx's configuration for the server behind that address."""
    text = (DOCS / page).read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```{fence}\n([^`]*proxy_pass http://{behind}[^`]*)^```$", text, re.MULTILINE)
    return str(found)


def test_the_two_pages_say_the_same() -> None:
    def proxied(text: str) -> set[str]:
        return {re.sub(r"\s+", " ", line) for line in re.findall(r"^\s*(proxy_[^;]*;)", text, re.MULTILINE)}

    assert proxied(block("zh/administrator.md", "nginx")) == proxied(block("ACCESS.md", ""))


class ByName(httpx.HTTPTransport):
    """Asks for the wall by its name, which no name server here knows."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["sni_hostname"] = NAME
        return super().handle_request(request)


@dataclass(frozen=True)
class Front:
    """nginx, and the office behind it. `browser` comes from an address of its own, which is not the proxy's."""

    town: People
    port: int
    context: ssl.SSLContext

    def browser(self, address: str = "127.0.0.1") -> httpx.Client:
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            timeout=PATIENCE_S,
            transport=ByName(verify=self.context, local_address=address),
            headers={"Host": f"{NAME}:{self.port}"},
        )

    def log_in(self, client: httpx.Client, **headers: str) -> httpx.Response:
        told = {
            "csrfmiddlewaretoken": form(client.get("/login/")),
            "login": "staff",
            "password": PASSWORD,
        }
        return client.post("/login/", data=told, headers={"Origin": f"https://{NAME}:{self.port}", **headers})


@pytest.fixture
def front(accounts_template: Path, tmp_path: Path, city: City) -> Iterator[Front]:
    now = datetime.now(UTC)
    guide = (DOCS / "zh" / "administrator.md").read_text(encoding="utf-8")
    ca.create(tmp_path / "ca", "test root", re.findall(r"--permit (\S+)", guide), None, now)
    ca.issue(tmp_path / "ca", [NAME], tmp_path / "tls", None, now)
    port = free_port()
    with people(
        accounts_template,
        tmp_path / "data",
        city,
        access=replace(HTTP, https=True),
        allowed_hosts=(NAME,),
    ) as town:
        server = (
            block("zh/administrator.md", "nginx")
            .replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
            .replace("/etc/nginx/manyi/", f"{tmp_path}/tls/")
            .replace("127.0.0.1:8080", f"127.0.0.1:{town.office.port}")
        )
        with proxied_by(tmp_path, server, port):
            yield Front(town, port, ssl.create_default_context(cafile=str(tmp_path / "tls" / "ca.crt")))


@contextmanager
def proxied_by(folder: Path, server: str, port: int) -> Iterator[None]:
    """nginx with this block alone."""
    program = find("nginx")
    if program is None:
        missing("nginx", "sudo apt install nginx-light")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{folders}{server}}}\n"
    )
    command = [str(program), "-e", "stderr", "-c", str(config)]
    assert subprocess.run([*command, "-t"], check=False).returncode == 0
    nginx = Server("nginx", command, folder / "nginx.log", lambda: listens(port))
    nginx.start()
    try:
        yield
    finally:
        nginx.stop()


def test_a_login_through_the_proxy_is_one_over_tls(front: Front) -> None:
    with front.browser() as client:
        done = front.log_in(client)
        assert done.headers["location"] == "/start/", done.text[:500]
        assert all("Secure" in cookie for cookie in done.headers.get_list("set-cookie"))
        assert "max-age" in done.headers["strict-transport-security"]
        assert client.get("/start/").headers["location"] == "/me/ratings/"
    with front.browser() as client:
        foreign = front.log_in(client, Origin="https://elsewhere.example")
        assert foreign.status_code == 403, "another page's form"


def test_the_address_is_the_browser_s_whatever_it_says_of_itself(front: Front) -> None:
    from auditlog.models import LogEntry  # noqa: PLC0415  needs configure()

    with front.browser("127.0.0.9") as client:
        assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401
        assert client.get("/healthz").status_code == 200
        front.log_in(client, **{"X-Forwarded-For": "10.9.9.9"})
    assert [each.remote_addr for each in LogEntry.objects.filter(additional_data__event="login")] == [
        "127.0.0.9"
    ]
    direct = httpx.get(f"{front.town.office.url}/metrics", trust_env=False, timeout=PATIENCE_S)
    assert direct.status_code == 200, "this machine itself is asked without the proxy"


def test_a_name_that_is_not_ours_is_refused(front: Front) -> None:
    with front.browser() as client:
        assert client.get("/login/").status_code == 200
        assert client.get("/login/", headers={"Host": "evil.example"}).status_code == 400


def test_the_wall_s_stream_is_not_held_back(front: Front) -> None:
    """A proxy that buffers would keep these few bytes for minutes: our answer tells it not to."""
    from tests.office.people import session  # noqa: PLC0415  needs configure()

    cookie = {"Cookie": f"__Host-manyi={session(front.town.user('centre'))}"}
    with front.browser() as client, client.stream("GET", "/events", headers=cookie) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        beats = 0
        while beats < 2:
            beats += next(lines) == "event: beat"
        front.town.city.press()
        while next(lines) != "event: wall":
            pass


def test_grafana_is_reached_by_its_name_and_over_tls_alone(tmp_path: Path) -> None:
    """By a stand-in that tells what it was asked: Grafana compares Host with Origin, and its pushes are a WebSocket."""
    now, port = datetime.now(UTC), free_port()
    ca.create(tmp_path / "ca", "test root", [NAME], None, now)
    ca.issue(tmp_path / "ca", [NAME], tmp_path / "tls", None, now)

    class Grafana(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    behind = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Grafana)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    server = (
        block("zh/administrator.md", "nginx", "127.0.0.1:3000")
        .replace("listen 3443 ssl", f"listen 127.0.0.1:{port} ssl")
        .replace("/etc/nginx/manyi/", f"{tmp_path}/tls/")
        .replace("127.0.0.1:3000", f"127.0.0.1:{behind.server_port}")
    )
    context = ssl.create_default_context(cafile=str(tmp_path / "tls" / "ca.crt"))
    try:
        with (
            proxied_by(tmp_path, server, port),
            httpx.Client(base_url=f"https://127.0.0.1:{port}", transport=ByName(verify=context)) as client,
        ):
            name = f"{NAME}:{port}"
            lied = {"Host": name, "X-Forwarded-For": "10.9.9.9"}
            for path in ("/d/manyi-city?kiosk", "/api/live/ws"):
                told = client.get(path, headers=lied | {"Upgrade": "websocket"}).json()
                assert told["host"] == name
                assert (told.get("upgrade") == "websocket") == (path == "/api/live/ws")
                assert (told["x-forwarded-for"], told["x-forwarded-proto"]) == ("127.0.0.1", "https")
    finally:
        behind.shutdown()
        behind.server_close()
