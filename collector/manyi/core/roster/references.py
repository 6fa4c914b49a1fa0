"""What one table refers to in another, or in the roster that is already known. Pure."""

from manyi.core.roster.cells import UNREAD
from manyi.core.roster.entries import PARENTS, TIER_ZH, Found
from manyi.core.roster.facts import Body
from manyi.core.roster.model import Roster
from manyi.core.roster.table import Problem, Table

Tables = dict[str, tuple[Table, Found]]  # by kind of fact


def references(tables: Tables, known: Roster | None, problems: list[Problem]) -> None:
    """Says every reference that leads nowhere."""
    tiers = {u.id: u.tier for u in known.units.values()} if known else {}
    people = {s.id: s.zh for s in known.staff.values()} if known else {}
    badges = {s.badge: s.id for s in known.staff.values() if s.badge} if known else {}
    tiers |= {b["id"]: b["tier"] for _, b in tables["office"][1]} if "office" in tables else {}
    people |= {b["id"]: b["zh"] for _, b in tables["staff"][1]} if "staff" in tables else {}
    for kind, (table, found) in tables.items():
        for line, body in found:
            row = line.row
            match kind:
                case "office":
                    _parent(table, row, body, tiers, problems)
                case "staff":
                    holder = str(badges.get(body["badge"], body["id"]))
                    if holder != body["id"] and not _restated(holder, tables):
                        zh, en = f"工牌已属于 {holder}", f"this badge already belongs to {holder}"
                        problems.append(table.problem(row, "badge", zh, en))
                case "business":
                    if body["unit"] not in ("", UNREAD) and tiers.get(body["unit"]) not in ("county", "hall"):
                        zh, en = (
                            f"没有编号为 {body['unit']} 的县区或大厅",
                            f"there is no county or hall {body['unit']}",
                        )
                        problems.append(table.problem(row, "unit", zh, en))
                    _same_name(table, row, body, known, tables, problems)
                case "leader":
                    _unit(table, row, body["hall"], "hall", tiers, problems)
                case _:
                    _unit(table, row, body["window"], "window", tiers, problems)
                    if kind == "duty":
                        _person(table, row, body["staff"], line.cells.get("name", ""), people, problems)


def _same_name(
    table: Table, row: int, body: Body, known: Roster | None, tables: Tables, problems: list[Problem]
) -> None:
    """One name is one type within a unit, the ledger's types included that the file does not say anew."""
    restated = {b["code"] for _, b in tables["business"][1]}
    for other in known.business.values() if known else ():
        if other.unit == body["unit"] and other.code not in restated:
            for column, name in (("name", other.zh), ("name_en", other.en)):
                if name and name == body["zh" if column == "name" else "en"]:
                    zh, en = (
                        f"台账里代码 {other.code} 已用这个名称",
                        f"code {other.code} has this name already",
                    )
                    problems.append(table.problem(row, column, zh, en))


def _unit(
    table: Table, row: int, unit: str, tier: str, tiers: dict[str, str], problems: list[Problem]
) -> None:
    if unit and unit != UNREAD and tiers.get(unit) != tier:
        zh, en = f"没有编号为 {unit} 的{TIER_ZH[tier]}", f"there is no {tier} {unit}"
        problems.append(table.problem(row, tier, zh, en))


def _person(
    table: Table, row: int, person: str, name: str, people: dict[str, str], problems: list[Problem]
) -> None:
    """The name in a duty row is not stored; it only has to agree."""
    if UNREAD in (person, name):
        return
    if person and person not in people:
        zh, en = f"没有工号为 {person} 的人员", f"there is no staff member {person}"
        problems.append(table.problem(row, "staff", zh, en))
    elif name and not person:
        zh, en = "有姓名而没有工号", "has a name and no staff id"
        problems.append(table.problem(row, "staff", zh, en))
    elif name and people[person] != name:
        zh, en = f"工号 {person} 的姓名是 {people[person]}", f"staff member {person} is {people[person]}"
        problems.append(table.problem(row, "name", zh, en))


def _restated(staff_id: str, tables: Tables) -> bool:
    """Whether the same import says anew what this person is, and so whose the badge is now."""
    return any(body["id"] == staff_id for _, body in tables["staff"][1])


def _parent(table: Table, row: int, body: Body, tiers: dict[str, str], problems: list[Problem]) -> None:
    tier, parent = body["tier"], body["parent"]
    if not tier or parent == UNREAD:
        return
    allowed = PARENTS[tier]
    if parent and parent not in tiers:
        zh, en = f"没有编号为 {parent} 的机构", f"there is no office {parent}"
        problems.append(table.problem(row, "parent", zh, en))
    elif parent and not tiers[parent]:
        return  # what it is was said there
    elif tiers.get(parent, "") not in allowed:
        if tier == "county":
            zh, en = "县区没有上级，应留空", "a county has no parent; leave it empty"
        else:
            zh = f"{TIER_ZH[tier]}的上级应为{'或'.join(TIER_ZH[a] for a in allowed)}"
            en = f"the parent of a {tier} must be a {' or '.join(allowed)}"
        problems.append(table.problem(row, "parent", zh, en))
