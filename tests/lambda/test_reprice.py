"""The refresh of prices against an in-memory Price List API."""

import contextlib
import importlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls import clients, reprice
from controls.pricing import price_table
from controls.pricing.price_list import MalformedError

budget_cloud = importlib.import_module("tests.lambda.budget_cloud")  # `lambda` is a keyword
worlds = importlib.import_module("tests.lambda.worlds")
EVENT = {"time": "2026-11-23T04:00:00Z"}
RATES = {
    "Host:ml.m5.xlarge": 0.24,
    "Notebk:ml.t3.medium": 0.06,
    "Processing:ml.m5.xlarge": 0.24,
    "Studio:JupyterLab-ml.t3.medium": 0.06,
    "Train:ml.m5.xlarge": 0.24,
    "Tsform:ml.m5.xlarge": 0.24,
}


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_cloud.in_memory, "Cloud", budget_cloud.Cloud)
    for name, value in budget_cloud.deployed()["reprice"].environment.items():
        monkeypatch.setenv(name, value)


def product(usage: str, usd: Any = 1.0, *, unit: str = "Hrs", money: str = "USD", region: str = "us-east-1") -> Any:
    """As the Price List API writes one."""
    dimension = {"unit": unit, "pricePerUnit": {money: str(usd)}, "beginRange": "0", "endRange": "Inf"}
    return {
        "serviceCode": "AmazonSageMaker",
        "product": {
            "productFamily": "ML Instance",
            "attributes": {"usagetype": f"USE1-{usage}", "regionCode": region, "locationType": "AWS Region"},
        },
        "terms": {"OnDemand": {"SKU.JRT": {"priceDimensions": {"SKU.JRT.6YS": dimension}}}},
    }


def list_prices(cloud: Any, **more: float) -> None:
    cloud.products = [product(usage, usd) for usage, usd in {**RATES, **more}.items()]


def bucket() -> str:
    return budget_cloud.deployed()["reprice"].environment["SLUICE_ARTIFACT_BUCKET"]


def rate(component: str, instance_type: str) -> tuple[float, bool]:
    found = price_table.load(clients.client("s3"), bucket()).rate("us-east-1", component, instance_type)
    return found.usd_per_hour, found.estimated


def test_before_the_first_refresh_the_prices_of_the_package_hold(cloud: Any) -> None:
    assert rate("Training", "ml.m5.xlarge") == (0.23, False)


def test_every_page_is_read_and_what_was_read_comes_before_the_package(cloud: Any) -> None:
    list_prices(cloud)
    assert reprice.handler(EVENT, None) == {"rows": 6}
    for component in ("Hosting", "Processing", "Training", "Transform"):
        assert rate(component, "ml.m5.xlarge") == (0.24, False)
    for component in ("Notebook", "Studio"):
        assert rate(component, "ml.t3.medium") == (0.06, False)
    assert rate("Training", "ml.g5.xlarge") == (1.408, False)
    [kept] = cloud.objects[bucket(), "costs/prices.csv"]
    assert b"us-east-1,Hosting,ml.m5.xlarge,0.24,2026-11-23,AWS Price List API" in kept["body"]


def test_what_is_no_instance_by_the_hour_is_left_out(cloud: Any) -> None:
    list_prices(cloud)
    unpriced = product("Host:ml.t3.micro")
    unpriced["terms"] = {}
    others = [
        product("ServerlessInf:Mem-4GB", 0.00008, unit="Second"),
        product("Notebk:VolumeUsage.gp2", 0.14, unit="GB-Mo"),
        product("AsyncInf:ml.m5.xlarge", 0.23),
        product("Train:ml.m5.xlarge", 0.1, unit="Upfront"),
        unpriced,
    ]
    cloud.products += others
    assert reprice.handler(EVENT, None) == {"rows": 6}


def test_of_two_prices_of_the_same_the_higher_counts(cloud: Any) -> None:
    list_prices(cloud)
    cloud.products += [product("Train:ml.m5.xlarge", 0.3), product("Train:ml.m5.xlarge", 0.25)]
    reprice.handler(EVENT, None)
    assert rate("Training", "ml.m5.xlarge") == (0.3, False)


def test_prices_in_yuan_are_made_dollars_not_too_few(cloud: Any) -> None:
    cloud.products = [product("Train:ml.m5.xlarge", 1.89, money="CNY")]
    reprice.handler(EVENT, None)
    assert rate("Training", "ml.m5.xlarge") == (pytest.approx(0.3), False)


TRAINED = "Train:ml.m5.xlarge"
NOTHING_SAID: dict[str, Any] = {"product": {"attributes": {"regionCode": "us-east-1"}}}
NOTHING_ASKED = {"product": {"attributes": {"regionCode": "us-east-1", "usagetype": f"USE1-{TRAINED}"}}}


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda good: [], reprice.ImplausibleError),
        (lambda good: good[:2], reprice.ImplausibleError),
        (lambda good: [*good, product(TRAINED, 0)], reprice.ImplausibleError),
        (lambda good: [product(TRAINED, 2.4)], reprice.ImplausibleError),
        (lambda good: [*good[1:], product(TRAINED, 2.5)], reprice.ImplausibleError),
        (lambda good: [*good[:4], product("Tsform:ml.m5.xlarge", 0.02)], reprice.ImplausibleError),
        (lambda good: [*good, product(TRAINED, "much")], MalformedError),
        (lambda good: [*good, product(TRAINED, 0.23, money="EUR")], MalformedError),
        (lambda good: [*good, NOTHING_SAID], MalformedError),
        (lambda good: [*good, NOTHING_ASKED], MalformedError),
    ],
    ids=[
        *("empty", "far-fewer", "free", "alone", "ten-times", "a-tenth", "no-number", "other-money", "no-usage"),
        "no-terms",
    ],
)
def test_an_answer_that_cannot_be_right_is_an_error_and_leaves_the_table(
    cloud: Any, spoil: Callable[[list[Any]], list[Any]], error: type[Exception]
) -> None:
    list_prices(cloud)
    reprice.handler(EVENT, None)
    before = list(cloud.objects[bucket(), "costs/prices.csv"])
    cloud.products = spoil(cloud.products)
    with pytest.raises(error):
        reprice.handler(EVENT, None)
    assert cloud.objects[bucket(), "costs/prices.csv"] == before


def test_what_was_only_estimated_may_turn_out_otherwise(cloud: Any) -> None:
    list_prices(cloud, **{"Train:ml.z9.xlarge": 0.03})
    reprice.handler(EVENT, None)
    assert rate("Training", "ml.z9.xlarge") == (0.03, False)


@pytest.mark.slow
@settings(parent=worlds.PROPERTY, max_examples=worlds.EXAMPLES // 6)  # each reads the package's table ten times
@given(
    factors=st.lists(st.floats(0.05, 20), min_size=len(RATES), max_size=len(RATES)),
    crash=st.integers(1, 8),
    again=st.integers(1, 2),
)
def test_a_refresh_that_is_cut_off_anywhere_leaves_the_old_table_or_the_new_one(
    new_cloud: Callable[[], Any], factors: list[float], crash: int, again: int
) -> None:
    def refreshed() -> str | None:
        with contextlib.suppress(budget_cloud.CrashError, reprice.ImplausibleError):
            reprice.handler(EVENT, None)
        return price_table.text(clients.client("s3"), bucket())

    tables = []
    for cut in (None, crash):
        cloud = new_cloud()
        list_prices(cloud)
        old = refreshed()
        cloud.products = [product(usage, usd * by) for (usage, usd), by in zip(RATES.items(), factors, strict=True)]
        cloud.crash_after = len(cloud.calls) + cut if cut else None
        with contextlib.suppress(budget_cloud.CrashError, reprice.ImplausibleError):
            reprice.handler(EVENT, None)
        cloud.crash_after = None
        tables.append(price_table.text(clients.client("s3"), bucket()))
    wanted, found = tables
    assert found in (old, wanted)
    assert all(refreshed() == wanted for _ in range(again))
    plausible = all(0.1 < by < 10 for by in factors)
    assert plausible or wanted == old


def test_prices_are_asked_for_where_the_api_is(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(clients, "of", lambda region: asked.append(region) or (lambda service: clients.client(service)))
    list_prices(cloud)
    reprice.handler(EVENT, None)
    assert asked == ["us-east-1"]


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], compare: Callable[..., None]
) -> None:
    compare(recorded, budget_cloud.deployed()["reprice"])
