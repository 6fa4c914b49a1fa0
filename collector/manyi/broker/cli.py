"""`manyi ca ...` and `manyi broker ...`: two typer applications for the command line to mount.

Exit codes: 0 done, or nothing wrong; 1 `broker check` has found something; 2 not done, and why.
Prints no secret, ever: secrets go to files that only their owner can read.
"""

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from manyi.broker import ca, certificates, check, install, mosquitto
from manyi.broker.names import DOCTOR, SERVICES, BrokerError
from manyi.words import both, todo

FOUND, NOT_DONE = 1, 2
INDENT = 4
SHOWN_DIGITS = 12
"""Of a serial in a list: enough to name it, short enough to type."""

ca_app = typer.Typer(no_args_is_help=True, help=both("私有证书机构", "The private certificate authority."))
broker_app = typer.Typer(
    no_args_is_help=True, help=both("消息服务器（Mosquitto）", "The broker (Mosquitto).")
)

CaDir = Annotated[Path, typer.Option("--dir", help=both("CA 目录", "The authority's folder."))]
BrokerDir = Annotated[Path, typer.Option("--dir", help=both("消息服务器目录", "The broker's folder."))]
Out = Annotated[Path, typer.Option("--out", help=both("输出目录", "Where server.pem and the root go."))]
Serial = Annotated[str, typer.Argument(help=both("序列号（可只写开头）", "Serial, or how it begins."))]
Passphrase = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", help=both("根密钥口令文件（0600）", "File with the root key's passphrase.")
    ),
]
Boxes = Annotated[list[str], typer.Argument(help=both("评价器编号", "Box ids."))]


@contextmanager
def _told() -> Iterator[None]:
    """What the administrator has to change is told in plain lines, not as a traceback."""
    try:
        yield
    except BrokerError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(NOT_DONE) from None
    except OSError as error:
        print(both("文件操作失败", str(error)), file=sys.stderr)
        raise typer.Exit(NOT_DONE) from None


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _reload() -> str:
    return both(
        "重新载入后生效：systemctl reload mosquitto，或 kill -HUP 进程号",
        "takes effect after a reload: systemctl reload mosquitto, or kill -HUP <pid>",
    )


@ca_app.command("init")
def ca_init(
    dir: CaDir,
    name: Annotated[str, typer.Option(help=both("根证书名称", "The root's name."))] = "manyi root",
    permit: Annotated[
        list[str] | None,
        typer.Option(
            help=both("只许签发的域名或网段，可重复", "Only these domains and networks; repeatable.")
        ),
    ] = None,
    passphrase_file: Passphrase = None,
) -> None:
    """新建根证书 / Make the root."""
    with _told():
        ca.create(dir, name, permit or [], ca.passphrase_from(passphrase_file), _now())
    print(
        both(
            f"根证书 {dir / ca.CERT_FILE}，给评价器用的是 {dir / ca.DER_FILE}",
            f"the root is {dir / ca.CERT_FILE}; boxes take {dir / ca.DER_FILE}",
        )
    )
    print(both("请把 root.key 备份并离线保存", "back up root.key and keep it off the network"))


@ca_app.command("issue")
def ca_issue(
    names: Annotated[list[str], typer.Argument(help=both("主机名或 IP", "Host names or IP addresses."))],
    dir: CaDir,
    out: Out,
    passphrase_file: Passphrase = None,
) -> None:
    """签发服务器证书 / Issue a server certificate."""
    with _told():
        serial = ca.issue(dir, names, out, ca.passphrase_from(passphrase_file), _now())
    where = out / ca.SERVER_PEM
    print(both(f"已签发 {serial[:SHOWN_DIGITS]}：{where}", f"issued {serial[:SHOWN_DIGITS]}: {where}"))


@ca_app.command("renew")
def ca_renew(serial: Serial, dir: CaDir, out: Out, passphrase_file: Passphrase = None) -> None:
    """续期：新密钥、新证书、同样的名称 / Renew: new key, new certificate, same names."""
    with _told():
        new = ca.renew(dir, serial, out, ca.passphrase_from(passphrase_file), _now())
    where = out / ca.SERVER_PEM
    print(both(f"已续期为 {new[:SHOWN_DIGITS]}：{where}", f"renewed as {new[:SHOWN_DIGITS]}: {where}"))
    print(_reload())


@ca_app.command("revoke")
def ca_revoke(serial: Serial, dir: CaDir, passphrase_file: Passphrase = None) -> None:
    """吊销服务器证书 / Revoke a server certificate."""
    with _told():
        gone = ca.revoke(dir, serial, ca.passphrase_from(passphrase_file), _now())
    which, where = gone.serial[:SHOWN_DIGITS], dir / ca.CRL_FILE
    print(
        both(
            f"已吊销 {which}，请分发新的吊销列表 {where}", f"revoked {which}; hand out the new list: {where}"
        )
    )
    print(both("评价器不读吊销列表，见 docs/BROKER.md", "boxes cannot read the list: see docs/BROKER.md"))


@ca_app.command("list")
def ca_list(dir: CaDir) -> None:
    """列出证书与剩余天数 / List certificates and the days they have left."""
    with _told():
        now = _now()
        root, issued = ca.root_certificate(dir), ca.listing(dir)
    _row("root", root.not_valid_after_utc, now, certificates.serial_of(root))
    for item in issued:
        _row(" ".join(item.names), item.not_after, now, item.serial, revoked=item.revoked)


def _row(names: str, not_after: datetime, now: datetime, serial: str, *, revoked: bool = False) -> None:
    days = certificates.days_left(not_after, now)
    if revoked:
        state = both("已吊销", "revoked")
    elif days < 0:
        state = both("已过期", "expired")
    else:
        state = both("即将过期", "ends soon") if days < certificates.SOON_DAYS else ""
    print(f"{serial[:SHOWN_DIGITS]}  {not_after:%Y-%m-%d}  {days:>6} d  {names}  {state}".rstrip())


@broker_app.command("init")
def broker_init(
    dir: BrokerDir,
    host: Annotated[
        list[str] | None, typer.Option(help=both("主机名或 IP，可重复", "Host name or IP; repeatable."))
    ] = None,
    ca_dir: Annotated[
        Path | None, typer.Option("--ca", help=both("CA 目录", "The authority, if it is on this machine."))
    ] = None,
    passphrase_file: Passphrase = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = mosquitto.PORT,
    bind: Annotated[str, typer.Option(help=both("只在此地址监听", "Listen on this address only."))] = "",
    account: Annotated[
        str, typer.Option(help=both("消息服务器的系统账户", "The broker's account on this machine."))
    ] = "",
    boxes: Annotated[
        int, typer.Option(min=1, help=both("预计评价器数", "How many boxes."))
    ] = mosquitto.BOXES,
    log: Annotated[str, typer.Option(help="syslog | stderr | /path")] = mosquitto.SYSLOG,
    metrics: Annotated[
        bool, typer.Option("--metrics", help=both("采集程序可读 $SYS", "The collector may read $SYS."))
    ] = False,
    plugins: Annotated[str, typer.Option(help=both("2.1 的插件目录", "Where 2.1 has plugins."))] = "/usr/lib",
) -> None:
    """生成 Mosquitto 的全部配置 / Make everything that Mosquitto needs."""
    me = pwd.getpwuid(os.geteuid()).pw_name
    setup = mosquitto.Setup(
        directory=str(dir.absolute()),
        port=port,
        bind=bind,
        account=account or ("mosquitto" if os.geteuid() == 0 else me),
        boxes=boxes,
        log=log,
        metrics=metrics,
        plugins=plugins,
    )
    with _told():
        phrase = ca.passphrase_from(passphrase_file)
        signing = install.Signing(ca_dir, host or [], phrase) if ca_dir else None
        install.init(dir, setup, signing, _now())
    start = f"mosquitto -c {dir / mosquitto.CONF}"
    print(both(f"已生成 {dir}，启动：{start}", f"made {dir}; start it with: {start}"))
    if ca_dir is None:
        out = "server.pem ca.crt ca.der ca.crl"
        issue = f"manyi ca issue {' '.join(host or ['NAME'])} --out DIR"
        print(both(f"还缺 {out}，由 {issue} 生成", f"{out} are missing; put them there: {issue}"))
    for user in SERVICES:
        path = f"{dir / install.HANDOVER / user}.password"
        print(both(f"{user} 的口令在 {path}，移交后删除", f"hand over, then delete: {path}"))


@broker_app.command("add")
def broker_add(
    boxes: Boxes,
    dir: BrokerDir,
    out: Annotated[
        Path, typer.Option("--out", help=both("移交文件（新建，0600）", "Hand-over file, new, 0600."))
    ],
    link_file: Annotated[
        Path | None,
        typer.Option(help=both("采集程序的密钥文件", "The collector's key file: k_link is added.")),
    ] = None,
    auditor_file: Annotated[
        Path | None, typer.Option(help=both("审计密封文件", "The auditor's sealed file: k_chain is added."))
    ] = None,
) -> None:
    """为评价器开通账户 / Give boxes their credentials."""
    with _told():
        install.add(dir, boxes, out, link_file, auditor_file)
    if boxes == [DOCTOR]:
        print(
            both(f"体检账户在 {out}，应属于服务账户", f"the doctor's own, for the service's account: {out}")
        )
    else:
        print(
            both(
                f"已开通 {len(boxes)} 台，{out} 交给烧录的人，用完即删",
                f"{len(boxes)} added; hand over to whoever flashes the boxes, then delete: {out}",
            )
        )
    if auditor_file:
        zh = f"{auditor_file} 须密封移交审计方，不得留在本机"
        print(both(zh, "carry it away sealed: the collector's machine must not keep it"))
    print(_reload())


@broker_app.command("remove")
def broker_remove(boxes: Boxes, dir: BrokerDir) -> None:
    """收回评价器的账户 / Take credentials away."""
    with _told():
        install.remove(dir, boxes)
    print(
        both(
            f"已收回 {len(boxes)} 个账户，重新载入时断开在线的评价器",
            f"{len(boxes)} taken away; a box that is connected is cut off by the reload",
        )
    )
    print(_reload())


@broker_app.command("acl")
def broker_acl(dir: BrokerDir) -> None:
    """升级后更新访问控制 / Bring the access list up to this release."""
    with _told():
        changed = install.renew_acl(dir)
    if changed:
        print(both("访问控制已更新", "the access list is this release's"))
        print(_reload())
    else:
        print(both("访问控制已是本版本的", "the access list is this release's already"))


@broker_app.command("check")
def broker_check(dir: BrokerDir) -> None:
    """检查已安装的消息服务器 / Say what is wrong with an installed broker."""
    with _told():
        found = check.inspect(dir, _now())
    for finding in found:
        print(f"{finding.where}: {finding.what}")
        print(todo(finding.do_zh, finding.do_en, INDENT))
    if found:
        print(both(f"{len(found)} 个问题，→ 是怎么办", f"{len(found)} to be put right, as the → says"))
        print(
            both(
                f"改完：systemctl reload mosquitto（改了 {mosquitto.CONF} 要 systemctl restart mosquitto），再查一遍",
                f"then systemctl reload mosquitto (after a change of {mosquitto.CONF}: restart), and check again",
            )
        )
        raise typer.Exit(FOUND)
    print(both("未发现问题", "nothing wrong"))
