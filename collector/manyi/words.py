"""How this program speaks to people on a terminal: Chinese first, then English. Screens have translations of their own."""


def both(zh: str, en: str) -> str:
    """One line in both languages."""
    return f"{zh} / {en}"


def apart(said: object) -> tuple[str, str]:
    """What `both` put together, in Chinese and in English; a line in one language stands for both."""
    zh, _, en = str(said).partition(" / ")
    return zh, en or zh
