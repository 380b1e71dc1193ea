"""What a run compares its model with the champion on, beside today's test rows: recent ones, and the champion's own.

Recent rows are those of the monitor's windows whose labels are known: `<workload>/monitor/<source>/<end>/labelled.csv`.
Windows may overlap (somebody starts a run, a clock goes forward), and a row that counted twice would weigh double:
of two such windows the later one is taken. Those of a schedule end on the second, and do not overlap where they meet.
The champion may have learned from rows that are older than itself: windows that begin before it are left out.
"""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

DAYS = 14
TEST = "preprocess/test"  # of a run's folder
_END = "%Y-%m-%dT%H-%M-%SZ"
_LABELLED = re.compile(r"/(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)/labelled\.csv$")
_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Of a run of `workload` that began at `began`, whose monitor examines windows of `window_hours`.

    Labels come in `delay_hours` after their rows. `bucket` has the artifacts.
    """

    bucket: str
    workload: str
    source: str
    began: datetime
    window_hours: int
    delay_hours: int

    @classmethod
    def of(cls, event: dict[str, str], bucket: str) -> "Contest":
        """As the run's first step is told."""
        hours = {name: int(event[name]) for name in ("window_hours", "delay_hours")}
        began = datetime.fromisoformat(event["began"])
        return cls(bucket=bucket, workload=event["workload"], source=event["source"], began=began, **hours)

    def recent(self, s3: Any, created: datetime, folder: str) -> str | None:
        """The URI of the rows since the champion was `created`, copied into `folder`; None where there are none.

        Copied, because the input of a job is all that lies under one prefix.
        """
        window, delay = timedelta(hours=self.window_hours), timedelta(hours=self.delay_hours)
        found = self._listed(s3, max(self.began - timedelta(days=DAYS), created + delay + window))
        chosen = dict(apart(found, window))

        def copy(end: datetime, key: str) -> None:
            target = f"{folder}/recent/{end:{_END}}/labelled.csv"
            source = {"Bucket": self.bucket, "Key": key}
            # Without the tags of the source, which take permissions of their own.
            s3.copy_object(Bucket=self.bucket, Key=target, CopySource=source, TaggingDirective="REPLACE")

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(copy, chosen, chosen.values()))
        return f"s3://{self.bucket}/{folder}/recent/" if chosen else None

    def test(self, s3: Any, package: dict[str, Any]) -> str | None:
        """Where the rows lie that the champion was tested with; None where its package does not say or none is left."""
        uri = package.get("CustomerMetadataProperties", {}).get("test", "").rstrip("/") + "/"
        if not re.fullmatch(rf"s3://{re.escape(self.bucket)}/{self.workload}/[^/]+/{TEST}/", uri):
            return None
        prefix = uri.removeprefix(f"s3://{self.bucket}/")
        kept = s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix, MaxKeys=1).get("Contents")
        return uri if kept else None

    def _listed(self, s3: Any, after: datetime) -> Iterator[tuple[datetime, str]]:
        """The end and the key of each window's labelled rows that ended after that, the oldest first."""
        prefix = f"{self.workload}/monitor/{self.source}/"
        asked = {"Bucket": self.bucket, "Prefix": prefix, "StartAfter": f"{prefix}{after.astimezone(UTC):{_END}}"}
        for page in s3.get_paginator("list_objects_v2").paginate(**asked):
            for row in page.get("Contents", []):
                if found := _LABELLED.search(row["Key"]):
                    end = datetime.strptime(found[1], _END).replace(tzinfo=UTC)
                    if after < end <= self.began:
                        yield end, row["Key"]


def apart(windows: Iterable[tuple[datetime, str]], length: timedelta) -> Iterator[tuple[datetime, str]]:
    """The latest window, the latest that ended by when that one began, and so on."""
    later: datetime | None = None
    for end, key in sorted(windows, reverse=True):
        if later is None or later - end >= length:
            later = end
            yield end, key
