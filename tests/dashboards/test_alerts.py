"""Every alert rule as committed, its query on a real influxd, in the state that fires it and in the one that does not.

Grafana's part (last value of each series, a threshold, what no data means) is done here as its documentation says.
"""

from __future__ import annotations

import re
import time
from itertools import groupby
from typing import Any

import pytest
import yaml
from manyi.core.influx.lines import tag
from manyi.core.influx.watch import OVER_MS

from dashboards import alerts
from tests.dashboards.grafana import PROVISIONING, targets
from tests.dashboards.seeded import BUCKETS, Seeded
from tests.services.influx import Influx

(GROUP,) = yaml.safe_load((PROVISIONING / "alerting" / "rules.yaml").read_text(encoding="utf-8"))["groups"]
RULES = {rule["uid"]: rule for rule in GROUP["rules"]}
KINDS = {
    "manyi-dissatisfied": ["dissatisfied"], "manyi-unacknowledged": ["unacknowledged"], "manyi-silent": ["silent", "outage"],
    "manyi-red-key": ["red_key"], "manyi-account": ["account", "shown"], "manyi-fork": ["fork", "lives"],
    "manyi-chain": ["chain"], "manyi-rhythm": ["rhythm"],
    "manyi-behind": ["behind", "projection", "stalled", "broker", "feed"], "manyi-disk": ["disk", "disk_full"],
    "manyi-certificate": ["certificate"],
    "manyi-box": ["flood", "stuck", "keytest", "untested", "loss", "break", "clock", "config", "undated"],
    "manyi-upkeep": ["badge", "signin", "update", "calendar"],
    "manyi-other": ["of_next_year"],
}  # fmt: skip
MINUTE_S = 60
NAME, NAME_EN = "河口镇大厅1号窗口 社保登记", "Estuary Hall Window 1"


class Bucket:
    """The wall's bucket under another name, and the rules asked of it."""

    def __init__(self, server: Influx) -> None:
        self.server, self.name = server, server.bucket()
        self.now_s = time.time()

    def put(self, at: str, fields: str, ago_s: float = 5) -> None:
        self.server.write(self.name, [f"{at} {fields} {int((self.now_s - ago_s) * 1000)}000000"])

    def alarm(self, kind: str, subject: str = "sim-001", active: int = 1, ago_s: float = 5) -> None:
        at = (
            f"alarm,kind={tag(kind)},subject={tag(subject)},county=np,name={tag(NAME)},name_en={tag(NAME_EN)}"
        )
        self.put(at, f'active={active}i,text_zh="有事",text_en="Something",since_ms=1i', ago_s)

    def fires(self, uid: str) -> list[dict[str, str]]:
        return judge(RULES[uid], self.server.query(self.name, query(RULES[uid])))


def query(rule: dict[str, Any]) -> str:
    text: str = rule["data"][0]["model"]["query"]
    assert "$" not in text, "provisioning would take it for a variable of the environment"
    return text


def judge(rule: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The labels of each alert that fires; {} for one of no data."""
    asked, reduced, threshold = (one["model"] for one in rule["data"])
    assert (reduced["expression"], reduced["reducer"], threshold["expression"]) == (
        asked["refId"],
        "last",
        reduced["refId"],
    )
    assert rule["condition"] == threshold["refId"]
    assert rule["noDataState"] == rule["execErrState"]
    if not rows:
        return [{}] if rule["noDataState"] == "Alerting" else []
    (evaluator,) = (c["evaluator"] for c in threshold["conditions"])
    firing = []
    value = next(name for name in rows[0] if name in ("last", "age", "min"))

    def labels(row: dict[str, Any]) -> list[tuple[str, str]]:
        return sorted((k, str(v)) for k, v in row.items() if k not in ("time", value))

    for named, series in groupby(sorted(rows, key=labels), key=labels):
        last = list(series)[-1][value]
        (limit,) = evaluator["params"]
        if last > limit if evaluator["type"] == "gt" else last < limit:
            firing.append(dict(named))
    return firing


@pytest.fixture
def bucket(influx: Influx) -> Bucket:
    return Bucket(influx)


def test_the_list_of_kinds_here_is_that_of_the_rules() -> None:
    assert set(KINDS) < set(RULES)
    for uid, kinds in KINDS.items():
        named = [kind for kind in kinds if f"'{kind}'" in query(RULES[uid])]
        assert named == ([] if uid == "manyi-other" else kinds)


@pytest.mark.parametrize(("uid", "kind"), [(uid, kind) for uid, kinds in KINDS.items() for kind in kinds])
def test_an_alarm_of_the_collector_is_one_alert_of_its_own_rule_alone(
    bucket: Bucket, uid: str, kind: str
) -> None:
    assert [u for u in KINDS if bucket.fires(u)] == []
    bucket.alarm(kind)
    labels = {"kind": kind, "subject": "sim-001", "county": "np", "name": NAME, "name_en": NAME_EN}
    assert bucket.fires(uid) == [labels]
    assert [u for u in KINDS if bucket.fires(u)] == [uid]


@pytest.mark.parametrize("uid", KINDS)
def test_an_alarm_that_is_over_fires_nothing_nor_does_one_of_long_ago(bucket: Bucket, uid: str) -> None:
    bucket.alarm(KINDS[uid][0], "sim-001", ago_s=20)
    bucket.alarm(KINDS[uid][0], "sim-001", active=0, ago_s=10)
    bucket.alarm(KINDS[uid][0], "sim-002", ago_s=11 * MINUTE_S)
    assert bucket.fires(uid) == []


def test_what_is_over_is_said_for_longer_than_a_rule_looks_back() -> None:
    """Otherwise the last word of an alarm that ended would be that it holds."""
    assert RULES["manyi-silent"]["data"][0]["relativeTimeRange"]["from"] * 1000 <= OVER_MS


def test_urgent_alarms_are_asked_first_on_the_wall_and_each_once(bucket: Bucket) -> None:
    for kind in ("dissatisfied", "disk_full", "of_next_year", "outage"):
        bucket.alarm(kind, kind)
    bucket.alarm("fork", "over", active=0)
    asked = [t["query"] for p, t in targets("zh") if (p.board, p.body["title"]) == ("city", "报警")]
    answers = [bucket.server.query(bucket.name, one) for one in asked]
    assert [len(rows) for rows in answers] == [0, 0, 2, 2, 0]
    for kind in ("disk_full", "outage"):
        assert f"'{kind}'" in asked[2]


def test_two_boxes_are_two_alerts_and_a_dark_county_is_one(bucket: Bucket) -> None:
    bucket.alarm("silent", "sim-001")
    bucket.alarm("silent", "sim-002")
    bucket.alarm("outage", "sh")
    assert [a["subject"] for a in bucket.fires("manyi-silent")] == ["sh", "sim-001", "sim-002"]


def test_a_collector_that_is_dead_is_noticed_by_grafana_itself(bucket: Bucket) -> None:
    assert bucket.fires("manyi-collector-silent") == [{}], "no data at all"
    bucket.put("collector", "up_ms=1i", ago_s=5 * 60 * MINUTE_S)
    assert bucket.fires("manyi-collector-silent") == [{}]
    bucket.put("collector", "up_ms=1i", ago_s=4.5 * MINUTE_S)
    assert bucket.fires("manyi-collector-silent") == [{}]
    bucket.put("collector", "up_ms=1i", ago_s=MINUTE_S)
    assert bucket.fires("manyi-collector-silent") == []


def test_a_database_that_does_not_answer_is_one_alert_and_not_one_of_each_rule() -> None:
    assert [uid for uid, rule in RULES.items() if rule["execErrState"] != "OK"] == ["manyi-collector-silent"]
    assert RULES["manyi-collector-silent"]["execErrState"] == "Alerting"


def say(template: str, labels: dict[str, str]) -> str:
    """What Grafana makes of an annotation: of Go's templates only if, else, end and a label."""
    said, kept = "", [True]
    for words, action in re.findall(r"([^{]*)(?:\{\{ (.*?) \}\})?", template):
        said += words if all(kept) else ""
        if found := re.fullmatch(r'if (eq|ne) \$labels\.(\w+) (?:"([\w-]+)"|\$labels\.(\w+))', action):
            other = labels[found[4]] if found[4] else found[3]
            kept.append((labels[found[2]] == other) is (found[1] == "eq"))
        elif action == "else":
            kept[-1] = not kept[-1]
        elif action == "end":
            kept.pop()
        elif action:
            said += labels[action.removeprefix("$labels.")] if all(kept) else ""
    assert kept == [True], template
    return said


@pytest.mark.parametrize(("uid", "kind"), [(uid, kind) for uid, kinds in KINDS.items() for kind in kinds])
def test_an_alert_says_in_both_languages_what_is_where(uid: str, kind: str) -> None:
    labels = {"kind": kind, "subject": "sim-001", "county": "np", "name": NAME, "name_en": NAME_EN}
    zh, en = say(RULES[uid]["annotations"]["summary"], labels).split(" / ")
    what, what_en = (kind, kind) if uid == "manyi-other" else alerts.WORDS[kind]
    assert (zh, en) == (f"{what}：{NAME}（sim-001）", f"{NAME_EN}: {what_en}")
    assert say(RULES[uid]["annotations"]["runbook"], labels) == f"docs/RUNBOOK.md#{kind}"


def test_an_alert_of_the_service_has_no_place_and_one_with_an_id_alone_says_it_once() -> None:
    service = {"kind": "broker", "subject": "-", "county": "-", "name": "-", "name_en": "-"}
    zh, en = say(RULES["manyi-behind"]["annotations"]["summary"], service).split(" / ")
    assert (zh, en) == ("连不上消息服务器", "no link to the broker")
    feed = service | {
        "kind": "projection",
        "subject": "influx day",
        "name": "influx day",
        "name_en": "influx day",
    }
    zh, en = say(RULES["manyi-behind"]["annotations"]["summary"], feed).split(" / ")
    assert (zh, en) == ("汇总写入失败：influx day", "influx day: a projection fails")


@pytest.mark.parametrize(
    ("uid", "at", "bad", "good"),
    [
        ("manyi-lag", "collector", "live_lag_ms=5001i", "live_lag_ms=5000i"),
        ("manyi-certificate-last", "certificate,name=broker", "days_left=13i", "days_left=14i"),
    ],
)
def test_a_direct_rule_fires_beyond_its_limit_and_not_at_it(
    bucket: Bucket, uid: str, at: str, bad: str, good: str
) -> None:
    assert bucket.fires(uid) == [], "no data is the collector's rule alone"
    bucket.put(at, bad, ago_s=20)
    assert len(bucket.fires(uid)) == 1
    bucket.put(at, good, ago_s=10)
    assert bucket.fires(uid) == []


def test_one_hiccup_is_no_lag(bucket: Bucket) -> None:
    bucket.put("collector", "live_lag_ms=9000i", ago_s=20)
    bucket.put("collector", "live_lag_ms=40i", ago_s=40)
    assert bucket.fires("manyi-lag") == []


@pytest.mark.parametrize(
    ("cause", "also", "uid"),
    [
        ("account", ("account,scope=city", "ok=0i"), "manyi-account"),
        ("disk", ("collector", "disk_free_ratio=0.01,up_ms=1i,live_lag_ms=0i"), "manyi-disk"),
    ],
)
def test_one_cause_is_one_alert(bucket: Bucket, cause: str, also: tuple[str, str], uid: str) -> None:
    bucket.put("collector", "up_ms=1i,live_lag_ms=0i")
    bucket.put(*also)
    bucket.alarm(cause)
    assert [u for u in RULES if bucket.fires(u)] == [uid]


def test_the_seeded_city_fires_what_the_real_feeds_say_and_nothing_else(seeded: Seeded) -> None:
    firing = {}
    for uid, rule in RULES.items():
        (source,) = {one["datasourceUid"] for one in rule["data"]} & set(BUCKETS)
        if found := judge(rule, seeded.ask_source(source, query(rule))):
            firing[uid] = found
    assert [a["subject"] for a in firing["manyi-silent"]] == ["sim-010"]
    assert {a["kind"] for a in firing["manyi-unacknowledged"]} == {"unacknowledged"}
    assert len(firing["manyi-certificate-last"]) == 2, "the test's certificates live for two days"
    assert not firing.keys() & {
        "manyi-account",
        "manyi-chain",
        "manyi-fork",
        "manyi-collector-silent",
        "manyi-other",
    }
