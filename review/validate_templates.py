"""cloudformation-validate's diagnostics of the templates on standard input, as JSON. A process of its own: its rules
and schemas take 250 MB, and their 0.4 s pass beside what else a review does.

Reads `[{"region": ..., "template": {...}}, ...]`, writes a list for each: rule, grade, logical ID, path, message, fix.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from cloudformation_validate import CompositeEngine, PseudoParameterOverrides, Severity, ValidateConfig


def told(engine: CompositeEngine, region: str, template: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    config = ValidateConfig(
        severity_level=Severity.WARN, pseudo_parameter_overrides=PseudoParameterOverrides(region=region or "us-east-1")
    )
    for each in engine.validate_template(json.dumps(template).encode(), config).diagnostics:
        logical_id = (each.entity.logical_id if each.entity else None) or ""
        path = (each.property_path or "").removeprefix("Properties.")
        yield each.rule_id, each.severity.name, logical_id, path, each.message, each.suggested_fix or ""


if __name__ == "__main__":
    engine = CompositeEngine()
    given = json.load(sys.stdin)
    json.dump([list(told(engine, each["region"], each["template"])) for each in given], sys.stdout)
