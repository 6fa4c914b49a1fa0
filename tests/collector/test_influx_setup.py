"""`manyi influx init` against the real influxd: first run, again, mended, and what each token may not do."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from manyi.cli import app
from typer.testing import CliRunner

from tests.services.influx import Influx

TOKENS = ("influx.operator.token", "influx.admin.password", "influx.token", "influx.grafana.token")
NOW = time.time_ns()  # a bucket refuses what is older than it keeps


def init(url: str, folder: Path, *more: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["influx", "init", "--url", url, "--dir", str(folder), *more])
    return done.exit_code, done.output


def status(url: str, path: str, token: str, body: str | None = None, method: str | None = None) -> int:
    data = None if body is None else body.encode()
    request = urllib.request.Request(url + path, data, {"Authorization": f"Token {token}"}, method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            text = answer.read().decode()
            return 403 if '"error"' in text else int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def asks(url: str, token: str, bucket: str) -> int:
    query = urllib.parse.urlencode({"db": bucket, "q": "SELECT sum(n) FROM rating"})
    return status(url, f"/query?{query}", token)


def writes(url: str, token: str, bucket: str) -> int:
    return status(url, f"/api/v2/write?org=manyi&bucket={bucket}", token, f"rating n=1i {NOW}")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """An influxd that nobody owns yet; the module's tests go on from one another's state."""
    server = Influx(tmp_path_factory.mktemp("bare"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def secrets_of(bare: Influx, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    code, said = init(bare.url, folder)
    assert code == 0, said
    assert "onboarded" in said
    return folder


def held(folder: Path, name: str) -> str:
    return (folder / name).read_text().strip()


def test_first_run_says_everything_but_the_tokens_and_keeps_them_to_their_owner(
    bare: Influx, secrets_of: Path
) -> None:
    code, said = init(bare.url, secrets_of)
    assert code == 0
    assert "made" not in said, "the second run changes nothing"
    for name in TOKENS:
        assert (secrets_of / name).stat().st_mode & 0o777 == 0o600
        assert held(secrets_of, name) not in said
    assert "bucket manyi: there, kept 90 days" in said
    assert "bucket manyi_rollup: there, kept 1095 days" in said
    assert "bucket manyi_day: there, kept for ever" in said
    assert 'wall_bucket = "manyi_wall"' in said


def test_each_token_may_do_its_own_thing_and_no_other(bare: Influx, secrets_of: Path) -> None:
    collector, grafana = held(secrets_of, "influx.token"), held(secrets_of, "influx.grafana.token")
    for bucket in ("manyi", "manyi_rollup", "manyi_day", "manyi_wall"):
        assert writes(bare.url, collector, bucket) == 204
        assert asks(bare.url, collector, bucket) >= 400
        assert writes(bare.url, grafana, bucket) in (401, 403, 404)
        assert (asks(bare.url, grafana, bucket) == 200) is (bucket != "manyi"), bucket
    for token in (collector, grafana):
        assert status(bare.url, "/api/v2/orgs", token, '{"name":"x"}') in (401, 403)
        assert status(bare.url, "/api/v2/authorizations", token, '{"orgID":"x"}') >= 400


def test_dropped_bucket_and_lost_token_file_are_mended_and_the_old_token_is_dead(
    bare: Influx, secrets_of: Path
) -> None:
    operator, before = held(secrets_of, "influx.operator.token"), held(secrets_of, "influx.grafana.token")
    bare_id = _bucket_id(bare, operator, "manyi_wall")
    assert status(bare.url, f"/api/v2/buckets/{bare_id}", operator, method="DELETE") == 204
    (secrets_of / "influx.token").unlink()
    code, said = init(bare.url, secrets_of)
    assert code == 0, said
    assert "bucket manyi_wall: made" in said
    assert said.count("the old one is revoked") == 2
    assert asks(bare.url, before, "manyi_day") == 401
    assert writes(bare.url, held(secrets_of, "influx.token"), "manyi_wall") == 204
    assert asks(bare.url, held(secrets_of, "influx.grafana.token"), "manyi_wall") == 200
    assert "made" not in init(bare.url, secrets_of)[1]


def test_server_with_an_owner_needs_an_operator_token_and_one_that_others_may_read_is_refused(
    influx: Influx, tmp_path: Path
) -> None:
    code, said = init(influx.url, tmp_path, "--org", "second", "--prefix", "city")
    assert (code, "has an owner already" in said) == (2, True)
    operator = tmp_path / "operator"
    operator.write_text(influx.token)
    operator.chmod(0o644)
    also = ("--org", "second", "--prefix", "city", "--operator-token-file", str(operator))
    assert (init(influx.url, tmp_path, *also))[0] == 2
    operator.chmod(0o600)
    code, said = init(influx.url, tmp_path, *also)
    assert (code, "organisation second: made" in said) == (0, True), said
    operator.write_text("wrong")
    code, said = init(influx.url, tmp_path, *also)
    assert (code, "not accepted" in said) == (2, True)


def test_server_that_is_away_is_one_plain_line(tmp_path: Path) -> None:
    code, said = init("http://127.0.0.1:9", tmp_path)
    assert (code, "does not answer" in said, "Traceback" in said) == (2, True, False)


def _bucket_id(server: Influx, token: str, name: str) -> str:
    request = urllib.request.Request(
        f"{server.url}/api/v2/buckets?name={name}", headers={"Authorization": f"Token {token}"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return str(json.load(answer)["buckets"][0]["id"])
