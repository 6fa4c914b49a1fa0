"""How this program speaks to people on a terminal: Chinese first, then English. Screens have translations of their own."""


def both(zh: str, en: str) -> str:
    """One line in both languages."""
    return f"{zh} / {en}"
