"""Alert rules, contact points and policies as Grafana's alerting files. What to judge is the collector's business.

Most rules look at the `alarm` measurement: the collector has weighed samples, opening hours and outages, and one alarm
there is one alert here, in words with the place's name. A few ask for themselves, because a collector that is dead
raises no alarm; none asks for what an alarm says already, because one cause is to be one call. Refuses secrets: addresses
come from the environment (provisioning/grafana.env), and a storm of alerts when the database is away: one rule says
that for all.
"""

from dataclasses import dataclass
from typing import Any

from dashboards.influx import Source
from dashboards.queries import silence

FOLDER = "满意评价报警"
LOOK = "30s"
RUNBOOK = "docs/RUNBOOK.md"
LATELY_S = 600
SILENT_S = 180  # the collector writes every 10 s
CERTIFICATE_DAYS = 14  # the collector reminds from 60 days on; this is the last call
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
    silence: str = "OK"  # what no data means, and a question that fails


COLLECTOR = (
    Kinds("manyi-dissatisfied", "窗口不满意占比过高 / Too many dissatisfied in a window", ("dissatisfied",), "warning"),
    Kinds("manyi-unacknowledged", "不满意未及时知悉 / A red that nobody has seen", ("unacknowledged",), "warning"),
    Kinds("manyi-silent", "评价器失联（整片失联合为一条） / Boxes silent (an outage is one)", ("silent", "outage"), "warning"),
    Kinds("manyi-red-key", "红键可疑 / A red key silent against its peers", ("red_key",), "warning"),
    Kinds("manyi-rhythm", "窗口评价多得反常 / Far more ratings in a window than visitors", ("rhythm",), "warning"),
    Kinds("manyi-chain", "台账被改动 / The ledger was changed", ("chain",), "critical"),
    Kinds("manyi-account", "对账不符 / The account does not add up", ("account", "shown"), "critical"),
    Kinds("manyi-fork", "评价器记录分叉或有两份 / A box with two histories", ("fork", "lives"), "critical"),
    Kinds("manyi-behind", "采集或汇总落后 / The collector is behind", ("behind", "projection", "stalled", "broker", "feed"), "critical"),
    Kinds("manyi-disk", "磁盘将满 / The disk fills up", ("disk", "disk_full"), "critical"),
    Kinds("manyi-certificate", "证书将到期 / A certificate expires", ("certificate",), "warning"),
    Kinds(
        "manyi-box", "评价器需要检查 / A box needs somebody", ("flood", "stuck", "keytest", "untested", "loss", "break", "clock", "config", "undated"), "warning",
    ),
    Kinds("manyi-upkeep", "名册或程序要更新 / The roster or the program is out of date", ("badge", "signin", "update", "calendar"), "warning"),
)  # fmt: skip
DIRECT = (
    Direct(
        "manyi-collector-silent", "采集器没有消息 / The collector is silent", Source.WALL,
        silence("6h", "30s", 30).text, "above", SILENT_S, "30s", "critical",
        "三分钟没有采集器消息，或数据库问不到：大屏数字已停住，其他报警此时不报、已报的会误显示为恢复；按键仍保存在评价器里"
        " / Nothing heard of the collector for three minutes, or no answer of the database: other alerts are silent meanwhile",
        "Alerting",
    ),
    Direct(
        "manyi-lag", "按键上大屏变慢 / Presses are slow to reach the wall", Source.WALL,
        'SELECT min("live_lag_ms") FROM "collector" WHERE time >= now() - 5m', "above", LAG_MS, "1m", "warning",
        "五分钟内按键从入库到上大屏一直超过 5 秒 / For five minutes presses took over 5 s from the ledger to the wall",
    ),
    Direct(
        "manyi-certificate-last", "证书即将失效 / A certificate is about to lapse", Source.WALL,
        'SELECT last("days_left") FROM "certificate" WHERE time >= now() - 1d GROUP BY "name"', "below", CERTIFICATE_DAYS, "10m",
        "critical", "证书 {{ $labels.name }} 不足 14 天 / Certificate {{ $labels.name }} ends within 14 days",
    ),
)  # fmt: skip


SERIES = '"kind", "subject", "county", "name", "name_en"'
WORDS = {
    "dissatisfied": ("不满意占比过高", "too many dissatisfied"), "unacknowledged": ("不满意超时无人知悉", "reds that nobody has seen"),
    "silent": ("评价器失联", "box silent"), "outage": ("整片评价器失联", "boxes silent all at once"),
    "red_key": ("红键可疑", "is its red key dead?"), "chain": ("台账被改动或损坏", "the ledger is not what was written"),
    "account": ("对账不符", "its account is off"),
    "shown": ("大屏合计与台账不符", "the wall's sum is off"), "fork": ("记录分叉", "two histories"),
    "rhythm": ("评价多得反常", "far more ratings than others have"),
    "lives": ("两份记录轮流上报", "two journals in turn"),
    "break": ("记录链断开", "a broken chain"), "behind": ("汇总落后", "figures are behind"),
    "projection": ("汇总写入失败", "a projection fails"), "stalled": ("台账写不进去", "the ledger cannot be written"),
    "broker": ("连不上消息服务器", "no link to the broker"), "feed": ("采集区文件接不上", "files do not follow on"),
    "disk": ("数据盘快满", "the disk fills up"), "disk_full": ("数据盘已满，采集暂停", "the disk is full, taking in has stopped"),
    "certificate": ("证书将到期", "a certificate ends"), "flood": ("消息过多，已限速", "floods, and was slowed down"),
    "stuck": ("有键卡住", "a key is stuck"),
    "keytest": ("按键测试未通过", "failed its key test"), "untested": ("今日未做按键测试", "no key test today"), "loss": ("丢失按键", "presses lost"),
    "clock": ("时钟不可信", "a clock that cannot be right"), "config": ("拒绝新设置", "refused its settings"),
    "badge": ("未知工牌", "an unknown badge"), "undated": ("有按键尚无时间", "presses without a time"),
    "update": ("有更新格式的记录未计入", "records of a newer format"), "signin": ("签到里有名册没有的窗口或工号", "sign-ins of nobody in the roster"),
    "calendar": ("明年放假安排尚未收录", "the holidays to come are not known"),
}  # fmt: skip


def in_words(kinds: tuple[str, ...]) -> str:
    """What has happened and where, for whoever reads it on a telephone: 「整片评价器失联：松河县（sh）」. What concerns the
    service itself has no place, and what has no name but its id is not said twice."""
    zh, en = (_by_kind({kind: WORDS[kind][lang] for kind in kinds}) for lang in (0, 1))
    placed, named, end = (
        '{{ if ne $labels.subject "-" }}',
        "{{ if ne $labels.name $labels.subject }}",
        "{{ end }}",
    )
    which = f"{named}（{{{{ $labels.subject }}}}）{end}"
    return f"{zh}{placed}：{{{{ $labels.name }}}}{which}{end} / {placed}{{{{ $labels.name_en }}}}: {end}{en}"


def _by_kind(words: dict[str, str]) -> str:
    """A Go template that says the word of the alert's kind."""
    if not words:
        return "{{ $labels.kind }}"
    *others, last = words.values()
    said = "".join(
        f'{{{{ if eq $labels.kind "{k}" }}}}{w}{{{{ else }}}}' for k, w in zip(words, others, strict=False)
    )
    return said + last + "{{ end }}" * len(others)


def of_kinds(kinds: tuple[str, ...]) -> str:
    """Which alarms of these kinds hold now: 1, or 0 for ten minutes after."""
    which = " OR ".join(f"\"kind\" = '{kind}'" for kind in kinds)
    return f'SELECT last("active") FROM "alarm" WHERE ({which}) AND time >= now() - 10m GROUP BY {SERIES}'


def of_others() -> str:
    """Alarms of a kind that no rule above knows: a later collector's."""
    known = " AND ".join(f"\"kind\" != '{kind}'" for rule in COLLECTOR for kind in rule.kinds)
    return f'SELECT last("active") FROM "alarm" WHERE {known} AND time >= now() - 10m GROUP BY {SERIES}'


def files() -> dict[str, dict[str, Any]]:
    """rules.yaml and notify.yaml, as data."""
    rules = [
        _rule(
            k.uid, k.title, Source.WALL, of_kinds(k.kinds), "above", 0, "0s", k.severity,
            in_words(k.kinds), f"{RUNBOOK}#{{{{ $labels.kind }}}}", "OK",
        )
        for k in COLLECTOR
    ]  # fmt: skip
    rules.append(
        _rule(
            "manyi-other", "其他报警 / Another alarm", Source.WALL, of_others(), "above", 0, "0s", "warning",
            in_words(()), f"{RUNBOOK}#{{{{ $labels.kind }}}}", "OK",
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
    runbook: str, without: str,
) -> dict[str, Any]:  # fmt: skip
    span = {"from": LATELY_S, "to": 0}
    evaluator = {"type": "gt" if how == "above" else "lt", "params": [limit]}
    expression = {"datasource": {"type": "__expr__", "uid": "__expr__"}}
    return {
        "uid": uid,
        "title": title,
        "condition": "C",
        "for": lasts,
        "noDataState": without,
        "execErrState": without,
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
