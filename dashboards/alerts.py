"""Alert rules, contact points and policies as Grafana's alerting files. What to judge is the collector's business.

Most rules look at the `alarm` measurement: the collector has weighed samples, opening hours and outages, and one alarm
there is one alert here, named by its kind, subject and county. A few ask for themselves, because a collector that is dead
raises no alarm. Refuses secrets: addresses come from the environment (provisioning/grafana.env).
"""

from dataclasses import dataclass
from typing import Any

from dashboards.influx import Source

FOLDER = "满意评价报警"
LOOK = "30s"
RUNBOOK = "docs/RUNBOOK.md"
LATELY_S = 600
CERTIFICATE_DAYS = 14  # the collector reminds from 60 days on; this is the last call
DISK_LEAST = 0.05  # of the disk: a city fills that in weeks, and boxes wait when it is full
LAG_MS = 5_000  # promised is a second; five in every look of five minutes is no hiccup


@dataclass(frozen=True, slots=True)
class Kinds:
    """One rule on some kinds of the collector's alarms."""

    uid: str
    title: str
    kinds: tuple[str, ...]
    severity: str


@dataclass(frozen=True, slots=True)
class Direct:
    """A rule that asks for itself: fires if the last value is `below` or `above` the limit."""

    uid: str
    title: str
    source: Source
    query: str
    how: str
    limit: float
    lasts: str
    severity: str
    said: str
    silence: str = "OK"  # what no data means


COLLECTOR = (
    Kinds("manyi-dissatisfied", "窗口不满意占比过高 / Too many dissatisfied in a window", ("dissatisfied",), "warning"),
    Kinds("manyi-unacknowledged", "不满意未及时知悉 / A red that nobody has seen", ("unacknowledged",), "warning"),
    Kinds("manyi-silent", "评价器失联（整片失联合为一条） / Boxes silent (an outage is one)", ("silent", "outage"), "warning"),
    Kinds("manyi-red-key", "红键可疑 / A red key silent against its peers", ("red_key",), "warning"),
    Kinds("manyi-account", "对账不符 / The account does not add up", ("account", "shown"), "critical"),
    Kinds("manyi-fork", "记录分叉或断链 / A fork or a broken chain", ("fork", "break"), "critical"),
    Kinds("manyi-behind", "采集或汇总落后 / The collector is behind", ("behind", "projection", "stalled", "broker", "feed"), "critical"),
    Kinds("manyi-disk", "磁盘将满 / The disk fills up", ("disk", "disk_full"), "critical"),
    Kinds("manyi-certificate", "证书将到期 / A certificate expires", ("certificate",), "warning"),
    Kinds(
        "manyi-box", "评价器需要检查 / A box needs somebody", ("stuck", "keytest", "loss", "clock", "config", "badge", "undated", "update"), "warning",
    ),
)  # fmt: skip
DIRECT = (
    Direct(
        "manyi-collector-silent", "采集器没有消息 / The collector is silent", Source.WALL,
        'SELECT count("up_ms") FROM "collector" WHERE time >= now() - 3m', "below", 1, "1m", "critical",
        "三分钟没有采集器消息，大屏数字已停住；按键仍保存在评价器里", "Alerting",
    ),
    Direct(
        "manyi-account-off", "全市对账不符 / The city's account is off", Source.WALL,
        "SELECT last(\"ok\") FROM \"account\" WHERE \"scope\" = 'city' AND time >= now() - 10m", "below", 1, "2m", "critical",
        "全市按下与入库、待传、承认丢失之和不等",
    ),
    Direct(
        "manyi-lag", "实时按键入库变慢 / Live presses are slow", Source.WALL,
        'SELECT min("live_lag_ms") FROM "collector" WHERE time >= now() - 5m', "above", LAG_MS, "1m", "warning",
        "五分钟内实时按键入库一直超过 5 秒",
    ),
    Direct(
        "manyi-disk-low", "磁盘剩余不足 / Little disk left", Source.WALL,
        'SELECT last("disk_free_ratio") FROM "collector" WHERE time >= now() - 10m', "below", DISK_LEAST, "5m", "critical",
        "采集器所在磁盘剩余不足 5%",
    ),
    Direct(
        "manyi-certificate-last", "证书即将失效 / A certificate is about to lapse", Source.WALL,
        'SELECT last("days_left") FROM "certificate" WHERE time >= now() - 1d GROUP BY "name"', "below", CERTIFICATE_DAYS, "10m",
        "critical", "证书 {{ $labels.name }} 不足 14 天",
    ),
)  # fmt: skip


def of_kinds(kinds: tuple[str, ...]) -> str:
    """Which alarms of these kinds hold now: 1, or 0 for ten minutes after."""
    which = " OR ".join(f"\"kind\" = '{kind}'" for kind in kinds)
    return f'SELECT last("active") FROM "alarm" WHERE ({which}) AND time >= now() - 10m GROUP BY "kind", "subject", "county"'


def of_others() -> str:
    """Alarms of a kind that no rule above knows: a later collector's."""
    known = " AND ".join(f"\"kind\" != '{kind}'" for rule in COLLECTOR for kind in rule.kinds)
    return f'SELECT last("active") FROM "alarm" WHERE {known} AND time >= now() - 10m GROUP BY "kind", "subject", "county"'


def files() -> dict[str, dict[str, Any]]:
    """rules.yaml and notify.yaml, as data."""
    where = "{{ $labels.kind }} {{ $labels.subject }} {{ $labels.county }}"
    rules = [
        _rule(
            k.uid, k.title, Source.WALL, of_kinds(k.kinds), "above", 0, "0s", k.severity,
            f"{where}：内容见大屏“报警”一格", f"{RUNBOOK}#{{{{ $labels.kind }}}}", "OK",
        )
        for k in COLLECTOR
    ]  # fmt: skip
    rules.append(
        _rule(
            "manyi-other", "其他报警 / Another alarm", Source.WALL, of_others(), "above", 0, "0s", "warning",
            f"{where}：内容见大屏“报警”一格", f"{RUNBOOK}#{{{{ $labels.kind }}}}", "OK",
        )
    )  # fmt: skip
    rules += [
        _rule(
            d.uid,
            d.title,
            d.source,
            d.query,
            d.how,
            d.limit,
            d.lasts,
            d.severity,
            d.said,
            f"{RUNBOOK}#{d.uid}",
            d.silence,
        )
        for d in DIRECT
    ]
    groups = [{"orgId": 1, "name": "manyi", "folder": FOLDER, "interval": LOOK, "rules": rules}]
    return {"rules.yaml": {"apiVersion": 1, "groups": groups}, "notify.yaml": _notify()}


def _rule(
    uid: str, title: str, source: Source, query: str, how: str, limit: float, lasts: str, severity: str, said: str,
    runbook: str, silence: str,
) -> dict[str, Any]:  # fmt: skip
    span = {"from": LATELY_S, "to": 0}
    evaluator = {"type": "gt" if how == "above" else "lt", "params": [limit]}
    expression = {"datasource": {"type": "__expr__", "uid": "__expr__"}}
    return {
        "uid": uid,
        "title": title,
        "condition": "C",
        "for": lasts,
        "noDataState": silence,
        "execErrState": "Error",
        "labels": {"severity": severity},
        "annotations": {"summary": said, "runbook": runbook},
        "data": [
            {
                "refId": "A",
                "relativeTimeRange": span,
                "datasourceUid": source.value,
                "model": {"refId": "A", "query": query, "rawQuery": True, "resultFormat": "time_series"},
            },
            {
                "refId": "B",
                "relativeTimeRange": span,
                "datasourceUid": "__expr__",
                "model": {"refId": "B", "type": "reduce", "reducer": "last", "expression": "A", **expression},
            },
            {
                "refId": "C",
                "relativeTimeRange": span,
                "datasourceUid": "__expr__",
                "model": {
                    "refId": "C", "type": "threshold", "expression": "B", "conditions": [{"evaluator": evaluator}], **expression,
                },
            },
        ],
    }  # fmt: skip


def _notify() -> dict[str, Any]:
    """Critical ones at once and again every hour; what is of one county comes together."""
    webhook = {
        "uid": "manyi-webhook",
        "type": "webhook",
        "settings": {"url": "$MANYI_ALERT_WEBHOOK", "httpMethod": "POST"},
    }
    email = {
        "uid": "manyi-email",
        "type": "email",
        "settings": {"addresses": "$MANYI_ALERT_EMAIL", "singleEmail": True},
    }
    calm = {
        "group_by": ["alertname", "county"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
    }
    hasty = {
        "group_by": ["alertname", "county"],
        "group_wait": "0s",
        "group_interval": "1m",
        "repeat_interval": "1h",
    }
    return {
        "apiVersion": 1,
        "contactPoints": [{"orgId": 1, "name": "manyi", "receivers": [webhook, email]}],
        "policies": [
            {
                "orgId": 1,
                "receiver": "manyi",
                **calm,
                "routes": [
                    {"receiver": "manyi", "object_matchers": [["severity", "=", "critical"]], **hasty}
                ],
            }
        ],
    }
