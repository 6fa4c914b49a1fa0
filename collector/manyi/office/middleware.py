"""What every answer carries: the content policy, the language, static files.

It refuses to let a page load anything from elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.decorators import async_only_middleware
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from manyi.office.runtime import current

Handler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]
PUBLIC_DOOR = "manyi.public"

# No inline script or style: texts reach the scripts as a JSON data block, which is not executable.
CONTENT_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",  # the last one: see _also
    ]
)


@async_only_middleware
def screen_policy(get_response: Handler) -> Handler:
    """Content-Security-Policy, and no device a screen has no business with."""

    async def handle(request: HttpRequest) -> HttpResponseBase:
        response = await get_response(request)
        response.headers["Content-Security-Policy"] = CONTENT_POLICY + _also(request)
        response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        return response

    return handle


def _also(request: HttpRequest) -> str:
    """On the login pages a form may lead on to the identity provider: browsers hold its redirect to form-action too."""
    oidc = current().settings.access.oidc
    if oidc is None or not request.path_info.startswith(("/login/", "/sso/")):
        return ""
    provider = urlsplit(oidc.server_url)
    return f" {provider.scheme}://{provider.netloc}"


@async_only_middleware
def language(get_response: Handler) -> Handler:
    """Chinese unless ?lang= or the switch's cookie says otherwise.

    Django's own middleware would follow Accept-Language, and a wall must not turn English because its browser was installed so.
    """

    async def handle(request: HttpRequest) -> HttpResponseBase:
        asked = request.GET.get("lang") or request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        chosen = asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        request.LANGUAGE_CODE = chosen
        with translation.override(chosen):
            response = await get_response(request)
        response.headers.setdefault("Content-Language", chosen)
        return response

    return handle


@async_only_middleware
def public_only(get_response: Handler) -> Handler:
    """What came in by the public port finds the halls' screens and no other address."""

    async def handle(request: HttpRequest) -> HttpResponseBase:
        if getattr(request, "scope", {}).get(PUBLIC_DOOR):
            request.urlconf = "manyi.office.urls_public"
        return await get_response(request)

    return handle


@async_only_middleware
def nobody(get_response: Handler) -> Handler:
    """Without accounts there is no user; views that ask find an anonymous one."""

    from django.contrib.auth.models import AnonymousUser  # noqa: PLC0415  models exist only after django.setup()

    async def handle(request: HttpRequest) -> HttpResponseBase:
        request.user = AnonymousUser()
        return await get_response(request)

    return handle


def public_door(application: Application) -> Application:
    """The same application behind the public port: every request carries the mark that public_only looks for."""

    async def marked(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await application({**scope, PUBLIC_DOOR: True}, receive, send)

    return marked


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise, asynchronous, with each file given whole: they are small, and Django streams files badly under ASGI."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        super().__init__(get_response)
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        file = self.files.get(request.path_info)
        if file is None:
            answer: HttpResponseBase = await self.get_response(request)
            return answer
        return whole(file, request)


def whole(static_file: Any, request: HttpRequest) -> HttpResponse:
    """A static file's answer (304, a range, or all of it) as one body."""
    answer = static_file.get_response(request.method, request.META)
    body = b""
    if answer.file is not None:
        with answer.file as file:
            body = file.read()
    response = HttpResponse(body, status=int(answer.status))
    del response["content-type"]
    for name, value in answer.headers:
        response[name] = value
    return response
