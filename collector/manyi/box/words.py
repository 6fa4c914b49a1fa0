"""What can go wrong at the bench, in plain words: Chinese, English, and what to do. Pure.

One tree: everything here is for the technician. Refuses to print a secret.
"""

from __future__ import annotations

from dataclasses import dataclass

from manyi.core.errors import ManyiError
from manyi.words import both

__all__ = [
    "MARKS",
    "TROUBLES",
    "BoxError",
    "Unfit",
    "Words",
    "answer",
    "both",
    "file_trouble",
    "link_trouble",
]


MARKS = {True: "√", False: "×", None: "–"}
"""Of what is well, is not, was not tried: signs that every Chinese code page has (the tick is in none)."""


class BoxError(ManyiError):
    """The technician has to do something first. Says what, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(both(zh, en))
        self.zh, self.en = zh, en


class Unfit(BoxError):
    """Every problem found, one a line."""

    def __init__(self, problems: list[str]) -> None:
        Exception.__init__(self, "\n".join(problems))
        self.problems = problems


def file_trouble(path: object, error: OSError) -> BoxError:
    """A file or folder that cannot be read or written; `path` None: nobody says which, as of a program or a socket."""
    said = error.strerror or error
    if path is None:
        return BoxError(f"系统说：{error}", f"the system says: {said}")
    zh, en = _FILE.get(
        type(error),
        (f"读写不了（{said}）：看看磁盘满没满", f"cannot be read or written ({said}): is the disk full?"),
    )
    return BoxError(f"{path}：{zh}", f"{path}: {en}")


_FILE = {
    FileNotFoundError: (
        "没有这个文件，看看名称和文件夹",
        "there is no such file: look at its name and folder",
    ),
    PermissionError: ("没有权限，或正被别的程序打开", "you may not, or another program has it open"),
    IsADirectoryError: ("是文件夹，不是文件", "is a folder, no file"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """`key` names the trouble for records and tests; the rest is for people."""

    key: str
    zh: str
    en: str

    def __str__(self) -> str:
        return both(self.zh, self.en)


_NONE = Words("ok", "正常", "well")
TROUBLES = (
    Words(
        "expired",
        "服务器证书已过期：中心续签（manyi ca renew），评价器不用动",
        "the server's certificate has expired: renew it (manyi ca renew); the box needs nothing",
    ),
    Words(
        "future",
        "服务器证书尚未生效：检查中心服务器和评价器的日期",
        "the server's certificate is not valid yet: look at the server's date and the box's",
    ),
    Words(
        "name",
        "服务器证书的名称不符：证书须写明评价器连接的名称",
        "the certificate is for another name: it must have the name that the box connects to",
    ),
    Words(
        "ca",
        "服务器证书不是本系统签发的：连错服务器，或评价器里的根证书（ca.der）不对",
        "the certificate is not from our authority: the wrong server, or the wrong ca.der in the box",
    ),
    Words(
        "credential",
        "账户或口令被拒绝：开通后消息服务器要重新载入；若已注销或换了口令，中心用 manyi broker add 重新开通，"
        "再用 manyi box renew 写入",
        "the broker refuses this account or password: a new account takes a reload of the broker; if it was removed or has a "
        "new password: `manyi broker add`, then `manyi box renew` writes the new one",
    ),
    Words(
        "network",
        "没有网络：Wi-Fi 名称、密码、信号，或网线",
        "no network: name and password of the Wi-Fi, its signal, or the cable",
    ),
    Words(
        "dns",
        "查不到服务器名称：检查 DNS，或把服务器写成 IP 地址",
        "the server's name is not found: look at the DNS, or give the server as an address",
    ),
    Words(
        "refused",
        "服务器拒绝连接：消息服务没有运行，或端口不对",
        "the server refuses: its broker is not running, or the port is wrong",
    ),
    Words(
        "unreachable",
        "到不了服务器：检查网线、网关、防火墙",
        "the server cannot be reached: cable, gateway, firewall",
    ),
    Words(
        "silent",
        "服务器没有应答：检查地址、端口和防火墙（TCP 8883）",
        "the server does not answer: address, port, firewall (TCP 8883)",
    ),
    Words("memory", "评价器内存不足：重新上电再试", "the box is out of memory: switch it off and on"),
)
_BY_KEY = {words.key: words for words in TROUBLES}
_SAID = {
    # what the box's own words contain, lower case, in this order (Mbed TLS's texts, MQTT's, ours, numbers of errno)
    "validity has expired": "expired",
    "validity starts in the future": "future",
    "common name": "name",
    "expected cn": "name",
    "not correctly signed": "ca",
    "password": "credential",
    "not authorized": "credential",
    "client id": "credential",
    "no network": "network",
    "no address": "dns",
    "oserror(111": "refused",
    "oserror(113": "unreachable",
    "oserror(118": "unreachable",  # lwIP on an ESP32
    "oserror(110": "silent",
    "oserror(116": "silent",  # the same on an ESP32
    "timeouterror": "silent",
    "no hello": "silent",
    "'silent": "silent",
    "eoferror": "silent",
    "memory": "memory",
}


def link_trouble(why: str) -> Words:
    """The box's `why` ("-" or "": nothing went wrong yet) in words. Never fails."""
    low = why.replace("-", " ").replace("\\n", " ").lower()
    if low.strip() in ("", "none"):
        return _NONE
    for said, key in _SAID.items():
        if said in low:
            return _BY_KEY[key]
    return Words(
        "other",
        f"连接失败（{why}）：重新上电再试，还不行把这一行告诉中心",
        f"the link failed ({why}): switch it off and on; if it stays, tell the centre this line",
    )


_ANSWERS = {  # what a box says to a command (docs/WIRE.md)
    "records wait": ("还有记录没送完：送完再升级", "records wait to be sent: try again when they are"),
    "signature": (
        "签名不对：固件不是给这台的，用 manyi box update 重新发送",
        "the signature is wrong: it was not made for this box. Send it anew with manyi box update",
    ),
    "digest": ("文件校验不对：重新发送", "a file arrived damaged: send it again"),
    "manifest": ("固件清单看不懂：重新编译", "the manifest cannot be read: compile it again"),
    "path": (
        "固件里有不该有的文件：重新编译（make firmware）",
        "the firmware has a file it may not have: make firmware",
    ),
    "size": ("大小不对：重新发送", "the size is wrong: send it again"),
    "disk": ("评价器存储写不进：换一台", "the box cannot write its flash: replace it"),
    "data": ("收到的内容损坏：重新发送", "a piece arrived damaged: send it again"),
    "no data came": ("线路太差，没收完：以后再试", "the link is too bad: try again later"),
    "no memory": ("评价器内存不足：先 manyi box cmd 重启再试", "no memory: reboot the box and try again"),
    "the time is not known yet": (
        "评价器还没对上时：稍后再试",
        "it does not know the time yet: try again soon",
    ),
    "a visitor may be at the keys": (
        "有群众可能正在评价：稍后再试",
        "a visitor may be at the keys: try again soon",
    ),
    "an update is coming already": ("正在升级", "an update is coming already"),
    "this firmware is on trial itself": ("新固件还在试用：稍后再试", "the firmware is on trial itself: wait"),
    "not in this firmware": ("这台的固件不会这个：先升级", "its firmware cannot do that: update it"),
}


def answer(text: str) -> tuple[str, str]:
    """Why a box does not do what it was told, in Chinese and English. Never fails."""
    return _ANSWERS.get(text, (text, text))
