"""Sets up InfluxDB 2 for us: organisation, buckets, names for InfluxQL, and one token for each that may do one thing.

    operator token ─▶ collector's token   writes our buckets, reads none
                   └▶ Grafana's token     reads wall, rollup and day, writes none

A server without an owner is onboarded first. Every step looks before it acts, so that the same call again changes
nothing, and mends what somebody has dropped. Tokens go into files that only their owner reads; it refuses to
return, print or log one, and to touch a bucket that is not ours.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from manyi.core import whole
from manyi.core.config import secret
from manyi.core.errors import SetupError
from manyi.words import both

TIMEOUT_S = 30.0  # a server that has just been started answers its first request slowly
DAY_S = 86_400
RAW_S = 90 * DAY_S  # single ratings: a quarter is enough for any complaint; the ledger has them for good
ROLLUP_S = 3 * 365 * DAY_S  # three years to compare
FOR_EVER = 0
# One file a shard, and a query pays for every series in every one of them: a year of daily points in weekly shards
# takes twenty times as long as in one. A shard is dropped as a whole, so it must be short against what is kept.
SHARD_S = {RAW_S: 7 * DAY_S, ROLLUP_S: 91 * DAY_S, FOR_EVER: 3 * 364 * DAY_S}
ADMIN = "manyi-admin"
COLLECTOR, GRAFANA = "manyi collector (write)", "manyi Grafana (read)"
POLICY = "autogen"  # the retention policy's name that InfluxQL asks for when none is named

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Names:
    """The organisation and our buckets."""

    org: str = "manyi"
    raw: str = "manyi"
    rollup: str = "manyi_rollup"
    day: str = "manyi_day"
    wall: str = "manyi_wall"

    @property
    def kept_s(self) -> dict[str, int]:
        """Seconds that each bucket keeps its points."""
        return {self.raw: RAW_S, self.rollup: ROLLUP_S, self.day: FOR_EVER, self.wall: RAW_S}


@dataclass(frozen=True, slots=True)
class Files:
    """Where secrets lie, each 0600."""

    operator: Path
    password: Path
    collector: Path
    grafana: Path


def init(url: str, names: Names, files: Files, say: Say) -> None:
    """Brings the server to what we need. Raises SetupError with what is in the way; can be run again."""
    if len(names.kept_s) != 4:
        raise SetupError(
            both(
                "四个存储桶要有四个名称：否则大屏会读到涉及个人的数据",
                "The four buckets need four names: only so can the wall be kept from what names persons.",
            )
        )
    server = _Server(url.rstrip("/"))
    try:
        _own(server, names, files, say)
        org = _org(server, names.org, say)
        buckets = {name: _bucket(server, org, name, kept, say) for name, kept in names.kept_s.items()}
        for name, bucket in buckets.items():
            _dbrp(server, org, name, bucket, say)
        writes = [_may("write", org, each) for each in buckets.values()]
        reads = [_may("read", org, buckets[name]) for name in (names.wall, names.rollup, names.day)]
        _token(server, org, COLLECTOR, writes, files.collector, say)
        _token(server, org, GRAFANA, reads, files.grafana, say)
    finally:
        server.close()


class _Server:
    """The v2 API as JSON. Its errors are SetupErrors that never carry a request's body."""

    def __init__(self, url: str) -> None:
        self.url, self.token = url, ""
        self._http = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S)

    def close(self) -> None:
        self._http.clear()

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Token {self.token}"
        where = f"{self.url}/api/v2/{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            answer = self._http.request(method, where, body=data, headers=headers)
            said = json.loads(answer.data) if answer.data else None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise SetupError(
                both(f"{self.url}：InfluxDB 没有应答", f"InfluxDB does not answer ({error}).")
            ) from error
        except ValueError as error:
            raise SetupError(
                both(
                    f"{self.url}：不是 InfluxDB 2",
                    f"this is no InfluxDB 2 ({method} {path}: {answer.status}).",
                )
            ) from error
        if answer.status in (401, 403):
            raise SetupError(
                both(
                    f"{self.url}：不接受这个管理令牌",
                    f"the operator token is not accepted ({method} {path}: {answer.status}).",
                )
            )
        if answer.status >= 400:
            why = said.get("message", "") if isinstance(said, dict) else ""
            raise SetupError(
                both(
                    f"{self.url}：InfluxDB 拒绝了 {method} {path}（{answer.status} {why}）",
                    f"InfluxDB refused it: {answer.status} {why}",
                )
            )
        return said


def _own(server: _Server, names: Names, files: Files, say: Say) -> None:
    """Takes the operator token, after onboarding a server that has no owner yet."""
    if not server.call("GET", "setup")["allowed"]:
        if not files.operator.exists():
            raise SetupError(
                both(
                    f"{server.url} 已有主人：请把操作员令牌写入 {files.operator}（权限 0600）",
                    f"{server.url} has an owner already. Put an operator token into {files.operator} (mode 0600)",
                ),
                both(
                    "  令牌：influx auth create --operator，或首次设置时的全权令牌",
                    "influx auth create --operator, or the all-access token of its first set-up.",
                ),
            )
        server.token = secret(files.operator, "operator token")
        return
    for path in (files.operator, files.password):  # before the server has them: it tells them only once
        if not path.exists():
            _keep(path, secrets.token_urlsafe(48))
    token, password = secret(files.operator, "operator token"), secret(files.password, "password")
    body = {"username": ADMIN, "password": password, "token": token, "org": names.org, "bucket": names.raw,
            "retentionPeriodSeconds": names.kept_s[names.raw]}  # fmt: skip
    server.call("POST", "setup", body)
    server.token = token
    say(
        both(
            f"已接管新服务器：账户 {ADMIN}，口令在 {files.password}，操作员令牌在 {files.operator}",
            f"onboarded: user {ADMIN}, password in {files.password}, operator token in {files.operator}",
        )
    )


def _org(server: _Server, name: str, say: Say) -> str:
    for org in server.call("GET", "orgs", limit="100")["orgs"]:
        if org["name"] == name:
            say(both(f"组织 {name}：已有", f"organisation {name}: there"))
            return str(org["id"])
    made = server.call("POST", "orgs", {"name": name})
    say(both(f"组织 {name}：已建", f"organisation {name}: made"))
    return str(made["id"])


def _bucket(server: _Server, org: str, name: str, kept_s: int, say: Say) -> str:
    """Makes it, or sets how long it keeps its points."""
    listed = server.call("GET", "buckets", orgID=org, limit="100")[
        "buckets"
    ]  # by name, a missing one is a 404
    found = [one for one in listed if one["name"] == name]
    rules = [{"type": "expire", "everySeconds": kept_s, "shardGroupDurationSeconds": SHARD_S[kept_s]}]
    days = kept_s // DAY_S
    zh, en = (f"保留 {days} 天", f"kept {days} days") if kept_s else ("永久保留", "kept for ever")
    if not found:
        made = server.call("POST", "buckets", {"orgID": org, "name": name, "retentionRules": rules})
        say(both(f"存储桶 {name}：已建，{zh}", f"bucket {name}: made, {en}"))
        return str(made["id"])
    had = found[0]
    if _expires(had) != (kept_s, SHARD_S[kept_s]):
        server.call("PATCH", f"buckets/{had['id']}", {"retentionRules": rules})
        say(both(f"存储桶 {name}：已有，改为{zh}", f"bucket {name}: there, now {en}"))
    else:
        say(both(f"存储桶 {name}：已有，{zh}", f"bucket {name}: there, {en}"))
    return str(had["id"])


def _expires(bucket: dict[str, Any]) -> tuple[int, int]:
    """Seconds that points are kept, and that a shard covers."""
    rules = [rule for rule in bucket["retentionRules"] if rule["type"] == "expire"]
    return max(
        ((rule["everySeconds"], rule.get("shardGroupDurationSeconds", 0)) for rule in rules), default=(0, 0)
    )


def _dbrp(server: _Server, org: str, name: str, bucket: str, say: Say) -> None:
    """InfluxQL asks a database of the bucket's name. Newer servers imply it; ours is stated, so that all have it."""
    for one in server.call("GET", "dbrps", orgID=org, db=name)["content"]:
        if one.get("virtual"):
            continue
        if one["bucketID"] == bucket and one["default"]:
            return
        server.call("DELETE", f"dbrps/{one['id']}", orgID=org)  # of a bucket that was dropped
    body = {"orgID": org, "bucketID": bucket, "database": name, "retention_policy": POLICY, "default": True}
    server.call("POST", "dbrps", body)
    say(both(f"InfluxQL 库 {name}：已建", f"InfluxQL database {name}: made"))


def _may(action: str, org: str, bucket: str) -> dict[str, Any]:
    return {"action": action, "resource": {"type": "buckets", "orgID": org, "id": bucket}}


def _token(server: _Server, org: str, what: str, may: list[dict[str, Any]], path: Path, say: Say) -> None:
    """Keeps a token that may do exactly this and whose file is there; else the old one is revoked and one is made."""
    found = server.call("GET", "authorizations", orgID=org)["authorizations"]
    had = [one for one in found if one["description"] == what]
    if path.exists() and any(_rights(one["permissions"]) == _rights(may) for one in had):
        held = secret(path, "token")
        if len(had) == 1 and had[0]["status"] == "active" and had[0].get("token", held) == held:
            say(both(f"令牌 {what}：已有，{path}", f"token {what}: there, {path}"))
            return
    made = server.call("POST", "authorizations", {"orgID": org, "description": what, "permissions": may})
    _keep(path, made["token"])
    for one in had:
        server.call("DELETE", f"authorizations/{one['id']}")
    gone_zh, gone_en = ("，旧的已作废", ", the old one is revoked") if had else ("", "")
    say(both(f"令牌 {what}：已建，{path}{gone_zh}", f"token {what}: made, {path}{gone_en}"))


def _rights(permissions: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(p["action"], p["resource"]["type"], p["resource"].get("id", "")) for p in permissions}


def _keep(path: Path, text: str) -> None:
    """A secret's file, whole or not at all, for its owner alone."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole.write(path, f"{text}\n".encode(), 0o600)
    except OSError as error:
        raise SetupError(both(f"{path}：写不进去", f"it cannot be written ({error}).")) from error
