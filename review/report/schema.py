"""The schema of review.json: `python -m review.report.schema` writes docs/review.schema.json anew."""

import json
from pathlib import Path

from review.model import Review

FILE = Path(__file__).parents[2] / "docs" / "review.schema.json"


def schema() -> str:
    """JSON Schema 2020-12."""
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Review.model_json_schema(mode="serialization")}
    return json.dumps(made, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(schema(), "utf-8")
