"""The guided key test: order, end, and whose a press is. Runs on MicroPython too, so no pytest here."""

from box.keytest import ABANDONED, FAILED, LIMIT_MS, PASSED, KeyTest


def walked(chance):
    test, asked = KeyTest(chance, 0), []
    while True:
        asked.append(test.wanted())
        if test.press(asked[-1]):
            return tuple(asked)


def test_every_order_of_the_three_keys_comes():
    assert sorted(walked(chance) for chance in range(6)) == [
        (1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1),
    ]  # fmt: skip


def test_chance_is_any_number():
    assert {walked(chance) for chance in range(6, 42)} == {walked(chance) for chance in range(6)}
    assert len(walked(0xFFFFFFFF)) == 3


def test_the_numbers_of_the_wire():
    assert (PASSED, FAILED, ABANDONED) == (1, 2, 3)  # docs/WIRE.md, keytest


def test_all_three_in_the_asked_order_pass():
    test = KeyTest(4, 0)
    assert [test.press(test.wanted()) for _ in range(3)] == [0, 0, PASSED]
    assert test.data() == b"\3\1\2\3\1\2"  # the golden vector's


def test_another_key_ends_the_test_and_is_named():
    test = KeyTest(4, 0)
    test.press(3)
    assert test.press(2) == ABANDONED
    assert test.data() == b"\3\1\2\3\2"


def test_a_key_that_never_comes_fails_if_somebody_was_there():
    nobody, somebody = KeyTest(0, 1000), KeyTest(0, 1000)
    somebody.press(1)
    assert nobody.late(1000 + LIMIT_MS - 1) == 0
    assert nobody.late(1000 + LIMIT_MS) == ABANDONED
    assert somebody.late(1000 + LIMIT_MS) == FAILED
