"""What an import changes, in words: added, ended, changed, and the ratings that move. Pure.

Counts are exact; of long lists the first lines are shown and the rest is counted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum

from manyi.core.days import BEIJING
from manyi.core.roster.entries import TIER_ZH
from manyi.core.roster.facts import KEYS, Body, Change
from manyi.core.roster.moves import Move

SHOWN = 200  # lines of a list; more is not read on a screen, and a year's duty would be 400,000

KINDS = {
    "office": ("机构", "office"),
    "placement": ("评价器位置", "place of box"),
    "staff": ("人员", "staff"),
    "duty": ("在岗", "duty"),
    "cover": ("顶岗", "stand-in"),
    "leader": ("值班领导", "leader on duty"),
    "business": ("业务类型", "business type"),
}
CELLS = {
    "id": ("编号", "id"), "tier": ("类型", "type"), "parent": ("上级", "parent"), "zh": ("名称", "name"),
    "en": ("英文名", "English name"), "tel": ("电话", "telephone"), "badge": ("工牌", "badge"),
    "box": ("评价器", "box"), "window": ("窗口", "window"), "hall": ("大厅", "hall"), "staff": ("工号", "staff"),
    "code": ("代码", "code"), "unit": ("适用机构", "unit"), "from_ms": ("开始", "from"), "to_ms": ("结束", "to"),
}  # fmt: skip


class Sort(Enum):
    added = ("新增", "added")
    ended = ("结束", "ended")
    changed = ("更改", "changed")


def sort_of(change: Change) -> Sort:
    """Ended: withdrawn, or its end moved and nothing else."""
    if change.old is None:
        return Sort.added
    if change.new.get("gone"):
        return Sort.ended
    if change.new.get("to_ms") is not None and _different(change.old, change.new) == ["to_ms"]:
        was = change.old["to_ms"]
        return Sort.ended if was is None or change.new["to_ms"] < was else Sort.changed
    return Sort.changed


def text(changes: Sequence[Change], names: Mapping[str, str], lang: str) -> list[str]:
    """One line per change, then how many of each sort."""
    en = lang == "en"
    lines = [describe(c, names, lang) for c in changes[:SHOWN]]
    if len(changes) > SHOWN:
        lines.append(_more(len(changes) - SHOWN, en))
    counts = Counter(sort_of(c) for c in changes)
    words = [f"{s.value[en]} {counts[s]}" for s in Sort]
    return [*lines, (", " if en else "，").join(words) + ("." if en else "。")]


def describe(change: Change, names: Mapping[str, str] | None = None, lang: str = "zh") -> str:
    """One change in one line. `names` are of staff."""
    en = lang == "en"
    sort, names = sort_of(change), names or {}
    new, old = change.new, change.old
    head = f"{sort.value[en]} {KINDS[change.kind][en]} {_key(change.kind, new)}"
    if old is None or new.get("gone"):
        told = [k for k in new if k not in (*KEYS[change.kind], "gone", "salt")]
        cells = [f"{CELLS[k][en]} {_cell(k, new[k], names, en=en)}" for k in told if new[k] not in (None, "")]
        if new.get("gone"):
            cells.insert(0, "withdrawn" if en else "撤销")
    else:
        cells = [
            f"{CELLS[k][en]} {_cell(k, old.get(k), names, en=en)} → {_cell(k, new[k], names, en=en)}"
            for k in _different(old, new)
        ]
    return f"{head}: {', '.join(cells)}" if en else f"{head}：{'，'.join(cells)}"


def moves_text(moves: Counter[Move] | None, names: Mapping[str, str], lang: str) -> list[str]:
    """How many ratings move, and the ways they go, the widest first; per window and member of staff."""
    en = lang == "en"
    if moves is None:
        return [
            "No ratings.db yet: nothing to re-attribute." if en else "还没有评价库：没有可改变归属的评价。"
        ]
    n = moves.total()
    lines = [f"Ratings that move: {n}" if en else f"改变归属的评价：{n} 条"]
    ways = moves.most_common()
    for way, count in ways[:SHOWN]:
        was, then = _who(way.window, way.staff, names, en), _who(way.to_window, way.to_staff, names, en)
        if was == then:
            then = "in another hall or county" if en else "上级机构变化"
        lines.append(f"  {was} → {then}: {count}" if en else f"  {was} → {then}：{count} 条")
    return [*lines, _more(len(ways) - SHOWN, en)] if len(ways) > SHOWN else lines


def _different(old: Body, new: Body) -> list[str]:
    return [k for k, v in new.items() if old.get(k) != v]


def _more(n: int, en: bool) -> str:
    return f"… and {n} more" if en else f"…… 另有 {n} 行"


def _key(kind: str, body: Body) -> str:
    return " ".join(_cell(k, body[k], {}) for k in KEYS[kind])


def _who(window: str, staff: str, names: Mapping[str, str], en: bool) -> str:
    place = window or ("unassigned" if en else "未分配")
    person = _cell("staff", staff, names) if staff else ("nobody signed in" if en else "未签到")
    return f"{place} {person}"


def _cell(key: str, value: object, names: Mapping[str, str], *, en: bool = True) -> str:
    if key == "tier" and not en:
        return TIER_ZH.get(str(value), str(value))
    if key.endswith("_ms") and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, BEIJING).strftime("%Y-%m-%d %H:%M")
    if key == "staff" and value in names:
        return f"{names[str(value)]}({value})"
    return "—" if value in (None, "") else str(value)
