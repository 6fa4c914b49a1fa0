"""Whether the pipeline is alive, judged from its own heartbeat. Pure; it refuses to look for itself."""

from __future__ import annotations

from dataclasses import dataclass

# The same limit after which a screen says that its data has stopped.
PROJECTOR_LIMIT_MS = 5_000
STORES_DOWN = "store cannot be read"


@dataclass(frozen=True, slots=True)
class Health:
    """The verdict and every reason against it."""

    ok: bool
    reasons: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """For JSON; `ok` comes first."""
        return {"ok": self.ok, "reasons": list(self.reasons)}


def judge(now_ms: int, projected_ms: int) -> Health:
    """Healthy if the projector last ran within PROJECTOR_LIMIT_MS."""
    if projected_ms <= 0:
        return Health(False, ("the projector has never run",))
    age_ms = now_ms - projected_ms
    if age_ms > PROJECTOR_LIMIT_MS:
        return Health(False, (f"the projector last ran {age_ms // 1000} s ago",))
    return Health(True)
