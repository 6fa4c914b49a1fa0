"""The site file: every key has a type and a range, and what is wrong is said at once, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from manyi.box import site
from manyi.box.words import Unfit

from tests.services.certs import Certs

CHINESE = re.compile(r"[\u4e00-\u9fff]")
WELL = "[broker]\nhost='h'\nplain=true\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "host"), ("nonsense", "不是 TOML"), ("[broker]\nhost=''\nplain=true", "host"), ("[broker]\nhost='h'", "ca"),
        ("[broker]\nhost='h'\nca='none.der'", "读不出证书"), ("[broker]\nhost='h'\nca=7", "ca 应为"),
        ("[broker]\nhost='h'\nca='a.der'\nplain=true", "不写 ca"), ("[broker]\nhost='h'\nplain='true'", "true 或 false"),
        (WELL + "port=0", "1 至 65535"), (WELL + "port='1883'", "不加引号"), (WELL + "port=true", "1 至 65535"),
        (WELL + "prot=1883", "不认识的设置 prot"), (WELL + "name=5", "证书上的名称"), (WELL + "host2='h'", "host2"),
        ("[broker]\nhost='a b'\nplain=true", "host"), ("broker=5", "host"),
        ("beat_s='60'\n" + WELL, "beat_s"), ("beat_s=0\n" + WELL, "10 至 600"), ("beat_s=601\n" + WELL, "10 至 600"),
        ("beat_s=60.0\n" + WELL, "beat_s"), ("dns='10.1.2.1'\n" + WELL, "dns 应为地址的列表"), ("dns=['h']\n" + WELL, "dns"),
        ("dns=[]\n" + WELL, "dns"), ("ntp='10.1.2.1'\n" + WELL, "ntp 应为列表"), ("ntp=[1]\n" + WELL, "ntp"),
        ("wfi=1\n" + WELL, "不认识的设置 wfi"),
        ("wifi=5\n" + WELL, "[[wifi]]"), ("[wifi]\nssid='a'\nkey=''\n" + WELL, "[[wifi]]"),
        (WELL + "[[wifi]]\nssid=''\nkey=''", "ssid"), (WELL + "[[wifi]]\nssid='a'\nkey='short'", "8 至 63"),
        (WELL + "[[wifi]]\nssid='a'\nkey='" + "x" * 64 + "'", "8 至 63"), (WELL + "[[wifi]]\nssid='a'", "[[wifi]] key"),
        (WELL + "[[wifi]]\nssid='a'\npassword='12345678'", "不认识的设置 password"), (WELL + "[[wifi]]\nkey='12345678'", "ssid"),
        (WELL + "[[wifi]]\nssid='" + "大" * 11 + "'\nkey=''", "32 字节"),
        (WELL + "[[wifi]]\nssid='a'\nkey=''\nstatic='dhcp'", "static"),
        ("static=['1.2.3.4']\n" + WELL, "static"),
        ("static=['10.1.2.3','255.255.255.0','10.1.3.1','10.1.2.1']\n" + WELL, "同一网段"),
        ("static=['10.1.2.300','255.255.255.0','10.1.2.1','10.1.2.1']\n" + WELL, "static"),
        ("static=['10.1.2.3','0.0.0.255','10.1.2.1','10.1.2.1']\n" + WELL, "static"),
        ("static=['10.1.2.3','255.0.255.0','10.1.2.1','10.1.2.1']\n" + WELL, "static"),
    ],
)  # fmt: skip
def test_a_site_file_that_cannot_work_is_refused_in_words(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(Unfit) as unfit:
        site.read(text, tmp_path)
    assert said in str(unfit.value)
    assert [p for p in unfit.value.problems if not CHINESE.search(p) or " / " not in p] == []


def test_all_that_is_wrong_with_a_site_file_is_said_at_once(tmp_path: Path) -> None:
    text = "beat_s='60'\ndns=1\n[broker]\nprot=1883\nname=5\n[[wifi]]\nssid='a'\npassword='12345678'\n[[wifi]]\nkey=''"
    with pytest.raises(Unfit) as unfit:
        site.read(text, tmp_path)
    wrong = (
        "beat_s",
        "dns",
        "prot",
        "name",
        "[broker] host",
        "[broker] 要写 ca",
        "password",
        "[[wifi]] key",
        "[[wifi]] ssid",
    )
    assert [w for w in wrong if w not in str(unfit.value)] == []
    assert len(unfit.value.problems) == len(wrong)


def test_a_site_file_with_everything_in_it_is_taken_as_it_is(tmp_path: Path) -> None:
    net = ["10.1.2.3", "255.255.255.0", "10.1.2.1", "10.1.2.2"]
    top = f"beat_s=10\nstatic={net}\ndns=['10.1.2.2']\nntp=['ntp.example', '10.1.2.1']\n"
    networks = f"[[wifi]]\nssid='大厅'\nkey=''\n[[wifi]]\nssid='b'\nkey='12345678'\nstatic={net}\n"
    found = site.read(top + "[broker]\nhost='h'\nport=1883\nname='n'\nplain=true\n" + networks, tmp_path)
    assert (found.host, found.port, found.name, found.ca) == ("h", 1883, "n", None)
    assert found.extra == {
        "beat_s": 10, "static": net, "dns": ["10.1.2.2"], "ntp": ["ntp.example", "10.1.2.1"],
        "wifi": [{"ssid": "大厅", "key": ""}, {"ssid": "b", "key": "12345678", "static": net}],
    }  # fmt: skip
    assert site.read(WELL, tmp_path) == site.Site("h", 8883, "h", None, {"wifi": []})


def test_the_site_file_of_the_pages_is_one(certs: Certs, tmp_path: Path) -> None:
    (tmp_path / "ca.der").write_bytes(certs.ca_der.read_bytes())
    docs = Path(__file__).parents[2] / "docs"
    pages = "".join((docs / name).read_text(encoding="utf-8") for name in ("CONSOLE.md", "zh/installer.md"))
    examples = re.findall(r"```toml\n(.*?)```", pages, re.DOTALL)
    assert len(examples) == 2
    for text in examples:
        assert site.read(text, tmp_path).host == "mq.example.gov.cn"


def test_a_box_gets_its_certificate_in_der_whatever_it_was(certs: Certs) -> None:
    pem, der = certs.ca.read_bytes(), certs.ca_der.read_bytes()
    assert site.certificate(pem) == site.certificate(der) == der
    for bad in (b"", b"-----BEGIN nothing", der[:-1], der + b"x"):
        with pytest.raises(ValueError):  # noqa: PT011
            site.certificate(bad)
