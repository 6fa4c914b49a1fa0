"""One module out of many: the same meaning, in the order in which they would have been loaded."""

import pytest

from tests.firmware.test_build import build


def bundled(main, **modules):
    return build.bundled({"main": main} | {name.replace("_", "."): text for name, text in modules.items()})


def value(texts, name="x"):
    space = {}
    exec(texts["main"], space)
    return space[name]


def test_what_main_imports_is_in_it_and_has_no_file_of_its_own():
    texts = bundled("from box.a import go\nx = go()\n", box_a="def go():\n return 7\n")
    assert list(texts) == ["main"]
    assert value(texts) == 7


def test_a_module_asked_by_its_name_is_asked_no_more():
    texts = bundled("from box import a\nx = a.go() + a.N\n", box_a="N = 2\ndef go():\n return N\n")
    assert "import" not in texts["main"]
    assert value(texts) == 4


def test_one_name_in_two_modules_means_what_each_of_them_meant():
    texts = bundled(
        "from box import a, b\ndef run():\n return a.run() * 100 + b.run()\nx = run()\n",
        box_a="def run():\n return step()\ndef step():\n return 3\n",
        box_b="def step():\n return 5\ndef run():\n return step()\n",
    )
    assert value(texts) == 305


def test_a_module_body_runs_once_where_it_was_first_imported():
    texts = bundled(
        "seen = []\nfrom box import a\nseen.append(a.x)\nfrom box.b import y\nx = seen + [y]\n",
        box_a="from box.b import y\nx = y + 1\n",
        box_b="y = 1\n",
    )
    assert value(texts) == [2, 1]


@pytest.mark.parametrize(
    "body",
    [
        "def go(wait):\n return wait\nx = go(4)",
        "def go():\n wait = 4\n return wait\nx = go()",
        "def go():\n return [wait for wait in (4,)][0]\nx = go()",
        "go = lambda wait: wait\nx = go(4)",
        "class C:\n wait = 4\nx = C.wait",
    ],
)
def test_a_variable_of_somebody_stays_his(body):
    texts = bundled(f"from box.a import wait\n{body}\ny = wait()\n", box_a="def wait():\n return 1\n")
    assert (value(texts), value(texts, "y")) == (4, 1)


def test_a_method_sees_the_module_not_its_class():
    texts = bundled(
        "from box.a import A\nx = A().go()\n",
        box_a="def n():\n return 1\nclass A:\n n = 2\n def go(self):\n  return n() * 10 + self.n\n",
    )
    assert value(texts) == 12


def test_a_late_module_asks_main_and_a_name_of_its_own_is_no_hindrance():
    texts = bundled(
        "from box import a\ndef x():\n from tasks.late import go\n return go\n",
        box_a="def span():\n return 1\n",
        tasks_late="from box import a\ndef go():\n span = a.span()\n return span\n",
    )
    assert "from main import span" in texts["tasks.late"]
    assert "box" not in texts["tasks.late"]


@pytest.mark.parametrize(
    "main",
    [
        "from box import a\nx = a\n",
        "from box import a\na.n = 2\n",
        "import os.path\n",
        "from box.a import gone\n",
    ],
)
def test_what_reading_cannot_follow_is_refused(main):
    with pytest.raises(build.bundled.__globals__["Unclear"]):
        bundled(main, box_a="n = 1\n")
