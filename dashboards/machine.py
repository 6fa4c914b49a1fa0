"""对账 and 系统： whether every press is where it belongs, and whether the collector keeps up. Refuses a silent zero."""

from typing import Any

from dashboards import queries as q
from dashboards.board import board
from dashboards.fleet import certificates
from dashboards.panels import COUNT, NOTHING, SHARE, At, Column, Said, courses, from_one, numbers, rows
from dashboards.pulse import account_line, alarms, alive, fresh
from dashboards.theme import ACCENT, BASIC, DISSATISFIED, QUIET, SATISFIED, Lang


def account(t: Lang) -> dict[str, Any]:
    return board(
        t, "manyi-account", t("对账", "Account"),
        t("按下 = 入库 + 待传 + 承认丢失：每台评价器都对得上，才算对得上", "Pressed = stored + waiting + admitted lost, for every box"),
        [account_line(t, At(0, 0, 21, 5)), fresh(t, At(21, 0, 3, 5)), _where_lost(t), _flow(t), _boxes(t)], refresh="10s", since="now-24h", until="now",
    )  # fmt: skip


def system(t: Lang) -> dict[str, Any]:
    return board(
        t, "manyi-system", t("系统", "System"), t("采集器是否跟得上、磁盘够不够、各投影落后多少", "Whether the collector keeps up, and has room"),
        [alive(t, At(0, 0, 5, 5)), _numbers(t), _disk(t), fresh(t, At(21, 0, 3, 5)), _lag(t), _records(t), _latency(t), _feeds(t),
         certificates(t, At(7, 19, 6, 9)), alarms(t, At(13, 19, 11, 9))],
        since="now-6h", until="now",
    )  # fmt: skip


def _where_lost(t: Lang) -> Any:
    return numbers(
        Said(
            t("丢在哪里、还差什么", "Where presses were lost, what is open"),
            t(
                "承认的丢失分评价器端与中心端；分叉：互相矛盾的记录，另存不计；待定时：还没有时间的按键",
                "Admitted loss at the box and at the centre; forked: contradicting records, kept aside; undated: no time yet",
            ),
            t("没有对账数据", "No account"),
        ),
        [q.ACCOUNT_CITY], At(0, 5, 8, 8),
        [Column("lost_box", t("丢于评价器", "Lost at boxes"), COUNT, levels=from_one(DISSATISFIED)),
         Column("lost_centre", t("丢于中心", "Lost at the centre"), COUNT, levels=from_one(DISSATISFIED)),
         Column("forked", t("分叉", "Forked"), COUNT, levels=from_one(BASIC)), Column("undated", t("待定时", "Undated"), COUNT, QUIET)],
        across=False, base=DISSATISFIED,
    )  # fmt: skip


def _flow(t: Lang) -> Any:
    return courses(
        Said(
            t("待传与失联", "Waiting, and out of touch"),
            t("还在评价器里的按键，和失联评价器可能有的按键", "Presses still in boxes, and what silent boxes may hold"),
            t("没有对账数据", "No account"),
        ),
        [q.account_course("waiting"), q.account_course("unknown")], At(8, 5, 16, 8),
        [Column("waiting", t("待传", "Waiting"), COUNT, BASIC), Column("unknown", t("失联", "Out of touch"), COUNT, QUIET)],
    )  # fmt: skip


def _boxes(t: Lang) -> Any:
    ok = {"1": (t("相符", "Adds up"), SATISFIED), "0": (t("不符", "Is off"), DISSATISFIED)}
    return rows(
        Said(
            t("每台评价器", "Each box"), t("不符的排在最前；按下数取最后入库与最后心跳中的较大者", "Those that do not add up first"),
            t("没有对账数据", "No account"),
        ),
        [q.ACCOUNT_BOXES], At(0, 13, 24, 15),
        [Column("box", t("评价器", "Box")), Column("ok", t("对账", "Account"), NOTHING, mapping=ok),
         Column("pressed", t("按下", "Pressed"), COUNT, ACCENT), Column("stored", t("入库", "Stored"), COUNT, SATISFIED),
         Column("waiting", t("待传", "Waiting"), COUNT, levels=from_one(BASIC)), Column("lost", t("承认丢失", "Lost"), COUNT, levels=from_one(DISSATISFIED)),
         Column("lost_box", t("丢于评价器", "At the box"), COUNT), Column("lost_centre", t("丢于中心", "At the centre"), COUNT),
         Column("unknown", t("失联", "Out of touch"), COUNT, QUIET), Column("forked", t("分叉", "Forked"), COUNT)],
        sort=(t("对账", "Account"), False), then=t("评价器", "Box"),
    )  # fmt: skip


def _numbers(t: Lang) -> Any:
    return numbers(
        Said(
            t("采集器计数", "Collector's counts"),
            t(
                "记录：台账里的全部行；批次：启动以来答复评价器的批次；搁置：读不懂的消息，原样保存；队列：等待入库的消息",
                "Records: all rows of the ledger. Batches: answered since its start. Aside: unreadable, kept as they came. Queue: messages not yet stored",
            ),
            t("采集器没有消息！", "Collector silent!"),
        ),
        [q.COLLECTOR], At(5, 0, 9, 5),
        [Column("records", t("记录", "Records"), COUNT, ACCENT), Column("batches", t("批次", "Batches"), COUNT, ACCENT),
         Column("aside", t("搁置", "Aside"), COUNT, levels=from_one(BASIC)), Column("queue", t("队列", "Queue"), COUNT, QUIET)],
        base=DISSATISFIED,
    )  # fmt: skip


def _disk(t: Lang) -> Any:
    return numbers(
        Said(
            t("磁盘", "Disk"),
            t("台账大小与磁盘剩余；磁盘满时评价器自己保存，不丢，但大屏停住", "The ledger's size and free space; on a full disk boxes wait and nothing is lost, but the wall stops"),
            t("采集器没有消息！", "Collector silent!"),
        ),
        [q.COLLECTOR], At(14, 0, 7, 5),
        [Column("ledger_bytes", t("台账", "Ledger"), "bytes", ACCENT), Column("disk_free_bytes", t("剩余", "Free"), "bytes", SATISFIED),
         Column("disk_free_ratio", t("剩余比例", "Free share"), SHARE, SATISFIED, decimals=0)],
        unit="bytes", base=DISSATISFIED,
    )  # fmt: skip


def _lag(t: Lang) -> Any:
    return courses(
        Said(
            t("实时延迟与队列", "Live lag and queue"),
            t(
                "台账里大屏还没有计入的最早一行已入库多久（从入库到上大屏），和等待入库的消息",
                "How long ago the oldest row was stored that the wall has not taken in, and messages not yet stored",
            ),
            t("没有采集器数据", "No word of the collector"),
        ),
        [q.collector_course("live_lag_ms"), q.collector_course("queue")], At(0, 5, 12, 7),
        [Column("live_lag_ms", t("实时延迟", "Live lag"), "ms", ACCENT),
         Column("queue", t("队列", "Queue"), COUNT, BASIC, extra=(("custom.axisPlacement", "right"),))],
        unit="ms",
    )  # fmt: skip


def _records(t: Lang) -> Any:
    return courses(
        Said(
            t("每分钟入库记录", "Records stored per minute"), t("平时一城约每秒一条；断网恢复时会猛增", "About one a second in a city; far more after an outage"),
            t("没有采集器数据", "No word of the collector"),
        ),
        [q.COLLECTOR_RECORDS], At(12, 5, 12, 7), [Column("records", t("每分钟记录", "Records per minute"), COUNT, ACCENT)],
    )  # fmt: skip


def _latency(t: Lang) -> Any:
    return courses(
        Said(
            t("按下到入库", "From press to ledger"),
            t("一半、九成五、九成九的评价在多久之内入库；断网期间存在评价器里的也算在内", "Half, 95% and 99% of ratings were stored within; what boxes kept while offline is in it"),
            t("没有评价", "No ratings"),
        ),
        [q.latency(50), q.latency(95), q.latency(99)], At(0, 12, 24, 7),
        [Column("p50", t("一半", "Half"), "ms", SATISFIED), Column("p95", "95%", "ms", BASIC), Column("p99", "99%", "ms", DISSATISFIED)],
        unit="ms",
    )  # fmt: skip


def _feeds(t: Lang) -> Any:
    failing = {
        "0": (t("正常", "Fine"), SATISFIED),
        "1": (t("失败，将重试", "Failing, will retry"), DISSATISFIED),
    }
    return rows(
        Said(
            t("各投影", "Projections"), t("每个投影落后台账多少行，是否在失败重试", "How many rows each is behind the ledger, and whether it fails"),
            t("没有采集器数据", "No word of the collector"),
        ),
        [q.FEEDS], At(0, 19, 7, 9),
        [Column("feed", t("投影", "Projection")), Column("lag", t("落后", "Behind"), COUNT, levels=from_one(BASIC)), Column("failing", t("状态", "State"), NOTHING, mapping=failing)],
        sort=(t("落后", "Behind"), True),
    )  # fmt: skip
