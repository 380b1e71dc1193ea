"""The table of the cost story: what is made, how it is used, and what must come of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TABLE = Path(__file__).parents[1] / "costs.yaml"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
NOTEBOOK_LOGS = "/aws/sagemaker/NotebookInstances"
SCARCE = "ml.c5.xlarge"  # does not come as spot capacity
SECTIONS = ("orphans", "endpoints", "components", "apps", "spaces", "notebooks", "jobs", "servers")

Row = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """One row of the table, in a region, and the ARN that it got."""

    row: Row
    what: str
    region: str
    arn: str

    @property
    def name(self) -> str:
        return self.row["name"]


def table() -> dict[str, Any]:
    """The whole table, with the settings that it is reasoned from."""
    return yaml.safe_load(TABLE.read_text("utf-8"))


def rows(home: str, part: str = "") -> Iterator[tuple[str, str, Row]]:
    """What, region and row of everything in the table or a part of it, in an order in which it can be made."""
    read = table()
    abroad = read["abroad"]
    places = [(home, read), *((region, abroad) for region in abroad["regions"])] if not part else [(home, read[part])]
    for region, told in places:
        for section in SECTIONS:
            for row in told.get(section, []):
                yield row.get("what") or section.removesuffix("s"), region, row
