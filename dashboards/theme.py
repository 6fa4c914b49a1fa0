"""One table of colours and words, shared with the lamps and the live wall. Refuses to say anything by colour alone.

The three levels differ in lightness as well as in hue (green-blue, amber, coral), so that they stay apart for people who
cannot tell red from green, and each is always named. Grey is "not known", which is never shown in a level's colour.
"""

from dataclasses import dataclass
from typing import Final

SATISFIED, BASIC, DISSATISFIED = "#2fd6a3", "#ffc44d", "#ff7a6b"
REDS = ("#7d5350", "#a05f57", "#cf6d61", DISSATISFIED)  # few to many, one hue: told apart by lightness alone
ACCENT = "#62ccff"  # counts without a level
QUIET = "#a3b8cd"  # not known, not enough, nothing to say
CALM = "#24303d"  # behind what is well; beside it, a filled colour is seen across a room
BASELINE = "#c8a2ff"  # what is usual, beside what is

FEWEST: Final = 59  # ratings that can support "at least 95 %"; manyi.core.rates has the reason


@dataclass(frozen=True, slots=True)
class Lang:
    """Chooses between the two texts that everything here is written in."""

    name: str

    def __call__(self, zh: str, en: str) -> str:
        return zh if self.name == "zh" else en

    def uid(self, uid: str) -> str:
        return uid if self.name == "zh" else f"{uid}-en"


ZH, EN = Lang("zh"), Lang("en")
