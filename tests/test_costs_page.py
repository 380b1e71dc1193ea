"""docs/costs.md against the configuration, the tags and the prices that it tells of."""

import re

from config import control_prices, prices
from config.costs import Costs
from config.load import ROOT, load
from controls import resource
from controls.jobs import jobs

PAGE = (ROOT / "docs" / "costs.md").read_text("utf-8")


def test_every_rule_is_in_the_table_and_each_default_is_the_configurations() -> None:
    rows = re.findall(r"^\| (`[a-z-]+`|all|) \| .* \| `costs\.([a-z_.]+)` \| (\S+) \|$", PAGE, re.MULTILINE)
    assert {rule.strip("`") for rule, _, _ in rows} - {"", "all"} == {str(rule) for rule in resource.Rule}
    for _, path, told in rows:
        value: object = Costs()
        for name in path.split("."):
            value = getattr(value, name)
        assert told == ("none" if value is None else str(value)), path


def test_every_mode_is_observe_unless_somebody_says_otherwise() -> None:
    assert Costs().policy("sluice-dev", "dev")["enforced"] == []


def test_every_tag_that_a_person_may_set_is_told() -> None:
    tags = {resource.KEEP_TAG, resource.TTL_TAG, resource.IDLE_TAG, jobs.ON_DEMAND_TAG, jobs.FALLBACK_TAG}
    assert set(re.findall(r"^\| `(sluice:[a-z-]+)` \|", PAGE, re.MULTILINE)) == tags


def test_the_price_that_is_told_is_that_of_the_default_configuration() -> None:
    rows = control_prices.at_rest(load(ROOT / "config" / "team.yaml"))
    told = re.search(r"cost ([\d.]+) USD a month .*?most of the ([\d.]+) USD", PAGE, re.DOTALL)
    assert told and told.groups() == (f"{prices.total(rows):.2f}", f"{control_prices.total_in_full(rows):.2f}")
