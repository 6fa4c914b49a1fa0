"""What a rating is to those who follow: one version of it, with everything a projection needs.

Refuses to be changed: a rating that changes is a new version, and the old one stays.
"""

import msgspec


class Rating(msgspec.Struct, frozen=True):
    """(box, life, seq) of the first press is the identity; `row_id` and `at_ms` are of the ledger row that
    made this version. Empty ids are unknown: 未分配 (place), 未签到 (staff). `known_ms` is 0 until somebody has said 已知悉.
    """

    box: str
    life: str
    seq: int
    version: int
    row_id: int
    at_ms: int
    boot: int
    up_ms: int
    time_ms: int
    dated: str
    level: int
    first: int
    presses: int
    prompted: int
    flags: int
    reason: int
    visit: str
    biz: int
    latency_ms: int
    county: str
    township: str
    hall: str
    window: str
    staff: str
    known_ms: int = 0
    known_by: str = ""
    known_role: str = ""


COLUMNS = Rating.__struct_fields__
