"""Visits: when a second press corrects and when it says why. Runs on MicroPython too, so no pytest here."""

from box.visit import Visit

CORRECT, REASON = {"second": "correct", "visit_ms": 5000}, {"second": "reason", "visit_ms": 5000}


# -> the reasons of presses (level, ms), all of which are kept
def reasons(settings, *presses):
    visit, out = Visit(), []
    for level, ms in presses:
        out.append(visit.reason(level, ms, settings))
        visit.took(ms, settings["visit_ms"])
    return out


def test_where_a_second_press_corrects_nothing_is_ever_a_reason():
    assert reasons(CORRECT, (3, 0), (1, 1000), (2, 4999), (3, 5000)) == [0, 0, 0, 0]


def test_the_second_press_of_a_visit_gives_the_reason_by_its_key():
    assert reasons(REASON, (3, 0), (2, 1000)) == [0, 2]


def test_a_third_press_corrects_the_reason_and_never_the_rating():
    assert reasons(REASON, (3, 0), (2, 1000), (1, 4999)) == [0, 2, 1]


def test_the_next_visitor_rates_however_often_the_one_before_pressed():
    assert reasons(REASON, (3, 0), (1, 4900), (2, 5000), (3, 5100)) == [0, 1, 0, 3]


def test_a_press_that_was_not_kept_begins_no_visit():
    visit = Visit()
    assert visit.reason(3, 0, REASON) == 0
    assert visit.reason(2, 100, REASON) == 0
