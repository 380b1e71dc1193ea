"""Writes docs/rules.md: `python -m review.governance.page`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from review.governance import DEFAULTS, RULES
from review.governance.examples import Example, examples
from review.governance.rule import Rule

PATH = Path(__file__).parents[2] / "docs" / "rules.md"
AREAS = {
    **{"DOM": "Studio domains", "STU": "Studio's apps and spaces", "NB": "Notebook instances", "MOD": "Models"},
    **{"EPC": "Configurations of endpoints", "EP": "Endpoints and inference components", "PIPE": "Pipelines"},
    **{"MON": "Monitors", "FG": "Feature groups", "REG": "The registry of models", "MLF": "MLflow", "HPC": "Clusters"},
    **{"ROLE": "Roles", "GEN": "Everything of SageMaker's"},
}
INTRODUCTION = Path(__file__).parent / "page.md"


def page() -> str:
    text = INTRODUCTION.read_text("utf-8")
    return "\n".join([_filled(text), *_tables(), "", "# Each rule, broken and kept", "", *_details()]) + "\n"


def _filled(text: str) -> str:
    settings = yaml.safe_dump(DEFAULTS.model_dump(mode="json"), sort_keys=False, width=100, default_flow_style=None)
    return text.replace("{count}", str(len(RULES))).replace("{settings}", settings.rstrip())


def _area(rule: Rule) -> str:
    return AREAS[rule.id.split("-")[1]]


def _tables() -> Iterator[str]:
    yield from ("| Rule | | What it asks | AWS Config |", "|---|---|---|---|")
    for rule in RULES:
        config = "<br>".join(f"`{name}`" for name in rule.config)
        yield f"| [{rule.id}](#{rule.id.lower()}) | {rule.severity.value} | {rule.title} | {config} |"


def _details() -> Iterator[str]:
    area = ""
    for rule in RULES:
        if _area(rule) != area:
            area = _area(rule)
            yield from (f"## {area}", "")
        yield from _detail(rule, examples()[rule.id])


def _detail(rule: Rule, example: Example) -> Iterator[str]:
    yield from (f"### {rule.id}", "", f"**{rule.title}** ({rule.severity.value}). {rule.reason}", "")
    yield from (f"{rule.fix}", "", f"*Not decided in the template:* {rule.unknown}", "")
    for name, fragment in (("Broken", example.failing), ("Kept", example.passing)):
        text = yaml.safe_dump(_typed(fragment, example), sort_keys=False, width=100, default_flow_style=None)
        yield from (f"{name}:", "", "```yaml", text.rstrip(), "```", "")


def _typed(fragment: Mapping[str, Any], example: Example) -> dict[str, Any]:
    """With the type of each resource, which the base has."""
    return {name: {"Type": example.base.get(name, part).get("Type"), **part} for name, part in fragment.items()}


if __name__ == "__main__":
    PATH.write_text(page(), "utf-8")
