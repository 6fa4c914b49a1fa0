"""The office for machines: JSON, event streams, health, metrics. It refuses every method but reading."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import re_accepts_gzip
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST

from manyi.core.config import LOOPBACK
from manyi.office.access.narrow import lens, narrow_account
from manyi.office.access.scope import Action, Scope, needs, public, refusal, scope_for
from manyi.office.errors import HallUnknown, SourceDown, TooManyStreams
from manyi.office.frames import encode
from manyi.office.gauges import own_metrics
from manyi.office.health import STORES_DOWN, Health, judge
from manyi.office.hub import unix_ms
from manyi.office.runtime import current

JSON = "application/json"
# A refused stream may come back after this many seconds; the screens' own back-off is of that order.
RETRY_S = 5

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def reading(view: View) -> View:
    """GET and HEAD only, never cached, and a store that is down is 503 with its reason."""

    @functools.wraps(view)
    async def guarded(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response: HttpResponseBase
        try:
            response = await view(request, **parts)
        except HallUnknown:
            response = HttpResponse(encode({"error": "no such hall"}), status=404, content_type=JSON)
        except SourceDown as error:
            response = HttpResponse(encode({"error": str(error)}), status=503, content_type=JSON)
        except TooManyStreams:
            response = HttpResponse(encode({"error": "too many screens"}), status=503, content_type=JSON)
            response.headers["Retry-After"] = str(RETRY_S)
        response.headers["Cache-Control"] = "no-store"
        return response

    return guarded


@needs(Action.wall, machine=True)
@reading
async def wall(request: HttpRequest) -> HttpResponseBase:
    """The wall's snapshot, as far as the account sees."""
    parts = current()
    scope = lens(_scope(request))
    body = await parts.hub.ask(f"wall/{scope}", lambda: parts.hub.seen(scope), encode)
    return HttpResponse(body, content_type=JSON)


@needs(Action.account, machine=True)
@reading
async def account(request: HttpRequest) -> HttpResponseBase:
    """pressed = stored + waiting + admitted lost, per box."""
    parts = current()
    scope = lens(_scope(request))

    def read() -> dict[str, Any]:
        now_ms = unix_ms()
        told = parts.source.account(now_ms)
        return narrow_account(told, scope, {} if scope.whole_city else parts.source.places(now_ms))

    return HttpResponse(await parts.hub.ask(f"account/{scope}", read, encode), content_type=JSON)


@public
@reading
async def hall(request: HttpRequest, hall: str) -> HttpResponseBase:
    """A hall's released batches."""
    parts = current()
    body = await parts.hub.ask(f"hall/{hall}", lambda: parts.source.hall(hall, unix_ms()), encode)
    return HttpResponse(body, content_type=JSON)


@needs(Action.wall, machine=True)
@reading
async def wall_events(request: HttpRequest) -> HttpResponseBase:
    """`wall` when the picture changed, `beat` every second."""
    settings, scope = current().settings, _scope(request)
    if request.method == "HEAD" or not settings.login:
        return _stream(request, lambda zipped: current().hub.join(None, scope, zipped=zipped))
    from manyi.office.access.watch import watched  # noqa: PLC0415  needs the models

    session = request.session.session_key or ""
    owner = str(request.user.pk)

    def join(zipped: bool) -> AsyncIterator[bytes]:
        frames = current().hub.join(None, scope, owner, zipped=zipped)
        return watched(frames, session, scope, settings.access)

    return _stream(request, join)


@public
@reading
async def hall_events(request: HttpRequest, hall: str) -> HttpResponseBase:
    """`hall` when a batch was released, `beat` every second."""
    parts = current()
    await parts.hub.ask(f"hall/{hall}", lambda: parts.source.hall(hall, unix_ms()), encode)
    return _stream(request, lambda zipped: parts.hub.join(hall, zipped=zipped))


@public
@reading
async def healthz(request: HttpRequest) -> HttpResponseBase:
    """200 only if the ledger can be read and the projector ran a moment ago."""
    parts = current()

    def look() -> Health:
        try:
            parts.source.ledger()
            snapshot: Mapping[str, Any] = parts.source.wall(unix_ms())
        except SourceDown as error:
            return Health(False, (f"{STORES_DOWN}: {error}",))
        return judge(unix_ms(), int(snapshot.get("projected_ms") or 0))

    body = await parts.hub.ask("healthz", look, lambda health: encode(health.as_dict()))
    return HttpResponse(body, status=200 if body.startswith(b'{"ok":true') else 503, content_type=JSON)


@public
@reading
async def metrics(request: HttpRequest) -> HttpResponseBase:
    """Prometheus text: for this machine, for whoever has the token, for roles that may."""
    if not await _may_measure(request):
        return refusal(request, machine=True)
    parts = current()
    body = await parts.hub.ask("metrics", parts.source.metrics, lambda text: text)
    return HttpResponse(body + own_metrics(parts.hub), content_type=CONTENT_TYPE_LATEST)


async def _may_measure(request: HttpRequest) -> bool:
    token = current().settings.access.metrics_token
    told = request.headers.get("Authorization", "")
    if token:
        return constant_time_compare(told, f"Bearer {token}") or (await scope_for(request)).may(
            Action.metrics
        )
    # A proxy on this machine names the browser; uvicorn has put that address here if it did. One that forgot is
    # told by the header that every proxy sets.
    near = request.META.get("REMOTE_ADDR") in LOOPBACK and "X-Forwarded-For" not in request.headers
    return near or (await scope_for(request)).may(Action.metrics)


def _scope(request: HttpRequest) -> Scope:
    scope: Scope = request.office_scope  # type: ignore[attr-defined]
    return scope


def _stream(request: HttpRequest, join: Callable[[bool], AsyncIterator[bytes]]) -> HttpResponseBase:
    if request.method == "HEAD":
        return HttpResponse(content_type="text/event-stream")
    zipped = re_accepts_gzip.search(request.headers.get("Accept-Encoding", "")) is not None
    response = StreamingHttpResponse(join(zipped), content_type="text/event-stream")
    response.headers["Vary"] = "Accept-Encoding"
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["X-Accel-Buffering"] = "no"  # a reverse proxy must not hold frames back
    return response
