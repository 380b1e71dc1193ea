"""What an instance costs by the hour. What the table lacks is estimated upwards and marked, never 0."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from controls.judgement.choices import size_of

COMPONENTS = ("Hosting", "Notebook", "Processing", "Studio", "Training", "Transform")
HOME = "us-east-1"
TABLE = Path(__file__).with_name("prices.csv")
# In xlarge; a size that is not known counts as the largest there is.
_SIZES = {"nano": 0.25, "micro": 0.25, "small": 0.25, "medium": 0.25, "large": 0.5, "xlarge": 1.0}
_LARGEST = 48.0


@dataclass(frozen=True)
class Price:
    """One row of the table: USD per hour of one instance on demand, when that was so and who says it."""

    region: str
    component: str
    instance_type: str
    usd_per_hour: float
    as_of: str
    source: str


@dataclass(frozen=True)
class Rate:
    """USD per hour; `basis` says where it comes from, and for an estimate how it was made."""

    usd_per_hour: float
    estimated: bool
    basis: str


class Prices:
    """Looked up by region, component and type. Of two rows for the same the later one of `rows` counts."""

    def __init__(self, rows: Iterable[Price]) -> None:
        self._rows = {(row.region, row.component, row.instance_type): row for row in rows}
        self._known: dict[tuple[str, str, str], Rate] = {}

    @classmethod
    def read(cls, *tables: str) -> Self:
        """The prices of the package, and after them those of further tables of the same columns."""
        return cls(row for text in (TABLE.read_text("utf-8"), *tables) for row in _parsed(text))

    def rate(self, region: str, component: str, instance_type: str) -> Rate:
        """What one instance costs. Types are those of SageMaker, such as ml.m5.xlarge."""
        asked = (region, component, instance_type)
        if asked not in self._known:
            self._known[asked] = self._rate(*asked)
        return self._known[asked]

    def _rate(self, region: str, component: str, instance_type: str) -> Rate:
        if row := self._rows.get((region, component, instance_type)):
            return Rate(row.usd_per_hour, False, f"{row.source}, {row.as_of}")
        if found := self._highest(region, instance_type):
            # Those of one type agree to some 0.2 % in us-east-1.
            return Rate(found.usd_per_hour, True, f"as {found.component} in {region}, {found.as_of}")
        factor, note = self._factor(region)
        if found := self._highest(HOME, instance_type):
            return Rate(found.usd_per_hour * factor, True, f"as {found.component} in {HOME}{note}, {found.as_of}")
        family, units = family_of(instance_type), units_of(instance_type)
        alike = [row for row in self._at(HOME) if family_of(row.instance_type) == family]
        told = f"highest rate of {family} by size"
        if not alike:
            alike = [row for row in self._at(HOME) if size_of(row.instance_type) == "gpu"]
            if size_of(instance_type) != "gpu":
                alike = [row for row in self._at(HOME) if size_of(row.instance_type) != "gpu"]
            told = f"highest rate of any family like {family} by size"
        per_unit = max(row.usd_per_hour / units_of(row.instance_type) for row in alike)
        return Rate(per_unit * units * factor, True, f"{told}, {HOME}{note}")

    def _at(self, region: str) -> Iterator[Price]:
        return (row for row in self._rows.values() if row.region == region)

    def _highest(self, region: str, instance_type: str) -> Price | None:
        found = [row for row in self._at(region) if row.instance_type == instance_type]
        return max(found, key=lambda row: row.usd_per_hour, default=None)

    def _factor(self, region: str) -> tuple[float, str]:
        """How much dearer a region is than us-east-1 at most; of a region without a row the dearest one known."""
        if region == HOME:
            return 1.0, ""
        home = {(row.component, row.instance_type): row.usd_per_hour for row in self._at(HOME)}
        ratios = {
            row.region: max(
                other.usd_per_hour / home[other.component, other.instance_type]
                for other in self._at(row.region)
                if (other.component, other.instance_type) in home
            )
            for row in self._rows.values()
            if row.region != HOME and (row.component, row.instance_type) in home
        }
        factor = max(1.0, ratios.get(region, max(ratios.values(), default=1.0)))
        return factor, f" times {factor:.2f}"


def family_of(instance_type: str) -> str:
    """`ml.m5.xlarge` is of `m5`."""
    return instance_type.removeprefix("ml.").partition(".")[0]


def units_of(instance_type: str) -> float:
    """The size in xlarge: `ml.m5.4xlarge` has 4, `ml.m5.large` a half."""
    size = instance_type.rpartition(".")[2]
    if found := re.fullmatch(r"(\d+)xlarge", size):
        return float(found[1])
    return _SIZES.get(size, _LARGEST)


def written(rows: Iterable[Price]) -> str:
    """A table that `Prices.read` takes."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(Price.__dataclass_fields__)
    table.writerows(
        (row.region, row.component, row.instance_type, row.usd_per_hour, row.as_of, row.source) for row in rows
    )
    return text.getvalue()


def _parsed(text: str) -> Iterator[Price]:
    for row in csv.DictReader(io.StringIO(text)):
        usd = float(row["usd_per_hour"])
        yield Price(row["region"], row["component"], row["instance_type"], usd, row["as_of"], row["source"])
