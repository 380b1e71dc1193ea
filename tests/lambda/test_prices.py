"""What an instance costs: from the table where it is there, else estimated upwards, and never nothing."""

import importlib

from hypothesis import given
from hypothesis import strategies as st

from controls.pricing.prices import COMPONENTS, Price, Prices, family_of, units_of, written

worlds = importlib.import_module("tests.lambda.worlds")  # `lambda` is a keyword
PRICES = Prices.read()
TYPES = ["ml.t3.medium", "ml.m5.xlarge", "ml.m9.xlarge", "ml.z1.huge", "ml.g99.48xlarge", "ml.p5.48xlarge", "odd", ""]


def test_a_row_of_the_table_is_no_estimate_and_tells_its_source() -> None:
    rate = PRICES.rate("us-east-1", "Notebook", "ml.t3.medium")
    assert (rate.usd_per_hour, rate.estimated) == (0.05, False)
    assert "AWS bulk price list" in rate.basis and "2026" in rate.basis


def test_a_component_that_lacks_takes_the_types_highest_rate_of_its_region() -> None:
    rate = PRICES.rate("us-east-1", "Transform", "ml.g5.xlarge")
    assert rate.estimated and rate.usd_per_hour == 1.41


def test_a_region_that_lacks_takes_the_rate_of_us_east_1_times_what_the_dearest_region_costs_more() -> None:
    home = PRICES.rate("us-east-1", "Training", "ml.m5.xlarge").usd_per_hour
    rate = PRICES.rate("mars-north-1", "Training", "ml.m5.xlarge")
    assert rate.estimated and rate.usd_per_hour > home


def test_an_unknown_size_of_a_known_family_goes_by_size() -> None:
    rate = PRICES.rate("us-east-1", "Hosting", "ml.m5.24xlarge")
    assert rate.estimated and rate.usd_per_hour >= 24 * 0.23


@worlds.PROPERTY
@given(
    st.sampled_from(["us-east-1", "eu-central-1", "ap-south-1", "cn-north-1", "nowhere"]),
    st.sampled_from(COMPONENTS),
    st.sampled_from(TYPES) | st.text(max_size=20),
)
def test_nothing_is_ever_free(region: str, component: str, instance_type: str) -> None:
    rate = PRICES.rate(region, component, instance_type)
    assert rate.usd_per_hour > 0
    assert rate.basis


def test_a_later_table_counts_and_what_is_written_is_read_again() -> None:
    row = Price("us-east-1", "Notebook", "ml.t3.medium", 0.06, "2027-01-01", "AWS Price List API")
    assert Prices.read(written([row])).rate("us-east-1", "Notebook", "ml.t3.medium").usd_per_hour == 0.06


def test_families_and_sizes() -> None:
    assert (family_of("ml.m5.xlarge"), units_of("ml.m5.4xlarge"), units_of("ml.m5.large")) == ("m5", 4, 0.5)
    assert units_of("ml.x.unheard-of") >= 48
