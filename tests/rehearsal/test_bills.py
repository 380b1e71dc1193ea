"""Cost Explorer and the Price List API tell what the rehearsal has set, under IAM, and refuse everything else."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud, RehearsalError

CHARGES = [
    {"day": "2026-11-01", "usd": 3.5, "dimensions": {"SERVICE": "Amazon SageMaker"}, "tags": {"team": "blue"}},
    {"day": "2026-11-02", "usd": 1.25, "dimensions": {"SERVICE": "Amazon SageMaker"}, "tags": {"team": "red"}},
    {"day": "2026-11-02", "usd": 9.0, "dimensions": {"SERVICE": "AWS Lambda"}, "tags": {"team": "blue"}},
    {"day": "2026-12-01", "usd": 7.0, "dimensions": {"SERVICE": "Amazon SageMaker"}},
]
SAGEMAKER = {"Dimensions": {"Key": "SERVICE", "Values": ["Amazon SageMaker"]}}
BLUE = {"Tags": {"Key": "team", "Values": ["blue"]}}


@pytest.fixture(scope="module")
def explorer(cloud: EmbeddedCloud, make_role: Any, assume: Any) -> Any:
    cloud.control("bill", charges=CHARGES)
    return assume(make_role("explorer", [{"Effect": "Allow", "Action": "ce:GetCostAndUsage", "Resource": "*"}]), "ce")


def spent(client: Any, begin: str, end: str, granularity: str = "DAILY", **more: Any) -> list[Any]:
    period = {"Start": begin, "End": end}
    asked = {"TimePeriod": period, "Granularity": granularity, "Metrics": ["UnblendedCost"], **more}
    results = client.get_cost_and_usage(**asked)["ResultsByTime"]
    if "GroupBy" in more:
        return [{g["Keys"][0]: float(g["Metrics"]["UnblendedCost"]["Amount"]) for g in r["Groups"]} for r in results]
    return [float(r["Total"]["UnblendedCost"]["Amount"]) for r in results]


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_days_are_told_to_the_end_which_is_not_among_them(explorer: Any) -> None:
    assert spent(explorer, "2026-11-01", "2026-11-04") == [3.5, 10.25, 0.0]


def test_months_begin_and_end_as_asked(explorer: Any) -> None:
    assert spent(explorer, "2026-11-02", "2026-12-02", "MONTHLY") == [10.25, 7.0]


def test_filters_and_groups_narrow_by_service_and_tag(explorer: Any) -> None:
    days = ("2026-11-01", "2026-11-03")
    assert spent(explorer, *days, Filter=SAGEMAKER) == [3.5, 1.25]
    assert spent(explorer, *days, Filter={"And": [SAGEMAKER, BLUE]}) == [3.5, 0.0]
    assert spent(explorer, *days, Filter={"Not": BLUE}) == [0.0, 1.25]
    by_team = spent(explorer, *days, GroupBy=[{"Type": "TAG", "Key": "team"}])
    assert by_team == [{"team$blue": 3.5}, {"team$blue": 9.0, "team$red": 1.25}]


def test_what_is_not_emulated_is_refused_by_name(explorer: Any, cloud: EmbeddedCloud) -> None:
    day = ("2026-11-01", "2026-11-02")
    assert "Hours" in refused(lambda: spent(explorer, *day, "HOURLY"))[1]
    kind = [{"Type": "COST_CATEGORY", "Key": "x"}]
    assert "COST_CATEGORY" in refused(lambda: spent(explorer, *day, GroupBy=kind))[1]
    root = cloud.client("ce")
    assert "ce's GetTags" in refused(lambda: root.get_tags(TimePeriod={"Start": day[0], "End": day[1]}))[1]
    assert "pricing's DescribeServices" in refused(cloud.client("pricing").describe_services)[1]


def test_who_may_not_see_the_bill_or_the_prices_is_denied(make_role: Any, assume: Any) -> None:
    nobody = make_role("nobody-bills", [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}])
    assert refused(lambda: spent(assume(nobody, "ce"), "2026-11-01", "2026-11-02"))[0] == "AccessDeniedException"
    products = assume(nobody, "pricing").get_products
    assert refused(lambda: products(ServiceCode="AmazonSageMaker"))[0] == "AccessDeniedException"


def test_products_are_found_by_their_attributes_page_by_page(cloud: EmbeddedCloud) -> None:
    entries = [
        {
            "serviceCode": "AmazonSageMaker",
            "product": {
                "productFamily": "ML Instance" if name != "a volume" else "ML Storage",
                "attributes": {"regionCode": region, "instanceName": name},
            },
            "terms": {"OnDemand": {}},
        }
        for region in ("us-east-1", "eu-west-1")
        for name in ("ml.m5.large", "ml.g5.xlarge", "a volume")
    ]
    cloud.control("price-list", products=entries)
    pages = (
        cloud.client("pricing")
        .get_paginator("get_products")
        .paginate(
            ServiceCode="AmazonSageMaker",
            Filters=[
                {"Type": "TERM_MATCH", "Field": field, "Value": value}
                for field, value in (("regionCode", "us-east-1"), ("productFamily", "ML Instance"))
            ],
            PaginationConfig={"PageSize": 1},
        )
    )
    told = [json.loads(text) for page in pages for text in page["PriceList"]]
    names = sorted(each["product"]["attributes"]["instanceName"] for each in told)
    assert names == ["ml.g5.xlarge", "ml.m5.large"]


def test_a_charge_that_is_none_is_refused_with_its_member(cloud: EmbeddedCloud) -> None:
    with pytest.raises(RehearsalError, match=r"day: '1 Nov' is not a day such as 2026-11-27"):
        cloud.control("bill", charges=[{"day": "1 Nov", "usd": 1}])
