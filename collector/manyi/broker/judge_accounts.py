"""What is wrong with a broker's access list and its passwords. Pure: text in, findings out.

The access list is judged by what it allows, not by how it is written, because people edit it. Refuses to repair anything.
"""

from collections.abc import Iterator

from manyi.broker import acl, mosquitto, passwords
from manyi.broker.judge import FOLDER, Finding, finding
from manyi.broker.names import COLLECTOR, SERVICES, VISITS, WINDOW, is_account

SAMPLE, OTHER = "box-under-test", "another-box"
"""Two boxes that the access list is asked about."""
OTHER_SYSTEM = "queue_another"
FROM_BOX = ("record", "state", "beat", "reply", "fetch")
TO_BOX = ("ack", "config", "cmd", "chunk", "prompt")


def judge_acl(where: str, text: str, folder: str = FOLDER) -> Iterator[Finding]:
    """Judged by what it allows. A box must be able to work, and nobody may reach what is not his."""
    rules = acl.parse(text)
    anew = f"manyi broker acl --dir {folder}"
    for number in rules.bad_lines:
        yield finding(
            f"{where}:{number}",
            "Mosquitto 不认识这一行",
            "Mosquitto does not take this line",
            f"删掉这一行，或整个重写：{anew}",
            f"remove this line, or write the list anew: {anew}",
        )

    def too_much(zh: str, en: str) -> Finding:
        return finding(
            where,
            zh,
            en,
            f"删掉放行它的规则，或整个重写：{anew}",
            f"remove the rule that lets it, or write the list anew: {anew}",
        )

    def may(user: str, box: str, writes: tuple[str, ...], reads: tuple[str, ...]) -> Iterator[Finding]:
        for name in FROM_BOX + TO_BOX:
            topic = f"{mosquitto.TOPIC}/{box}/{name}"
            for access, wanted in (("write", name in writes), ("read", name in reads)):
                verb = ("发布", "publish") if access == "write" else ("接收", "receive")
                does = rules.allows(user, "write" if access == "write" else "read", topic)
                if does and not wanted:
                    yield too_much(
                        f"{user or '匿名者'} 可{verb[0]} {topic}，这是不应该的",
                        f"{user or 'anybody'} can {verb[1]} {topic}, and must not",
                    )
                if wanted and not does:
                    yield finding(
                        where,
                        f"{user or '匿名者'} 不能{verb[0]} {topic}，这是必需的",
                        f"{user or 'anybody'} cannot {verb[1]} {topic}, and must be able to",
                        f"重写权限文件：{anew}",
                        f"write the list anew: {anew}",
                    )

    yield from may("", OTHER, (), ())
    yield from may(SAMPLE, SAMPLE, FROM_BOX, TO_BOX)
    yield from may(SAMPLE, OTHER, (), ())
    yield from may(COLLECTOR, OTHER, ("ack", "config", "cmd", "chunk"), FROM_BOX)
    yield from may(WINDOW, OTHER, ("prompt",), ())
    if (
        VISITS in rules.users()
    ):  # a list of an earlier release does not name it, and visits come over HTTP alone
        yield from may(VISITS, OTHER, ("prompt",), ())
    for user in ("", SAMPLE, COLLECTOR, WINDOW):
        for topic in (f"{mosquitto.TOPIC}/{what}/{OTHER_SYSTEM}" for what in ("visits", "duty")):
            if rules.allows(user, "write", topic) or rules.allows(user, "read", topic):
                yield too_much(
                    f"{user or '匿名者'} 可收发 {topic}：只有那个系统自己可以",
                    f"{user or 'anybody'} can use {topic}: that system alone tells its visits and sign-ins",
                )
    for user in sorted(rules.users() - set(SERVICES)):
        yield from may(user, OTHER, (), ())
    for user in sorted({"", SAMPLE, WINDOW, VISITS} | rules.users() - {COLLECTOR}):
        if rules.allows(user, "read", "$SYS/broker/uptime"):
            yield too_much(
                f"{user or '匿名者'} 可读取 $SYS（消息服务器自己的数字）",
                f"{user or 'anybody'} reads the broker's own figures, $SYS",
            )


_FLAWS = {
    "twice": ("账户写了两次，Mosquitto 2.1 不启动", "the account is there twice; 2.1 will not start"),
    "plain": ("口令未加密", "the password is in plain text"),
    "weak": ("旧式口令格式，容易破解", "$6$ is a weak format"),
    "format": (
        "口令格式错误，这个账户登录不了",
        "Mosquitto cannot read this password, and drops the account",
    ),
    "salt": (
        "盐长度不是 12 字节，这个账户登录不了",
        "Mosquitto 2.0 drops an account whose salt is not 12 bytes",
    ),
}


def judge_passwords(where: str, text: str, folder: str = FOLDER) -> Iterator[Finding]:
    """Lines that Mosquitto would drop, and accounts that belong to nobody."""
    entries = passwords.parse(text)
    for entry in entries:
        at = f"{where}:{entry.line}"
        if entry.flaw == "twice":
            zh, en = _FLAWS[entry.flaw]
            yield finding(at, f"{entry.user}：{zh}", f"{entry.user}: {en}", "删掉这一行", "remove this line")
        elif entry.flaw:
            zh, en = _FLAWS[entry.flaw]
            anew = f"manyi broker remove {entry.user} --dir {folder}; manyi broker add {entry.user} --dir {folder} --out NEW"
            yield finding(
                at,
                f"{entry.user}：{zh}",
                f"{entry.user}: {en}",
                f"换口令（新口令在 NEW 里，交给它）：{anew}",
                f"make another (it is in NEW, for whoever uses it): {anew}",
            )
        if not is_account(entry.user):
            yield finding(
                at,
                f"“{entry.user}”不是评价器编号，也不是服务账户",
                f"{entry.user!r} is neither a box nor a service",
                "删掉这一行",
                "remove this line",
            )
    if COLLECTOR not in {entry.user for entry in entries}:
        yield finding(
            where,
            f"缺少账户 {COLLECTOR}，采集程序登录不了",
            f"the collector has no account {COLLECTOR}",
            f"manyi broker add {COLLECTOR} --dir {folder} --out NEW",
        )
