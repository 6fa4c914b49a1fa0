"""How this program speaks to people on a terminal: Chinese first, then English. Screens have translations of their own."""

import unicodedata


def both(zh: str, en: str) -> str:
    """One line in both languages."""
    return f"{zh} / {en}"


def todo(zh: str, en: str, indent: int) -> str:
    """What to do, to stand below what was found: a line a language, or one line if both are the same command."""
    return "\n".join(
        f"{'':{indent}}{mark} {said}" for mark, said in (("→", zh), (" ", en))[: 1 if zh == en else 2]
    )


def laid(said: str, columns: int) -> str:
    """Lines of `both` as a terminal so wide shows them best: where one does not fit, its English begins the next."""
    shown = []
    for line in said.split("\n"):
        zh, slash, en = line.partition(" / ")
        shown.append(f"{zh}\n    {en}" if slash and _columns(line) > columns else line)
    return "\n".join(shown)


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def apart(said: object) -> tuple[str, str]:
    """What `both` put together, in Chinese and in English; a line in one language stands for both."""
    zh, _, en = str(said).partition(" / ")
    return zh, en or zh


def many(n: int, one: str) -> str:
    """1 day, 2 days, 1,200 days: for English, whose words change."""
    return f"{n:,} {one}" if n == 1 else f"{n:,} {one}{'es' if one.endswith(('s', 'x')) else 's'}"
