"""Whether what is shown is alive, on every dashboard alike: how old it is, what the collector complains of, boxes, the
account. Refuses to look calm when nothing is known."""

from collections.abc import Sequence
from typing import Any

from dashboards import queries as q
from dashboards.alerts import COLLECTOR
from dashboards.panels import AGO, COUNT, NOTHING, At, Column, Said, from_one, lines, numbers, rows
from dashboards.theme import ACCENT, BASIC, CALM, DISSATISFIED, QUIET, REDS, SATISFIED, Lang

LINES = 6  # of alarms on the wall
SINCE = (
    "time:MM/DD\N{NO-BREAK SPACE}HH:mm",
    "time:D\N{NO-BREAK SPACE}MMM\N{NO-BREAK SPACE}HH:mm",
)  # "3 hours ago" would be broken
FRESH_S = 61  # the collector writes every 10 s; over a minute without a line is a fault


def alarm_lines(t: Lang, at: At) -> Any:
    """For the wall: urgent ones first, each in the order in which they matter, in large type, with room for two lines of
    text each. All of them are in 系统, and the wall says how many if it has no room. That there are no others is a line
    too, so that an empty panel can only mean that nobody answers."""
    said = Said(
        t("报警", "Alarms"),
        t(
            "采集器当前报告的报警和开始的时间，要紧的在前；处置方法见 RUNBOOK。全部列出后写明“此外没有报警”；空着是问不到数据",
            "What the collector complains of now and since when, what matters most first; RUNBOOK says what to do. Once all are listed it says “No other alarms”; empty is not known",
        ),
        t("没有数据：报警情况不明！", "No data: alarms are not known!"),
    )
    urgent = [
        kind for rule in COLLECTOR for kind in rule.kinds if rule.severity == "critical" or kind == "outage"
    ]
    asked = [
        q.DEAD,
        q.more_alarms(LINES),
        q.alarm_lines(t.name, urgent),
        q.alarm_lines(t.name, urgent, but=True),
        q.NO_MORE,
    ]
    dead = Column(
        "age",
        t("采集器没有消息：各格都停在此前", "The collector is silent: nothing moves here"),
        t("suffix: 秒", "suffix: s"),
    )
    more = Column(
        "n",
        t("报警共有（这里放不下的见“系统”看板）", "Alarms in all (those without room here: see System)"),
        t("suffix: 条", "none"),
    )
    no_more = Column(
        "alive",
        t("此外没有报警", "No other alarms"),
        NOTHING,
        mapping={"1": (t("采集器在报告", "The collector reports"), CALM)},
    )
    return lines(
        said, asked, at, Column("since_ms", unit=t(*SINCE)), words="{2}", size=18, limit=LINES,
        sort=("order", False), colors=(DISSATISFIED, CALM, DISSATISFIED, REDS[0], CALM), filled=True, beside=(dead, more, no_more),
    )  # fmt: skip


def alarms(t: Lang, at: At, kinds: Sequence[str] = ()) -> Any:
    """All of the city; or of some kinds alone, in the chosen counties."""
    title, about = t("报警", "Alarms"), t("采集器当前报告的报警", "What the collector complains of now")
    if kinds:
        title = t("评价器的报警", "Alarms about boxes")
        about = t(
            "与评价器有关的当前报警，所选县区的；按大厅看上表的“可疑”一列",
            "Those about boxes, of the chosen counties; for a hall see “Odd” above",
        )
    said = Said(
        title,
        about
        + t(
            "，和开始的时间，最新的在前；处置方法见 RUNBOOK",
            ", and since when, the newest first; RUNBOOK says what to do",
        ),
        t("没有报警或没有数据：看“数据截至”", "None, or no data: see “Data as of”"),
    )
    return rows(
        said, [q.alarms_about(kinds, t.name) if kinds else q.alarms(t.name)], at,
        [Column("since_ms", t("开始于", "Since"), AGO, width=140, align="left"), Column("text", t("内容", "What"), color=DISSATISFIED)],
        sort=(t("开始于", "Since"), True),
    )  # fmt: skip


def boxes(t: Lang, at: At) -> Any:
    said = Said(
        t("评价器", "Boxes"),
        t(
            "现在在线的、失联的，和全部评价器；名册上在窗口却从未有过消息的算失联",
            "Online now, silent, and all; one that hangs at a window and never spoke is silent",
        ),
        t("没有评价器消息", "No word of boxes"),
    )
    return numbers(
        said, [q.BOXES_ONLINE], at,
        [Column("online", t("在线", "Online"), COUNT, ACCENT), Column("silent", t("失联", "Silent"), COUNT, levels=from_one(DISSATISFIED)),
         Column("known", t("全部", "All"), COUNT, QUIET)], base=DISSATISFIED,
    )  # fmt: skip


def account_line(t: Lang, at: At) -> Any:
    ok = {"1": (t("相符", "Adds up"), SATISFIED), "0": (t("不符", "Is off"), DISSATISFIED)}
    return numbers(
        Said(
            t("对账：按下 = 入库 + 待传 + 承认丢失", "Account: pressed = stored + waiting + admitted lost"),
            t(
                "全市所有评价器的按键总账。未知：失联评价器自上次心跳后可能有、但无法得知的部分，从不当作零",
                "All presses of all boxes. Unknown: boxes out of touch may have some since their last beat; never taken for zero",
            ),
            t("没有对账数据：采集器未工作？", "No account: collector?"),
        ),
        [q.ACCOUNT_LINE], at,
        [Column("pressed", t("按下", "Pressed"), COUNT, ACCENT), Column("stored", t("入库", "Stored"), COUNT, SATISFIED),
         Column("waiting", t("待传", "Waiting"), COUNT, levels=from_one(BASIC)), Column("lost", t("承认丢失", "Lost"), COUNT, levels=from_one(DISSATISFIED)),
         Column("unknown", t("未知（至多）", "Unknown, max"), COUNT, QUIET), Column("shown", t("大屏计入", "Shown"), COUNT, ACCENT),
         Column("ok", t("对账", "Account"), NOTHING, mapping=ok)],
        base=DISSATISFIED,
    )  # fmt: skip


def fresh(t: Lang, at: At) -> Any:
    """On every dashboard: a picture that stands still looks like a quiet day otherwise."""
    said = Said(
        t("数据截至", "Data as of"),
        t(
            "采集器最后一次写入距今多久，按数据库的时钟。超过 60 秒变红：采集已停，其他各格都是停住以前的样子",
            "How long ago the collector last wrote, by the database's clock. Red over 60 seconds: it stands still, and every"
            " other panel is what was before",
        ),
        t("没有数据！", "No data!"),
    )
    return numbers(
        said, [q.FRESH], at, [Column("age", t("多久以前", "Ago"), t("suffix: 秒前", "suffix: s ago"), decimals=0, levels=((None, CALM), (FRESH_S, DISSATISFIED)))],
        base=DISSATISFIED, filled=True,
    )  # fmt: skip


def alive(t: Lang, at: At) -> Any:
    said = Said(
        t("采集器", "Collector"),
        t(
            "采集器连续运行时间，与按键从入库到上大屏的延迟。两分钟没有消息即视为停止",
            "Its uptime, and the lag from the ledger to the wall; silent for two minutes is dead",
        ),
        t("采集器没有消息！", "Collector silent!"),
    )
    return numbers(
        said, [q.COLLECTOR_ALIVE], at,
        [Column("up_days", t("已运行", "Up"), t("suffix: 天", "suffix: days"), CALM, decimals=1), Column("live_lag_ms", t("实时延迟", "Live lag"), "ms", CALM)],
        unit="ms", base=DISSATISFIED, filled=True,
    )  # fmt: skip
