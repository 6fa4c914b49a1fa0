"""A third, independent reading of docs/WIRE.md: writes the golden vectors. Imports neither the box nor the collector.

Run it only to add vectors; a vector file that has shipped is never rewritten (it refuses to).
"""

import base64
import hashlib
import hmac
import json
import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent
BOX, LIFE = "mb-24dcc3a1b2c4", "00112233445566ff"
K_LINK, K_CHAIN = bytes(range(32)), bytes(range(100, 132))


def mac(topic: str, body: str) -> str:
    digest = hmac.new(K_LINK, topic.encode() + b"\0" + body.encode(), hashlib.sha256)
    return body + ',"mac":"' + digest.digest()[:16].hex() + '"}'


def first_tag() -> bytes:
    what = b"manyi/1\0" + BOX.encode() + b"\0" + bytes.fromhex(LIFE)
    return hmac.new(K_CHAIN, what, hashlib.sha256).digest()[:8]


def record(prev: bytes, **f: object) -> dict[str, object]:
    f = {"fmt": 17, "level": 0, "reason": 0, "held": 0, "flags": 0, "data": b""} | f
    packed = struct.pack(
        "<BBHIQIIIBBHB20s",
        *(f[k] for k in ("fmt", "kind", "boot", "seq", "up_ms")),
        *f["n"],  # type: ignore[misc]
        *(f[k] for k in ("level", "reason", "held", "flags", "data")),
    )
    tag = hmac.new(K_CHAIN, prev + packed, hashlib.sha256).digest()[:8]
    data = f["data"].rstrip(b"\0").hex()  # type: ignore[attr-defined]
    text = (
        '{"seq":%(seq)d,"fmt":%(fmt)d,"kind":%(kind)d,"boot":%(boot)d,"up_ms":%(up_ms)d,' % f
        + '"n":[%d,%d,%d],' % tuple(f["n"])  # type: ignore[arg-type]
        + '"level":%(level)d,"reason":%(reason)d,"held":%(held)d,"flags":%(flags)d,' % f
        + '"data":"%s","tag":"%s"}' % (data, tag.hex())
    )
    fields = {**f, "data": f["data"].hex()}  # type: ignore[attr-defined]
    return {"fields": fields, "prev": prev.hex(), "packed": packed.hex(), "tag": tag.hex(), "json": text}


def chain(*records: dict[str, object]) -> list[dict[str, object]]:
    made, prev = [], first_tag()
    for f in records:
        made.append(record(prev, **f))
        prev = bytes.fromhex(str(made[-1]["tag"]))
    return made


def envelope(
    made: list[dict[str, object]], prev: str, first: int, base: int, depth: int, boot: int, up_ms: int
) -> dict[str, object]:
    topic = f"manyi/1/{BOX}/record"
    body = (
        '{"v":1,"life":"%s","boot":%d,"up_ms":%d,"base":%d,"first":%d,"prev":"%s","depth":%d,"records":[%s]'
        % (LIFE, boot, up_ms, base, first, prev, depth, ",".join(str(r["json"]) for r in made))
    )
    return {
        "topic": topic,
        "boot": boot,
        "up_ms": up_ms,
        "base": base,
        "first": first,
        "prev": prev,
        "depth": depth,
        "records": made,
        "payload": mac(topic, body),
    }


def plain(name: str, body: str, sealed: bool = True, **fields: object) -> dict[str, object]:
    topic = f"manyi/1/{BOX}/{name}"
    return {"topic": topic, "fields": fields, "payload": mac(topic, body) if sealed else body + "}"}


def stream(version: str, files: dict[str, bytes]) -> dict[str, object]:
    text = "manyi %s %d\n" % (version, len(files)) + "".join(
        "%s %d %s\n" % (hashlib.sha256(body).hexdigest(), len(body), name) for name, body in files.items()
    )
    own = hmac.new(K_LINK, b"manyi/1\0update\0" + BOX.encode(), hashlib.sha256).digest()
    line = "mac " + hmac.new(own, hashlib.sha256(text.encode()).digest(), hashlib.sha256).hexdigest() + "\n"
    whole = text.encode() + line.encode() + b"".join(files.values())
    return {
        "version": version,
        "files": {name: body.hex() for name, body in files.items()},
        "manifest": text,
        "signature": line,
        "stream": whole.hex(),
    }


def vectors() -> dict[str, object]:
    day = chain(
        {"seq": 1, "kind": 3, "boot": 1, "up_ms": 40, "n": [0, 0, 0], "reason": 1, "data": b"\1\0\0"},
        {"seq": 2, "kind": 1, "boot": 1, "up_ms": 61000, "n": [1, 0, 0], "level": 1},
        {
            "seq": 3,
            "kind": 2,
            "boot": 1,
            "up_ms": 61350,
            "n": [1, 0, 0],
            "reason": 1,
            "data": struct.pack("<QI", 1795000061350, 12),
        },
        {
            "seq": 4,
            "kind": 4,
            "boot": 1,
            "up_ms": 70000,
            "n": [1, 0, 0],
            "reason": 1,
            "data": b"\4\xde\xad\xbe\xef",
        },
        {
            "seq": 5,
            "kind": 1,
            "boot": 1,
            "up_ms": 2**40 + 7,
            "n": [1, 0, 1],
            "level": 3,
            "held": 180,
            "flags": 1,
            "data": bytes(range(1, 9)) + struct.pack("<H", 4711),
        },
        {
            "seq": 6,
            "kind": 1,
            "boot": 1,
            "up_ms": 2**40 + 2007,
            "n": [1, 1, 1],
            "level": 2,
            "reason": 1,
            "held": 65535,
        },
        {
            "seq": 7,
            "kind": 5,
            "boot": 1,
            "up_ms": 2**40 + 9000,
            "n": [1, 1, 1],
            "reason": 1,
            "data": b"\3\1\2\3\1\2",
        },
        {
            "seq": 8,
            "kind": 6,
            "boot": 1,
            "up_ms": 2**40 + 9100,
            "n": [1, 1, 1],
            "reason": 1,
            "data": struct.pack("<5I", 1, 3, 1, 0, 0),
        },
        {
            "seq": 9,
            "kind": 200,
            "boot": 65535,
            "up_ms": 2**63,
            "n": [2**32 - 1, 0, 7],
            "level": 9,
            "reason": 255,
            "held": 1,
            "flags": 128,
            "data": b"\xff" * 20,
        },
    )
    t = {"life": LIFE, "boot": 1}
    return {
        "keys": {
            "box": BOX,
            "life": LIFE,
            "k_link": K_LINK.hex(),
            "k_chain": K_CHAIN.hex(),
            "first_tag": first_tag().hex(),
        },
        "records": day,
        "record": {
            "live": envelope(day[:2], first_tag().hex(), 1, 1, 0, 1, 61020),
            "backlog": envelope(day[2:8], str(day[1]["tag"]), 3, 1, 640, 1, 2**40 + 9200),
            "empty": envelope([], str(day[7]["tag"]), 9, 3, 0, 1, 2**40 + 9300),
            "unknown_kind": envelope(day[8:], str(day[7]["tag"]), 9, 9, 0, 65535, 2**63 + 1),
        },
        "ack": {
            "head": plain(
                "ack",
                '{"v":1,"life":"%s","seq":2,"tag":"%s","boot":1,"up_ms":61020,"now":1795000061300'
                % (LIFE, day[1]["tag"]),
                **t,
                seq=2,
                tag=day[1]["tag"],
                up_ms=61020,
                now=1795000061300,
            ),
            "nothing": plain(
                "ack",
                '{"v":1,"life":"%s","seq":0,"tag":"","boot":1,"up_ms":61020,"now":1795000061300' % LIFE,
                **t,
                seq=0,
                tag="",
                up_ms=61020,
                now=1795000061300,
            ),
        },
        "state": {
            "online": plain(
                "state",
                '{"v":1,"state":"online","fw":"1.0.0","life":"%s","boot":1,"reason":1' % LIFE,
                False,
                **t,
                state="online",
                fw="1.0.0",
                reason=1,
            ),
            "offline": plain("state", '{"v":1,"state":"offline"', False, state="offline"),
        },
        "beat": {
            "busy": plain(
                "beat",
                (
                    '{"v":1,"life":"%s","boot":1,"up_ms":120000,"seq":8,"n":[1,1,1],"depth":3,"oldest_ms":4000,"lost":[1,0,0],"unknown":0,'
                    '"room":7800,"clock":1,"stuck":4,"heap":31200,"rssi":-61,"erases":12,"faults":0,"config":"c1"'
                )
                % LIFE,
                **t,
                up_ms=120000,
                seq=8,
                n=[1, 1, 1],
                depth=3,
                oldest_ms=4000,
                lost=[1, 0, 0],
                unknown=0,
                room=7800,
                clock=1,
                stuck=4,
                heap=31200,
                rssi=-61,
                erases=12,
                faults=0,
                config="c1",
            ),
        },
        "config": {
            "whole": plain(
                "config",
                '{"v":1,"id":"c1","beat_s":60,"bright":80,"volume":60,"mode":"always","second":"correct","visit_ms":5000,"open":"08:30-17:30"',
                id="c1",
                beat_s=60,
                bright=80,
                volume=60,
                mode="always",
                second="correct",
                visit_ms=5000,
                open="08:30-17:30",
            ),
        },
        "cmd": {
            "identify": plain(
                "cmd",
                '{"v":1,"id":"k1","boot":1,"do":"identify","arg":""',
                id="k1",
                boot=1,
                do="identify",
                arg="",
            )
        },
        "reply": {"done": plain("reply", '{"v":1,"id":"k1","ok":1,"text":""', id="k1", ok=1, text="")},
        "fetch": {"middle": plain("fetch", '{"v":1,"id":"k2","at":2816', id="k2", at=2816)},
        "chunk": {
            "whole": plain(
                "chunk",
                '{"v":1,"id":"k2","at":2816,"data":"%s"' % base64.b64encode(bytes(range(256))).decode(),
                id="k2",
                at=2816,
                data=bytes(range(256)).hex(),
            )
        },
        "update": {
            "small": stream("1.2.0", {"main.mpy": b"M\6\0\37", "box/wire.mpy": bytes(range(256)) * 3})
        },
        "prompt": {
            "visit": plain(
                "prompt",
                '{"v":1,"visit":"0102030405060708","biz":12',
                False,
                visit="0102030405060708",
                biz=12,
            )
        },
    }


if __name__ == "__main__":
    for name, vector in vectors().items():
        file = HERE / f"{name}.json"
        text = json.dumps(vector, indent=1, default=str) + "\n"
        if file.exists() and file.read_text() != text:
            sys.exit(f"{file.name} has shipped: add a new vector instead of changing it")
        file.write_text(text)
