"""Where Grafana's alerts go: nowhere, until somebody has put an address in the place of those that grafana.env came with.

Reads the settings Grafana is started with. Refuses to send an alert, and to print an address: a webhook's is a password.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from manyi.doctor.finding import Finding, Place, good, skipped, warn, why

WEBHOOK, EMAIL = "MANYI_ALERT_WEBHOOK", "MANYI_ALERT_EMAIL"
DISCARD: Final = 9  # the port that grafana.env sends alerts to: nothing listens there
APPEND: Final = "cat /etc/grafana/manyi/grafana.env >> /etc/default/grafana-server"
NOBODY: Final = ".invalid"


def alerts(place: Place) -> Iterator[Finding]:
    if not place.grafana:
        return
    path = place.grafana_env
    try:
        values = settings(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        zh, en = why(error)
        yield skipped(
            "alerts",
            f"读不了 {path}（{zh}），不知道报警发到哪里",
            f"{path} cannot be read ({en}), so where alerts go is unknown",
            "用 --grafana-env 指明 Grafana 的启动设置；没有权限就用 root 执行这一次",
            "name Grafana's settings with --grafana-env; without the right to read them, run this once as root",
        )
        return
    if not values.keys() & {WEBHOOK, EMAIL}:
        yield skipped(
            "alerts",
            f"{path} 里没有 {WEBHOOK}、{EMAIL}，不知道报警发到哪里",
            f"{path} has no {WEBHOOK} or {EMAIL}, so where alerts go is unknown",
            f"用 --grafana-env 指明；还没有就执行 {APPEND}",
            f"name the file with --grafana-env; if there is none yet, {APPEND}",
        )
        return
    told = [name for name in (WEBHOOK, EMAIL) if is_somebody(values.get(name, ""))]
    if told:
        yield good("alerts", f"报警有地址：{'、'.join(told)}", f"Alerts have an address: {', '.join(told)}.")
    else:
        yield warn(
            "alerts",
            "Grafana 的报警没有人收到：地址还是示例的",
            "Grafana's alerts reach nobody: their addresses are still the example's",
            f"改 {path} 末尾的 {WEBHOOK} 或 {EMAIL}（邮件还要 GF_SMTP_*），再执行 systemctl restart grafana-server",
            f"edit {WEBHOOK} or {EMAIL} at the end of {path} (e-mail needs GF_SMTP_* too), then systemctl restart "
            "grafana-server",
        )


def settings(text: str) -> dict[str, str]:
    """What systemd makes of an EnvironmentFile's plain lines: the last one wins."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";")):
            found[name.strip()] = value.strip().strip("\"'")
    return found


def is_somebody(address: str) -> bool:
    """Whether this is more than what grafana.env came with."""
    if "://" not in address:
        return bool(address) and not address.endswith(NOBODY)
    try:
        return urlsplit(address).port != DISCARD
    except ValueError:
        return False
