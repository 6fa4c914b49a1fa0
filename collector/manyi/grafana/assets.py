"""Where the committed dashboards lie: inside an installed package, or in the checkout. Refuses to build them."""

from __future__ import annotations

from pathlib import Path

from manyi.core.errors import SetupError

PACKED = Path(__file__).parent / "shipped"  # a wheel's, put there by pyproject's force-include
CHECKOUT = Path(__file__).parents[3] / "dashboards"


def folder() -> Path:
    """Holds out/, provisioning/ and maps/. Raises SetupError if there is none."""
    for found in (PACKED, CHECKOUT):
        if (found / "out").is_dir():
            return found
    raise SetupError(
        "找不到看板文件，安装包不完整，请重新安装 manyi",
        "The dashboards are missing: the installation is not whole, install manyi again.",
    )
