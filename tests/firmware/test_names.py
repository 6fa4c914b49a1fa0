"""What a name becomes: one that is in ROM, wherever only our own text can mean it."""

import ast

import pytest

from tests.firmware.test_build import build


def named(text, other="", **modules):
    """`text` as module `box.a`, beside others and a first file."""
    trees = {"box.a": ast.parse(text)} | {n.replace("_", "."): ast.parse(t) for n, t in modules.items()}
    build.renamed(trees, [ast.parse(other)])
    return {name.rpartition(".")[2]: ast.unparse(tree) for name, tree in trees.items()}


def meaning(texts):
    """What the texts compute: a fresh namespace, run."""
    space = {}
    exec(texts, space)
    return space


def test_a_function_a_parameter_and_what_a_class_calls_its_own_are_named_as_in_rom():
    text = named(
        "class Lamp:\n def __init__(self, bright):\n  self._now = bright\n"
        "def light(bright):\n return Lamp(bright)\n"
    )["a"]
    words = {n for node in ast.walk(ast.parse(text)) for n in _words(node)} - {"self", "__init__"}
    assert words <= set(build.renamed.__globals__["ROM"]), words


def _words(node):
    return [
        getattr(node, field)
        for field in ("id", "arg", "attr", "name")
        if isinstance(getattr(node, field, None), str)
    ]


@pytest.mark.parametrize("other", ["x.speed", "from box.a import speed", "import box.a\nbox.a.speed()"])
def test_a_name_that_a_first_file_speaks_of_stays(other):
    assert "def speed(" in named("def speed():\n return 1\n", other)["a"]


def test_a_parameter_given_by_name_stays_and_another_does_not_take_its_name():
    text = named("def go(speed, height):\n return speed - height\ngo(1, speed=2) if 0 else None\n")["a"]
    assert "speed" in text
    assert "height" not in text


def test_what_a_port_offers_stays_for_all():
    texts = named(
        "class Core:\n def go(self, port):\n  port.shine()\n",
        ports_sim="class Port:\n def shine(self): pass\n",
    )
    assert ".shine()" in texts["a"]
    assert "def shine" in texts["sim"]


def test_what_two_of_our_classes_say_to_each_other_is_renamed_in_both():
    texts = named(
        "class Core:\n def __init__(self):\n  self.journal = 1\n",
        tasks_b="def go(core):\n return core.journal\n",
    )
    (a,) = [n.attr for n in ast.walk(ast.parse(texts["a"])) if isinstance(n, ast.Attribute)]
    (b,) = [n.attr for n in ast.walk(ast.parse(texts["b"])) if isinstance(n, ast.Attribute)]
    assert a == b != "journal"


def test_a_class_with_a_base_keeps_its_name_because_messages_show_it():
    assert "class Unreadable(ValueError)" in named("class Unreadable(ValueError):\n pass\n")["a"]


def test_a_name_that_a_foreign_object_may_have_stays():
    text = "class Disk:\n def write(self, file):\n  file.write(b'')\n def sum(self): pass\ndef go(d):\n d.write(1)\n"
    assert named(text)["a"].count("write") == 3


def test_a_module_asks_another_for_the_new_name():
    texts = named("def wander(n):\n return n + 1\n", tasks_b="from box.a import wander\nx = wander(1)\n")
    (function,) = [n.name for n in ast.parse(texts["a"]).body if isinstance(n, ast.FunctionDef)]
    assert f"from box.a import {function}" in texts["b"]
    assert "wander" not in texts["b"]


def test_a_variable_that_hides_a_function_still_hides_it():
    text = "def level():\n return 1\ndef go(level):\n return level\nx = go(5) + level()\n"
    space = meaning(named(text, other="m.x")["a"])
    assert space["x"] == 6


def test_nested_functions_see_the_parameters_around_them():
    text = "def go(first):\n def inner(second):\n  return first - second\n return inner(2)\nx = go(5)\n"
    assert meaning(named(text, other="m.x")["a"])["x"] == 3
