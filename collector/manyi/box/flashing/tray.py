"""A tray of boards at once: each port is flashed with an identity of its own, started and asked to prove it.

The next free identity is bound to a chip, on disk, before anything is written to it, so that no two chips ever share
one, whatever stops the run; a chip that comes back gets its own again. It is free again only if not a block was written.
One board's trouble is no other's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from manyi.box.console import Console, opened
from manyi.box.flashing import flash, image, keeping
from manyi.box.identity import Given, files
from manyi.box.provision import START_S
from manyi.box.records import Claim, Records
from manyi.box.site import Site
from manyi.box.words import MARKS, BoxError, both, file_trouble

HANDS = 6
"""Boards at once: more than that, and a USB hub and a laptop's cores are what is waited for."""
STEP_PERCENT = 10
LOOK_S = 0.5
HAND_S = 300.0
"""For a start that takes a hand: somebody has to take a wire off first, and may have a tray of them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    port: str
    box: str
    mac: str
    trouble: str

    @property
    def ok(self) -> bool:
        return not self.trouble


@dataclass(frozen=True, slots=True)
class Tools:
    """What touches boards; tests have others."""

    mac: Callable[[flash.Board, str], str]
    held: Callable[[flash.Board, str, Path], image.Held | None]
    read: Callable[[flash.Board, str, image.Partition], bytes]
    write: Callable[..., None]
    prove: Callable[[flash.Board, Given], None]


@dataclass(frozen=True, slots=True)
class Tray:
    """What every board of it gets. `keep_journal`: each stays the box it is, so none is given an identity."""

    whole: bytes
    given: list[Given]  # none: the boards stay blank
    site: Site | None
    records: Records
    now_ms: Callable[[], int]
    keep_journal: bool = False
    force: bool = False
    baud: int = flash.BAUD
    reset: bool = True
    tools: Tools | None = None  # None: the real ones


class _Deal:
    """Deals identities out, one at a time."""

    def __init__(self, tray: Tray) -> None:
        self._tray, self._lock = tray, threading.Lock()
        self._fresh: set[str] = set()  # of this run

    def to(self, mac: str) -> tuple[Given, Claim]:
        """Raises BoxError."""
        with self._lock:
            claims = self._tray.records.claims()
            mine = {c.box for c in claims if c.mac == mac and not c.retired}
            taken = {c.box for c in claims}
            for given in self._tray.given:
                if given.box in mine or (not mine and given.box not in taken):
                    self._fresh |= {given.box} - taken
                    return given, self._tray.records.claim(given.box, mac, self._tray.now_ms())
        if mine:
            raise BoxError(
                f"这块芯片已是 {mine.pop()}，不在这份移交文件里：用写着它的那份，或先 manyi box retire",
                "this chip has an identity that is not in this file: take the file that has it, or retire it first",
            )
        raise BoxError(
            "移交文件里的身份用完了：请中心再开通（manyi broker add）",
            "no identity is left: manyi broker add more",
        )

    def back(self, claim: Claim) -> None:
        """Of a chip that has nothing of it; what it had from an earlier run it keeps."""
        with self._lock:
            if claim.box in self._fresh:
                self._tray.records.release(claim.box)


def run(tray: Tray, ports: Iterable[str], tell: Callable[[str], None]) -> list[Outcome]:
    """Every port's outcome, in their order. Raises nothing for a board's trouble. Ctrl-C begins no further board."""
    deal, names = _Deal(tray), list(ports)
    with ThreadPoolExecutor(max_workers=min(HANDS, max(1, len(names)))) as hands:
        boards = [hands.submit(_one, tray, deal, port, tell) for port in names]
        try:
            while wait(boards, timeout=LOOK_S).not_done:  # without an end Windows would not hear Ctrl-C
                pass
        except KeyboardInterrupt:
            tell(both("正在停下：等已经开始的，其余不再开始", "stopping: no further board is begun"))
            hands.shutdown(cancel_futures=True)
    idle = both("没有开始", "not begun")
    return [
        Outcome(port, "", "", idle) if board.cancelled() else board.result()
        for port, board in zip(names, boards, strict=True)
    ]


def _one(tray: Tray, deal: _Deal, port: str, tell: Callable[[str], None]) -> Outcome:
    box = mac = ""
    try:
        facts = image.facts(tray.whole)
        board = flash.Board(port, tray.baud, tray.reset and facts.resets)
        tools = tray.tools or Tools(flash.mac, flash.held, flash.read, flash.write, prove)
        mac = tools.mac(board, facts.chip)
        whole, given, claim = tray.whole, None, None
        if tray.keep_journal:
            kept = keeping.taken(partial(tools.read, board, facts.chip), whole, tray.records, mac)
            whole, given = kept.into(whole), kept.given()
        else:
            guard(tray, tools, board, facts.chip, mac)
            if tray.site is not None:
                given, claim = deal.to(mac)
                whole = image.with_files(whole, files(given, tray.site, facts.board, claim.pin))
        box = given.box if given else ""
        tell(f"{port}  {box}  {mac}  " + both("开始", "begins"))
        steps = _Steps(f"{port}  {box}", tell)
        try:
            tools.write(board, whole, keep_journal=tray.keep_journal, progress=steps)
        except BaseException:
            if claim is not None and not steps.percent:
                deal.back(claim)
            raise
        tell(f"{port}  {box}  " + both("已写入并校验", "written and verified"))
        tray.records.let_go(mac)
        if not board.reset:
            tell(f"{port}  {box}  " + both("断开 IO0，碰一下 EN", "take IO0 off GND, touch EN"))
        if given is not None:
            tools.prove(board, given)
    except (BoxError, OSError) as stopped:
        error = stopped if isinstance(stopped, BoxError) else file_trouble(stopped.filename, stopped)
        tell(f"{port}  {box or '-'}  {MARKS[False]} {error}")
        return Outcome(port, box, mac, str(error))
    tell(f"{port}  {box}  {MARKS[True]}")
    return Outcome(port, box, mac, "")


def guard(tray: Tray, tools: Tools, board: flash.Board, chip: str, mac: str) -> None:
    """Nothing that was pressed is written over. Raises BoxError."""
    if tray.records.kept(mac) and not tray.force:
        raise BoxError(
            "这块芯片保留记录的烧录中断过：接着用 KEEP_JOURNAL=1（--keep-journal）；确需放弃用 --force",
            "this chip was being flashed with --keep-journal: go on with it, or give its records up with --force",
        )
    backup = tray.records.folder / f"{mac}-{tray.now_ms()}.journal"
    found = tools.held(board, chip, backup)
    if found is not None and found.waiting and not tray.force:
        raise BoxError(
            f"芯片里还有 {found.waiting} 条没有送达的记录（已备份到 {backup.name}）："
            "先让它送完，或 --keep-journal；确需放弃用 --force",
            f"{found.waiting} records in this chip were never delivered (copied to {backup.name}): "
            "let it deliver, or --keep-journal, or --force",
        )


def prove(board: flash.Board, given: Given) -> None:
    """The box that started is the one that was written. Raises BoxError."""
    with opened(board.port) as line:
        console = Console(line, board.port)
        seen = console.wait_for("locked", "open", patience_s=START_S if board.reset else HAND_S)
        if seen.get("box") != given.box:
            raise BoxError(f"启动后自称 {seen.get('box')}", f"it started as {seen.get('box')}")
        console.unlock(bytes.fromhex(given.k_link))
        console.ask("lock")


class _Steps:
    """Tells of every tenth of a board."""

    def __init__(self, who: str, tell: Callable[[str], None]) -> None:
        self.percent = 0.0
        self._who, self._tell, self._told = who, tell, 0

    def __call__(self, percent: float) -> None:
        self.percent = percent
        if percent >= self._told + STEP_PERCENT:
            self._told = int(percent) // STEP_PERCENT * STEP_PERCENT
            self._tell(f"{self._who}  {self._told}%")


def summary(outcomes: list[Outcome]) -> str:
    good = [o for o in outcomes if o.ok]
    lines = []
    for o in outcomes:
        lines.append(f"{MARKS[o.ok]} {o.port:16} {o.box or '-':24} {o.mac}".rstrip())
        if o.trouble and len(outcomes) > 1:  # of one it has just been said
            lines.append(f"    {o.trouble}")
    return "\n".join(
        [*lines, both(f"{len(good)}/{len(outcomes)} 台完成", f"{len(good)} of {len(outcomes)} done")]
    )


def ports() -> list[str]:
    """Serial ports of USB adapters on this machine. Raises BoxError if there is none."""
    from serial.tools import list_ports  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415

    found = sorted(p.device for p in list_ports.comports() if p.vid is not None)
    if not found:
        raise BoxError("没有找到 USB 串口：检查线和驱动", "no USB serial port is there: cable, driver")
    return found
