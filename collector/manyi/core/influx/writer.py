"""The wire to InfluxDB: influxdb-client in SYNCHRONOUS mode, raw lines, and an answer that says what became of them.

| InfluxDB says | answer | why |
|---|---|---|
| 2xx | Accepted | |
| 400, 422 | Rejected, the bad lines named, the rest written | found by halving; writing a good line twice changes nothing |
| 422 beyond retention | Accepted | the bucket is not meant to hold them |
| 400 to every one of many lines | Keep | that is a wrong server or proxy, not bad lines |
| 401, 403, 404, 429, 5xx, no answer in time | Keep | somebody mends it, or it passes; the lines stay true |

It refuses to retry, to batch and to decide: follow.py does. The client's batching mode loses points (it drops what it
holds when closed while the server answers 503), so it is not used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

import urllib3
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS

from manyi.core.influx.lines import MEASUREMENT

TIMEOUT_MS = 10_000  # a server that has not answered a batch by then is stalled
SUSPICIOUS_LINES = 10  # all of so many lines bad at once never came from one wrong value
TOO_OLD = ("outside retention policy", "beyond retention policy")  # as 2.7 says it, and as others do
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(2200, 1, 1, tzinfo=UTC)  # within the server's range of time


@dataclass(frozen=True, slots=True)
class Accepted:
    lines: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """`bad` are (line, why); all the others are written."""

    bad: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing can be said yet; try again, after `wait_s` if the server asked for that."""

    why: str
    wait_s: float = 0.0


Answer: TypeAlias = Accepted | Rejected | Keep


class Writer:
    """One bucket of one server. Not for use by several threads. `owns`: the measurements that clear() may empty."""

    def __init__(
        self,
        url: str,
        org: str,
        bucket: str,
        token: str,
        timeout_ms: int = TIMEOUT_MS,
        owns: tuple[str, ...] = (MEASUREMENT,),
    ) -> None:
        self.target = f"{url} {org} {bucket}"
        self._owns = owns
        self._url, self._org, self._bucket, self._token = url, org, bucket, token
        self._client = InfluxDBClient(url, token, timeout=timeout_ms, org=org, retries=False)
        self._api = self._client.write_api(write_options=SYNCHRONOUS)
        self._http = urllib3.PoolManager(retries=False, timeout=timeout_ms / 1000)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]
        self._http.clear()

    def write(self, lines: Sequence[str]) -> Answer:
        """Writes all lines, or says which are bad, or why nothing is known. Raises nothing the server can cause."""
        bad: list[tuple[str, str]] = []
        kept = self._halve(lines, bad)
        if kept is not None:
            return kept
        if len(bad) == len(lines) >= SUSPICIOUS_LINES:
            return Keep(f"every one of {len(lines)} lines was refused; the first: {bad[0][1]}")
        return Rejected(tuple(bad)) if bad else Accepted(len(lines))

    def clear(self) -> Accepted | Keep:
        """Deletes its measurements in this bucket (the v2 delete API), so that a replay begins from nothing."""
        try:
            for name in self._owns:
                self._client.delete_api().delete(
                    BEGINNING, END, f'_measurement="{name}"', self._bucket, self._org
                )
        except InfluxDBError as error:
            why = f"cannot clear the bucket: {_why(error)}; or name an empty bucket in the configuration"
            return Keep(why, _wait_s(error))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Keep(f"no answer: {error}")
        return Accepted(0)

    def presses(self) -> int:
        """The sum of presses in the bucket, by InfluxQL. Raises ValueError with what the server said."""
        answer = self._http.request(
            "GET",
            f"{self._url}/query",
            fields={"db": self._bucket, "q": f'SELECT sum("presses") FROM "{MEASUREMENT}"'},
            headers={"Authorization": f"Token {self._token}"},
        )
        if answer.status != 200:
            raise ValueError(f"{answer.status} {answer.data.decode(errors='replace')}")
        result = answer.json()["results"][0]
        if "error" in result:
            raise ValueError(result["error"])
        return int(result["series"][0]["values"][0][1]) if "series" in result else 0

    def _halve(self, lines: Sequence[str], bad: list[tuple[str, str]]) -> Keep | None:
        """Writes what can be written and gathers what cannot; Keep ends it."""
        try:
            self._api.write(self._bucket, self._org, "\n".join(lines).encode())
        except InfluxDBError as error:
            status, why = _status(error), _why(error)
            if status == 422 and any(words in why for words in TOO_OLD):
                return None
            if status not in (400, 413, 422):
                return Keep(why, _wait_s(error))
            if len(lines) == 1:
                bad.append((lines[0], why))
                return None
            middle = len(lines) // 2
            return self._halve(lines[:middle], bad) or self._halve(lines[middle:], bad)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Keep(f"no answer: {error}")
        return None


def _status(error: InfluxDBError) -> int:
    return int(error.response.status) if error.response is not None else 0


def _why(error: InfluxDBError) -> str:
    return f"{_status(error)} {error.message or ''}".strip()


def _wait_s(error: InfluxDBError) -> float:
    try:
        return float(error.retry_after or 0)
    except ValueError:
        return 0.0
