# The hotspot's page: one form that puts another Wi-Fi first. HTTP/1.0 as bytes in and bytes out.
#
# Refuses: any change without the PIN from the label inside its lid, to say what networks or passwords the box has, and requests
# longer than a phone sends. Which PIN was tried is not kept; how often is the caller's count.

REQUEST_MAX = 2048  # bytes: a phone's headers are under 1 KB, the form under 300 bytes
SSID_MAX = 32  # bytes, by the standard
KEY_MIN, KEY_MAX = 8, 63  # WPA2; an open network has none
NETWORKS_MAX = 4

OK, WRONG_PIN, BAD = 1, 2, 3

_HEAD = (
    "HTTP/1.0 %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n"
    "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
)
_TOP = (
    '<!DOCTYPE html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>评价器 Wi-Fi</title><style>body{font:18px sans-serif;max-width:24em;margin:1em auto;padding:0 1em}"
    "input,button{font:inherit;width:100%;box-sizing:border-box;margin:.3em 0 1em;padding:.5em}</style>"
)
_FORM = (
    '<h1>更换 Wi-Fi</h1><form method="post" action="/"><label>盒盖里面标签上的 PIN<input name="pin" inputmode="numeric" '
    'autocomplete="off" required></label><label>Wi-Fi 名称 (SSID)<input name="ssid" autocapitalize="off" required></label>'
    '<label>Wi-Fi 密码<input name="key" autocapitalize="off"></label><button>保存 Save</button></form>'
    "<p>评价记录不受影响。Records in the box are kept.</p>"
)
_SAVED = "<h1>已保存</h1><p>评价器正在连接新的 Wi-Fi，可以关闭本页。Saved; the box is joining.</p>"
_WHY = {
    WRONG_PIN: "PIN 不对，请看盒盖里面的标签。Wrong PIN: see the label inside the lid.",
    BAD: "名称须为 1 至 32 字节，密码须为 8 至 63 个字符（无密码则留空）。Name 1-32 bytes, password 8-63 characters or none.",
}


# Is the request whole? Raises ValueError if it never will be.
def whole(request):
    end = request.find(b"\r\n\r\n")
    if end < 0:
        size = REQUEST_MAX if len(request) >= REQUEST_MAX else 0
        need = len(request) + 1
    else:
        size = need = end + 4 + _length(request[:end])
    if size >= REQUEST_MAX:
        raise ValueError("request")
    return len(request) >= need


def _length(head):
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            value = value.strip()
            if not value.isdigit() or len(value) > 4:
                raise ValueError("length")
            return int(value)
    return 0


# request: whole. -> (answer, what, (ssid, key) or None); what is OK, WRONG_PIN, BAD, or 0 for a look at the page
def respond(request, pin):
    head, _, body = request.partition(b"\r\n\r\n")
    method = head.split(b" ")[0]
    if method == b"GET":
        return _page("200 OK", _FORM), 0, None
    if method != b"POST":
        return _page("405 Method Not Allowed", ""), 0, None
    form = _fields(body)
    if not pin or form.get("pin") != pin:
        what = WRONG_PIN
    else:
        ssid, key = form.get("ssid", ""), form.get("key", "")
        if 0 < len(ssid.encode()) <= SSID_MAX and (not key or KEY_MIN <= len(key.encode()) <= KEY_MAX):
            return _page("200 OK", _SAVED), OK, (ssid, key)
        what = BAD
    status = "403 Forbidden" if what == WRONG_PIN else "400 Bad Request"
    return _page(status, "<p><b>%s</b></p>%s" % (_WHY[what], _FORM)), what, None


# The networks to try from now on, best first.
def preferred(new, old):
    ssid, key = new
    first = {"ssid": ssid, "key": key}
    return ([first] + [n for n in old if n.get("ssid") != ssid])[:NETWORKS_MAX]


def _page(status, text):
    text = (_TOP + text).encode()
    return (_HEAD % (status, len(text))).encode() + text


def _fields(body):
    form = {}
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        try:
            form[_plain(name)] = _plain(value)
        except ValueError:
            pass  # no text: as if it had not been sent
    return form


# application/x-www-form-urlencoded -> text. Raises ValueError (UnicodeError is one).
def _plain(raw):
    parts = raw.replace(b"+", b" ").split(b"%")
    out = parts[0]
    for part in parts[1:]:
        if len(part) < 2:
            raise ValueError("form")
        out += bytes((int(part[:2], 16),)) + part[2:]
    return out.decode()
