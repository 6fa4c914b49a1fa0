"""Everything the demo says to people, Chinese first, English by --lang en. The last line is for programs and has one form."""

from __future__ import annotations

from typing import Literal

Lang = Literal["zh", "en"]

LEVEL = {1: ("满意", "satisfied"), 2: ("基本满意", "basically satisfied"), 3: ("不满意", "dissatisfied")}

TEXT: dict[str, tuple[str, str]] = {
    "setting": (
        "正在启动：{boxes} 台评价器、消息服务器、采集服务、监控大屏 …",
        "Starting {boxes} boxes, broker, collector and wall …",
    ),
    "ready": ("已就绪，用时 {s:.1f} 秒", "Ready after {s:.1f} s"),
    "wall": (
        "监控大屏   {url}  演示不设账号，只在本机可见",
        "The wall     {url}  no accounts here: seen on this machine alone",
    ),
    "hall": ("大厅屏     {url}  {name}", "Hall screen  {url}  {name}"),
    "keys": (
        "您来评价：1 满意  2 基本满意  3 不满意   Tab 换下一台评价器   q 结束",
        "Rate as a citizen: 1 satisfied  2 basically satisfied  3 dissatisfied   Tab next box   q quit",
    ),
    "no_keys": ("按 Ctrl-C 结束", "Ctrl-C ends it"),
    "lit": ("您按了{level}，{ms} ms 亮灯", "you: {level}, light after {ms} ms"),
    "line": (
        "按键 {pressed} 已存 {stored} 待传 {waiting} 丢失 {lost} 大屏 {shown} 在线 {online}/{known}",
        "pressed {pressed} stored {stored} waiting {waiting} lost {lost} shown {shown} online {online}/{known}",
    ),
    "no_answer": ("采集服务正在重启 …", "the collector is restarting …"),
    "kills": (
        "已杀死：评价器 {box} 次、消息服务器 {broker} 次、采集服务 {collector} 次",
        "killed: boxes {box}, broker {broker}, collector {collector} times",
    ),
    "settling": ("不再按键，等待全部确认 …", "No more presses; waiting until every box is acknowledged …"),
    "waiting": ("还有 {n} 台评价器未确认：{boxes}", "{n} boxes still wait: {boxes}"),
    "asking": ("向每台评价器核对它自己的计数 …", "Asking every box what its own flash has counted …"),
    "stuck": (
        "{s:.0f} 秒后仍有评价器未确认：{boxes}",
        "after {s:.0f} s some boxes are still not acknowledged: {boxes}",
    ),
    "unequal": (
        "对账不符：评价器 {pressed}，台账 {stored}，大屏 {shown}",
        "the account does not add up: boxes {pressed}, ledger {stored}, wall {shown}",
    ),
    "logs": ("日志在 {path}", "The logs are in {path}"),
    "kept": ("数据保留在 {path}", "The data is kept in {path}"),
    "failed": ("演示失败：{why}", "The demo failed: {why}"),
    "ended": ("{name} 意外结束：\n{tail}", "{name} ended by itself:\n{tail}"),
    "killed": ("{name} 被杀死，重新启动 …", "{name} was killed; starting it again …"),
    "reset": ("{name} 自行复位：{tail}", "{name} reset itself: {tail}"),
    "slow": ("{name} 在 {s:.0f} 秒内没有就绪：\n{tail}", "{name} was not ready within {s:.0f} s:\n{tail}"),
    "no_firmware": (
        "找不到编译好的固件 {path}，请执行 make firmware",
        "No compiled firmware in {path}; run: make firmware",
    ),
    "no_micropython": (
        "本平台没有 MicroPython，评价器无法运行；请用 MICROPYTHON=文件 指定",
        "There is no MicroPython for this platform, so boxes cannot run; name one with MICROPYTHON=file",
    ),
    "port_taken": (
        "端口 {port} 已被占用，请用 PORT= 另选一个",
        "Port {port} is taken; choose another with PORT=",
    ),
    "not_installed": (
        "演示缺少组件 {name}，请用 make demo 启动",
        "The demo needs {name}, which is not installed; start it with: make demo",
    ),
}


class Failed(Exception):
    """The demo cannot go on, and says why: a key of TEXT and its values."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key, self.values = key, values


class Words:
    """`words("wall", url=...)` in the chosen language."""

    def __init__(self, lang: Lang) -> None:
        self._which = 1 if lang == "en" else 0

    def __call__(self, key: str, **values: object) -> str:
        return TEXT[key][self._which].format(**values)

    def pick(self, names: tuple[str, str]) -> str:
        return names[self._which]

    def level(self, level: int) -> str:
        return LEVEL[level][self._which]
