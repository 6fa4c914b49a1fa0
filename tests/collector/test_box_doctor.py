"""The guided test's words: whatever it finds is said in both languages, and what did not pass has its reason and a remedy."""

from __future__ import annotations

import re
from typing import Any

import pytest
from manyi.box import doctor, words
from manyi.box.console import refusal
from manyi.box.doctor import Check

CHINESE = re.compile(r"[\u4e00-\u9fff]")
WELL = {
    "online": "1", "why": "-", "clock": "2", "rssi": "-60", "newest": "9", "acked": "9", "heap": "20000", "faults": "0",
    "life": "00", "boot": "1",
}  # fmt: skip


class Box:
    """Answers as the console does; `status` is what it says of itself, `keytest` what came of the test."""

    def __init__(self, keytest: dict[str, str] | None, refuses: str = "", **status: str) -> None:
        self._status, self._keytest, self._refuses = WELL | status, keytest, refuses
        self._begun = False

    def ask(self, verb: str, *_words: object) -> dict[str, str]:
        if verb == "status":
            return self._status
        if verb == "keytest":
            if self._refuses:
                raise refusal(self._refuses)
            self._begun = True
        if verb == "newest":
            if not (self._begun and self._keytest):
                raise refusal("record")
            return self._keytest
        return {}


PASSED = {"seq": "9", "reason": "1", "data": "010203010203"}


def tried(box: Any, *, eyes: bool = True) -> dict[str, Check]:
    checks = doctor.examine(box, lambda _: eyes, lambda _: None, link_s=0, keys_s=0.01)
    assert [c.name for c in checks] == list(doctor.NAMES)
    return {c.name: c for c in checks}


FAILING = {
    "lights": [({}, {"eyes": False})],
    "sound": [({}, {"eyes": False})],
    "flash": [({"faults": "3"}, {})],
    "memory": [({"heap": "2047"}, {})],
    "keys": [
        ({"keytest": None}, {}),
        ({"refuses": "a-visitor-may-be-at-the-keys"}, {}),
        ({"keytest": {"seq": "9", "reason": "2", "data": "010203020000"}}, {}),
        ({"keytest": {"seq": "9", "reason": "2", "data": "010203000000"}}, {}),
        ({"keytest": {"seq": "9", "reason": "2", "data": "010203010000"}}, {}),
    ],
    "radio": [({"rssi": "-85"}, {}), ({"rssi": "0", "online": "0", "why": "OSError('no-network',)"}, {})],
    "link": [({"online": "0", "why": why}, {}) for why in ("-", "Brand(new,)", *words._SAID)],
    "clock": [({"clock": "0"}, {}), ({"online": "0", "why": "-"}, {})],
    "ack": [({"acked": "8"}, {}), ({"keytest": None}, {})],
}


def test_every_check_is_here() -> None:
    assert FAILING.keys() == doctor.NAMES.keys()


@pytest.mark.parametrize(
    ("name", "status", "person"),
    [(name, status, person) for name, ways in FAILING.items() for status, person in ways],
)
def test_what_does_not_pass_has_its_reason_and_a_remedy_in_both_languages(
    name: str, status: dict[str, Any], person: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ACK_S", 0.01)
    found = tried(Box(**{"keytest": PASSED} | status), **person)[name]
    assert found.ok is not True
    assert found.key
    zh, slash, en = found.words.partition(" / ")
    assert slash
    for said, colon in ((zh, "："), (en, ": ")):
        reason, _, remedy = said.partition(colon)
        assert reason.strip(), said
        assert remedy.strip(), said
    assert CHINESE.search(zh)
    assert not CHINESE.search(en)


def test_what_passes_says_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    found = tried(Box(PASSED))
    assert all(check.ok for check in found.values())
    assert (found["memory"].words, found["radio"].words) == ("20000 B", "-60 dBm")
    assert "有线" in tried(Box(PASSED, rssi="0"))["radio"].words


def test_a_record_keeps_the_words() -> None:
    body = doctor.report(
        {"box": "b", "mac": "m", "board": "sim", "fw": "1"},
        WELL,
        [Check("radio", False, "weak", "-85 dBm")],
        "x",
        1,
    )
    assert body["checks"] == [{"name": "radio", "ok": False, "key": "weak", "words": "-85 dBm"}]


@pytest.mark.parametrize(
    ("parts", "zh", "en"),
    [
        ("-", "配件：没有", "options: none"),
        ("reader", "配件：读卡器；", "options: badge reader;"),
        ("reader,clock", "配件：读卡器、时钟；", "options: badge reader, clock;"),
    ],
)
def test_what_is_fitted_and_does_not_answer_is_missed(parts: str, zh: str, en: str) -> None:
    """No check: whoever has fitted none has nothing to pass. A firmware of before says nothing, as one without options."""
    said: list[str] = []
    doctor.examine(Box(PASSED, parts=parts), lambda _: True, said.append, link_s=0, keys_s=0.01)
    (line,) = [each for each in said if each.startswith("配件")]
    assert zh in line
    assert en in line
    assert "接线" in line
    assert "wires" in line
