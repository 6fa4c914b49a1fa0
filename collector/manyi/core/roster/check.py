"""A folder of roster files as a whole: everything that is wrong in it, or the facts it states.

offices.csv 机构, boxes.csv 评价器, staff.csv 人员, duty.csv 在岗; at least one of them. What a file refers
to must stand in another of the files or in the roster that is already `known`. It refuses to give any fact
while one error is left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from manyi.core.roster import entries
from manyi.core.roster.entries import PARENTS, TIER_ZH, Found
from manyi.core.roster.facts import Body
from manyi.core.roster.model import Roster
from manyi.core.roster.table import Column, Problem, Table, read

Parse = Callable[[Table, list[Problem]], Found]

FILES: tuple[tuple[str, str, str, tuple[Column, ...], Parse], ...] = (
    ("offices", "机构", "office", entries.OFFICES, entries.offices),
    ("boxes", "评价器", "placement", entries.BOXES, entries.boxes),
    ("staff", "人员", "staff", entries.STAFF, entries.staff),
    ("duty", "在岗", "duty", entries.DUTY, entries.duty),
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. `facts` are (kind, body), and empty while `problems` is not."""

    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    facts: tuple[tuple[str, Body], ...]

    @property
    def ok(self) -> bool:
        return not self.problems

    def text(self, lang: str = "zh") -> str:
        """One line per problem and note, in the order of files and rows."""
        notes = [("Note: " if lang == "en" else "提示：") + n.text(lang) for n in self.notes]
        return "\n".join([p.text(lang) for p in self.problems] + notes)


def check(folder: Path, known: Roster | None = None) -> Report:
    """All errors of all files at once. Raises nothing for bad content."""
    problems: list[Problem] = []
    notes: list[Problem] = []
    tables: dict[str, tuple[Table, Found]] = {}
    paths = {p.stem.lower(): p for p in sorted(folder.glob("*")) if p.suffix.lower() == ".csv"}
    for name, zh, kind, columns, parse in FILES:
        path = paths.pop(name, None) or paths.pop(zh, None)
        if path is None:
            continue
        table, wrong = read(path, columns)
        problems += wrong
        tables[kind] = (table, parse(table, problems))
    notes += [
        Problem(p.name, 0, "", "不认识这个文件，未读", "unknown file, not read") for p in paths.values()
    ]
    if not tables:
        names = "、".join(f"{name}.csv" for name, *_ in FILES)
        problems.append(
            Problem(
                str(folder),
                0,
                "",
                f"没有可导入的文件（{names}）",
                f"holds none of {names.replace('、', ', ')}",
            )
        )
    _references(tables, known, problems)
    order = [table.file for table, _ in tables.values()]
    problems.sort(key=lambda p: (order.index(p.file) if p.file in order else len(order), p.row))
    facts = tuple((kind, body) for kind, (_, found) in tables.items() for _, body in found)
    return Report(tuple(problems), tuple(notes), () if problems else facts)


def _references(
    tables: dict[str, tuple[Table, Found]], known: Roster | None, problems: list[Problem]
) -> None:
    tiers = {u.id: u.tier for u in known.units.values()} if known else {}
    people = set(known.staff) if known else set()
    badges = {s.badge: s.id for s in known.staff.values() if s.badge} if known else {}
    tiers |= {b["id"]: b["tier"] for _, b in tables["office"][1]} if "office" in tables else {}
    people |= {b["id"] for _, b in tables["staff"][1]} if "staff" in tables else set()
    for kind, (table, found) in tables.items():
        for line, body in found:
            match kind:
                case "office":
                    _parent(table, line.row, body, tiers, problems)
                case "staff":
                    holder = str(badges.get(body["badge"], body["id"]))
                    if holder != body["id"] and not _restated(holder, tables):
                        zh, en = f"工牌已属于 {holder}", f"this badge already belongs to {holder}"
                        problems.append(table.problem(line.row, "badge", zh, en))
                case _:
                    window, person = body["window"], body.get("staff", "")
                    if window and tiers.get(window) != "window":
                        zh, en = f"没有编号为 {window} 的窗口", f"there is no window {window}"
                        problems.append(table.problem(line.row, "window", zh, en))
                    if person and person not in people:
                        zh, en = f"没有工号为 {person} 的人员", f"there is no staff member {person}"
                        problems.append(table.problem(line.row, "staff", zh, en))


def _restated(staff_id: str, tables: dict[str, tuple[Table, Found]]) -> bool:
    """Whether the same import says anew what this person is, and so whose the badge is now."""
    return any(body["id"] == staff_id for _, body in tables["staff"][1])


def _parent(table: Table, row: int, body: Body, tiers: dict[str, str], problems: list[Problem]) -> None:
    tier, parent = body["tier"], body["parent"]
    if not tier:
        return
    allowed = PARENTS[tier]
    if parent and parent not in tiers:
        problems.append(
            table.problem(row, "parent", f"没有编号为 {parent} 的机构", f"there is no office {parent}")
        )
    elif tiers.get(parent, "") not in allowed:
        if tier == "county":
            zh, en = "县区没有上级，应留空", "a county has no parent; leave it empty"
        else:
            zh = f"{TIER_ZH[tier]}的上级应为{'或'.join(TIER_ZH[a] for a in allowed)}"
            en = f"the parent of a {tier} must be a {' or '.join(allowed)}"
        problems.append(table.problem(row, "parent", zh, en))
