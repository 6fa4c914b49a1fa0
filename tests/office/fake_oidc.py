"""A small identity provider on loopback: discovery, authorisation, token, userinfo, keys. It vouches for whom a test says."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlparse

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "manyi", "between-the-two-of-us"


class Provider:
    """`who` logs in at the provider; `wrong` makes it hand out a token of somebody else's making."""

    def __init__(self) -> None:
        self.who = ""
        self.sub = "subject-1"
        self.audience = CLIENT
        self._key = rsa.generate_private_key(65537, 2048)
        self._codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                provider.get(self)

            def do_POST(self) -> None:
                provider.post(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def get(self, h: BaseHTTPRequestHandler) -> None:
        parts = urlparse(h.path)
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.asked.append(parts.path)
        match parts.path:
            case "/.well-known/openid-configuration":
                ends = ("authorization", "token", "userinfo")
                _json(
                    h,
                    {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
                    | {f"{end}_endpoint": f"{self.url}/{end}" for end in ends},
                )
            case "/authorization":
                code = secrets.token_urlsafe()
                self._codes[code] = asked
                h.send_response(302)
                back = {"code": code, "state": asked["state"]}
                h.send_header("Location", f"{asked['redirect_uri']}?{urlencode(back)}")
                h.end_headers()
            case "/userinfo" if h.headers.get("Authorization", "").startswith("Bearer "):
                _json(h, {"sub": self.sub, "preferred_username": self.who})
            case "/keys":
                public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
                _json(h, {"keys": [public | {"kid": "1", "use": "sig", "alg": "RS256"}]})
            case _:
                h.send_error(404)

    def post(self, h: BaseHTTPRequestHandler) -> None:
        body = h.rfile.read(int(h.headers["Content-Length"])).decode()
        told = {key: values[0] for key, values in parse_qs(body).items()}
        asked = self._codes.pop(told.get("code", ""), None)
        proof = hashlib.sha256(told.get("code_verifier", "").encode()).digest()
        proven = base64.urlsafe_b64encode(proof).rstrip(b"=").decode()
        right = (
            asked is not None
            and asked.get("code_challenge") == proven
            and (told.get("client_id"), told.get("client_secret")) == (CLIENT, SECRET)
        )
        if not right:
            h.send_error(400)
            return
        now = int(time.time())
        claims = {"iss": self.url, "aud": self.audience, "sub": self.sub, "iat": now, "exp": now + 60}
        claims["preferred_username"] = self.who
        token = jwt.encode(claims, self._key, "RS256", {"kid": "1"})
        _json(h, {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token})


def _json(h: BaseHTTPRequestHandler, value: dict[str, Any]) -> None:
    body = json.dumps(value).encode()
    h.send_response(200)
    h.send_header("Content-Type", "application/json")
    h.send_header("Content-Length", str(len(body)))
    h.end_headers()
    h.wfile.write(body)
