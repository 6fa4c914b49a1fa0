"""The InfluxQL query that the SDK does not have, and the three data sources. Refuses Flux and the raw bucket with staff."""

from dataclasses import dataclass
from enum import Enum

from grafana_foundation_sdk.builders import common as _  # noqa: F401  # breaks the SDK's import cycle
from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models.common import DataSourceRef


class Source(Enum):
    """The data sources' uids, as provisioning/datasources/manyi.yaml has them."""

    WALL = "manyi-wall"
    ROLLUP = "manyi-rollup"
    DAY = "manyi-day"

    @property
    def ref(self) -> DataSourceRef:
        return DataSourceRef(type_val="influxdb", uid=self.value)


MIXED = DataSourceRef(type_val="datasource", uid="-- Mixed --")  # a panel whose queries ask several sources


@dataclass(frozen=True, slots=True)
class Query:
    """InfluxQL text and where it is asked. `alias` names time series; without one the answer is a table."""

    source: Source
    text: str
    alias: str = ""


class Target(variants.Dataquery):
    def __init__(self, query: Query, ref: str) -> None:
        self._query, self._ref = query, ref

    def to_json(self) -> dict[str, object]:
        made: dict[str, object] = {
            "refId": self._ref,
            "datasource": self._query.source.ref.to_json(),
            "rawQuery": True,
            "query": self._query.text,
            "resultFormat": "time_series" if self._query.alias else "table",
        }
        if self._query.alias:
            made["alias"] = self._query.alias
        return made


class TargetBuilder(builder.Builder[variants.Dataquery]):
    def __init__(self, query: Query, ref: str) -> None:
        self._target = Target(query, ref)

    def build(self) -> variants.Dataquery:
        return self._target
