"""What a processing job runs on."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from config.instances import Processing
from config.section import Finding, Positive, Section


class ProcessSettings(Section):
    instance_type: Processing
    instance_count: Positive = 1
    volume_gb: Positive
    max_run_seconds: Annotated[int, Field(ge=1, le=777_600)]
    # On Spark the work is shared between instances; a script runs whole on each of them.
    engine: Literal["script", "spark"] = "script"

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        count = raw.get("instance_count", 1)
        if raw.get("engine", "script") == "script" and isinstance(count, int) and count > 1:
            yield ("instance_count",), count, "must be 1 unless engine is spark: every instance would do the same work"
