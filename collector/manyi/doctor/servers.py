"""Servers asked over HTTP: our own web, InfluxDB with both tokens, Grafana and its data sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import urllib3

from manyi.core.config import Influx, secret
from manyi.core.errors import ManyiError
from manyi.doctor.finding import REBUILD_INFLUX, Finding, Place, bad, good, skipped, warn, why

CLOCK_S: Final = 5.0  # two machines of one installation apart by more: somebody has no time service
OPERATOR: Final = "--operator-token-file /srv/influx-admin/influx.operator.token"
ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


def ask(place: Place, method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
    """Raises HTTPError if nobody answers. No proxy is asked, whatever the shell says; our own certificate is for another
    name than this machine's address, and its end is watched elsewhere."""
    trust = "CERT_NONE" if url.startswith(own(place)) else "CERT_REQUIRED"
    with urllib3.PoolManager(retries=False, timeout=place.timeout_s, cert_reqs=trust) as pool:
        return pool.request(method, url, **options)


def own(place: Place) -> str:
    host = place.config.web.host
    scheme = "https" if place.config.web.cert_file else "http"
    return f"{scheme}://{ANY.get(host, host)}:{place.config.web.port}"


def metric(place: Place, name: str) -> float | None:
    """A figure of the running service; None if there is none."""
    try:
        text = ask(place, "GET", f"{own(place)}/metrics").data.decode()
    except (urllib3.exceptions.HTTPError, OSError, UnicodeDecodeError):
        return None
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    return float(found.group(1)) if found else None


def web(place: Place) -> Iterator[Finding]:
    try:
        answer = ask(place, "GET", f"{own(place)}/healthz")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        yield bad(
            "web",
            f"网页打不开：{own(place)}",
            f"The page does not open: {own(place)} ({type(error).__name__})",
            "systemctl status manyi；没有运行就 systemctl start manyi",
            "systemctl status manyi; if it does not run, systemctl start manyi",
        )
        return
    if answer.status != 200:
        yield bad(
            "web",
            f"服务说自己不正常：{_said(answer)}",
            f"The service says that it is not well: {_said(answer)}",
            "journalctl -u manyi 看原因；报警手册（RUNBOOK）有各项的处理",
            "journalctl -u manyi says why; RUNBOOK has what to do about each",
        )
    else:
        yield good("web", f"{own(place)} 正常", f"{own(place)} is well.")


def influx(place: Place) -> Iterator[Finding]:
    to = place.config.influx
    if to is None:
        yield skipped("influx", "没有配置 InfluxDB", "No [influx] section: only the built-in wall.")
        return
    try:
        answer = ask(place, "GET", f"{to.url.rstrip('/')}/health")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        yield bad(
            "influx",
            f"{to.url} 没有应答（不会丢，恢复后自动补发）",
            f"{to.url} does not answer ({type(error).__name__}); nothing is lost, it is sent later",
            "systemctl status influxdb；没有运行就 systemctl start influxdb",
            "systemctl status influxdb; if it does not run, systemctl start influxdb",
        )
        return
    yield from _apart(place, "influx", answer)
    try:
        token = secret(to.token_file, "InfluxDB token")
    except ManyiError as error:
        zh, en = why(error)
        yield bad(
            "influx",
            f"令牌读不了：{zh}",
            f"The token cannot be read: {en}",
            f"chown manyi:manyi {to.token_file}; chmod 600 {to.token_file}",
        )
        return
    yield from _writes(place, to, token)
    yield from _reads_nothing(place, to, token)
    grafana = to.token_file.with_name("influx.grafana.token")
    if grafana.is_file():
        yield from _grafana_token(place, to, grafana)


def _init(to: Influx) -> str:
    """The command that makes buckets and tokens again, as the guide has it (IV)."""
    return (
        f"manyi influx init --url {to.url} --dir {to.token_file.parent} {OPERATOR}; "
        f"chown manyi:manyi {to.token_file}; systemctl restart manyi"
    )


def _said(answer: urllib3.BaseHTTPResponse) -> str:
    return answer.data[:200].decode(errors="replace")


def _write_nothing(place: Place, to: Influx, bucket: str, token: str) -> int:
    """An empty write: InfluxDB looks at the rights and then has nothing to do."""
    query = urlencode({"org": to.org, "bucket": bucket, "precision": "ms"})
    answer = ask(
        place,
        "POST",
        f"{to.url.rstrip('/')}/api/v2/write?{query}",
        body=b"",
        headers={"Authorization": f"Token {token}"},
    )
    return answer.status


def _writes(place: Place, to: Influx, token: str) -> Iterator[Finding]:
    wrong = False
    for bucket in filter(None, (to.bucket, to.wall_bucket, to.rollup_bucket, to.day_bucket)):
        status = _write_nothing(place, to, bucket, token)
        if status in (401, 403):
            wrong = True
            yield bad(
                "influx",
                f"令牌不能写 {bucket}（返回码 {status}）",
                f"The token may not write {bucket} ({status})",
                f"重做令牌：{_init(to)}",
                f"make a new one: {_init(to)}",
            )
        elif status == 404:
            wrong = True
            yield bad(
                "influx",
                f"没有存储桶 {bucket}",
                f"There is no bucket {bucket}",
                f"建存储桶：{_init(to)}; {REBUILD_INFLUX}",
                f"make it: {_init(to)}; {REBUILD_INFLUX}",
            )
        elif status >= 300:
            wrong = True
            yield bad(
                "influx",
                f"写 {bucket} 时 InfluxDB 出错（返回码 {status}）",
                f"InfluxDB fails at writing {bucket} ({status})",
                "journalctl -u influxdb",
            )
    if not wrong:
        yield good("influx", "能写所有存储桶", "Every bucket can be written.")


def _reads_nothing(place: Place, to: Influx, token: str) -> Iterator[Finding]:
    if _readable(place, to, to.bucket, token):
        yield warn(
            "influx",
            "采集令牌还能读数据，权限过大",
            "The collector's token can read too, which is more than it needs",
            f"重做令牌：{_init(to)}",
            f"make a new one: {_init(to)}",
        )


def _grafana_token(place: Place, to: Influx, path: Path) -> Iterator[Finding]:
    try:
        token = secret(path, "Grafana token")
    except ManyiError:
        return  # the administrator's; not ours to read
    if to.wall_bucket and _write_nothing(place, to, to.wall_bucket, token) < 400:
        yield bad(
            "influx",
            "Grafana 的令牌能写数据：看大屏的人都能改数字",
            "Grafana's token can write: anybody at the wall could change figures",
            f"重做令牌：{_init(to)}；再装给 Grafana（管理员指南第八节）",
            f"make a new one: {_init(to)}; then hand it to Grafana (docs/GRAFANA.md)",
        )
    elif _readable(place, to, to.bucket, token):
        yield bad(
            "influx",
            "Grafana 的令牌能读含人员的存储桶",
            "Grafana's token reads the bucket that names staff",
            f"重做令牌：{_init(to)}；再装给 Grafana（管理员指南第八节）",
            f"make a new one: {_init(to)}; then hand it to Grafana (docs/GRAFANA.md)",
        )
    else:
        yield good(
            "influx", "Grafana 的令牌只读、看不到人员", "Grafana's token only reads, and sees no person."
        )


def _readable(place: Place, to: Influx, bucket: str, token: str) -> bool:
    query = urlencode({"db": bucket, "q": "SELECT last(n) FROM rating"})
    answer = ask(
        place, "GET", f"{to.url.rstrip('/')}/query?{query}", headers={"Authorization": f"Token {token}"}
    )
    return answer.status == 200 and b'"error"' not in answer.data


def grafana(place: Place) -> Iterator[Finding]:
    if not place.grafana:
        yield skipped(
            "grafana", "未指明 Grafana（--grafana）", "Grafana is not asked: name it with --grafana URL."
        )
        return
    url = place.grafana.rstrip("/")
    try:
        answer = ask(place, "GET", f"{url}/api/health")
        state = answer.json().get("database") if answer.status == 200 else ""
    except (urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError):
        yield bad(
            "grafana",
            f"{url} 没有 Grafana 应答",
            f"{url} does not answer as Grafana does",
            "systemctl status grafana-server；没有运行就 systemctl start grafana-server",
            "systemctl status grafana-server; if it does not run, systemctl start grafana-server",
        )
        return
    if state != "ok":
        yield bad(
            "grafana",
            f"{url}：Grafana 自己的数据库不正常（返回码 {answer.status}）",
            f"{url}: Grafana's own database is not well ({answer.status})",
            "journalctl -u grafana-server 看原因，再执行 systemctl restart grafana-server",
            "journalctl -u grafana-server says why; then systemctl restart grafana-server",
        )
        return
    yield from _apart(place, "grafana", answer)
    yield good("grafana", f"{url} 正常", f"{url} is well.")
    if place.grafana_token is None:
        yield skipped(
            "sources",
            "未查数据源（--grafana-token-file）",
            "Data sources are not asked: that needs --grafana-token-file.",
        )
        return
    yield from _sources(
        place, url, {"Authorization": f"Bearer {secret(place.grafana_token, 'Grafana token')}"}
    )


def _sources(place: Place, url: str, who: dict[str, str]) -> Iterator[Finding]:
    answer = ask(place, "GET", f"{url}/api/datasources", headers=who)
    if answer.status != 200:
        yield bad(
            "sources",
            f"令牌看不到数据源（返回码 {answer.status}）",
            f"This token may not see data sources ({answer.status})",
            f"换一把：在 Grafana 里建 Admin 角色的服务账户令牌，写进 {place.grafana_token}",
            f"make another, of a service account in Grafana with the role Admin, and put it into {place.grafana_token}",
        )
        return
    found = answer.json()
    if not found:
        yield bad(
            "sources",
            "Grafana 里没有数据源",
            "Grafana has no data source",
            "cp -r /etc/grafana/manyi/provisioning/. /etc/grafana/provisioning/; systemctl restart grafana-server",
        )
    for source in found:
        asked = ask(place, "GET", f"{url}/api/datasources/uid/{source['uid']}/health", headers=who)
        if asked.status == 200:
            yield good("sources", f"数据源 {source['name']} 正常", f"data source {source['name']} answers.")
        else:
            yield bad(
                "sources",
                f"数据源 {source['name']} 不通：{_said(asked)}",
                f"data source {source['name']} fails: {_said(asked)}",
                "查 systemctl status influxdb 和 /etc/grafana/manyi.token，再执行 systemctl restart grafana-server",
                "look at systemctl status influxdb and /etc/grafana/manyi.token, then systemctl restart grafana-server",
            )


def _apart(place: Place, what: str, answer: urllib3.BaseHTTPResponse) -> Iterator[Finding]:
    """The other machine's clock, by the Date of its answer."""
    try:
        offset = parsedate_to_datetime(answer.headers["Date"]).timestamp() - place.by_now_s()
    except (KeyError, TypeError, ValueError):
        return
    if abs(offset) > CLOCK_S + place.timeout_s:
        yield warn(
            "clock",
            f"与 {what} 那台机器的时间相差 {offset:.0f} 秒",
            f"{what}'s clock is {offset:.0f} s apart from ours",
            "核对两台机器：timedatectl；没有同步的那台执行 timedatectl set-ntp true",
            "check both machines: timedatectl; at the one that is not synchronised timedatectl set-ntp true",
        )
