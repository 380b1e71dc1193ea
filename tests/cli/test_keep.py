"""`sluice keep`: the tag that it writes, who wanted it, and what it refuses before it asks AWS."""

from datetime import date
from typing import Any

import pytest

from controls.resource import kept_until

ENDPOINT = "arn:aws:sagemaker:us-east-1:111122223333:endpoint/digits"


def writes(cloud: Any) -> list[str]:
    return [call.operation for call in cloud.calls if call.writes]


def test_the_tag_says_until_when_and_who_wanted_it(cloud: Any, run: Any) -> None:
    cloud.endpoint("digits")
    status, text = run("keep", ENDPOINT, "--until", "2027-01-31")
    assert status == 0 and text == f"kept: {ENDPOINT} has sluice:keep = 2027-01-31 by ada"
    assert cloud.tags[ENDPOINT]["sluice:keep"] == "2027-01-31 by ada"
    assert kept_until(cloud.tags[ENDPOINT]["sluice:keep"]) == date(2027, 1, 31)


@pytest.mark.parametrize(
    ("caller", "who"),
    [
        ("arn:aws:iam::111122223333:user/team/grace", "grace"),
        ("arn:aws:iam::111122223333:root", "root"),
        ("arn:aws:sts::111122223333:assumed-role/SSO/ada,b@example.com", "ada-b@example.com"),
    ],
)
def test_whoever_calls_is_named_as_a_tag_may_hold_it(cloud: Any, run: Any, caller: str, who: str) -> None:
    cloud.endpoint("digits")
    cloud.caller = caller
    assert run("keep", ENDPOINT, "--until", "2026-11-23")[0] == 0
    assert cloud.tags[ENDPOINT]["sluice:keep"] == f"2026-11-23 by {who}"


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("soon", "'soon' is no date. Next: --until 2026-12-07"),
        ("2026-11-22", "is over. Next: a day from 2026-11-23 on"),
        ("2027-12-01", "is more than a year away. Next: 2027-11-24 at the latest"),
    ],
)
def test_a_day_that_cannot_be_is_refused_with_what_to_type(cloud: Any, run: Any, until: str, words: str) -> None:
    status, text = run("keep", ENDPOINT, "--until", until)
    assert status == 2 and words in text and cloud.calls == []


@pytest.mark.parametrize("arn", ["digits", "arn:aws:s3:::bucket", "arn:aws:sagemaker:us-east-1:1:endpoint/digits", ""])
def test_what_is_no_arn_of_ours_is_refused(cloud: Any, run: Any, arn: str) -> None:
    status, text = run("keep", arn, "--until", "2027-01-31")
    assert status == 2 and "copy it from the report or warning" in text and cloud.calls == []


def test_another_account_and_another_platform_are_refused(cloud: Any, run: Any) -> None:
    cloud.endpoint("digits", tags={"sluice:platform": "other"})
    status, text = run("keep", ENDPOINT, "--until", "2027-01-31")
    assert status == 2 and "belongs to other" in text
    status, text = run("keep", ENDPOINT.replace("1111", "9999"), "--until", "2027-01-31")
    assert status == 2 and "these credentials are of 111122223333" in text
    assert writes(cloud) == []


def test_a_resource_that_is_not_there_is_told(cloud: Any, run: Any, refusal: Any) -> None:
    cloud.faults["ListTags", ENDPOINT] = refusal("could not find digits")
    status, text = run("keep", ENDPOINT, "--until", "2027-01-31")
    assert status == 2 and "could not find digits" in text and writes(cloud) == []


def test_it_is_tagged_in_its_own_region(cloud: Any, run: Any) -> None:
    there = ENDPOINT.replace("us-east-1", "eu-central-1")
    cloud.tags[there] = {"sluice:platform": "sluice-dev"}
    assert run("keep", there, "--until", "2027-01-31")[0] == 0
    assert cloud.tags[there]["sluice:keep"] == "2027-01-31 by ada"


@pytest.mark.parametrize("ending", ["", ":*"])
def test_a_log_group_is_kept_as_well(cloud: Any, run: Any, ending: str) -> None:
    group = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/sagemaker/Endpoints/digits"
    cloud.tags[group] = {"sluice:platform": "sluice-dev"}
    assert run("keep", group + ending, "--until", "2027-01-31")[0] == 0
    assert cloud.tags[group]["sluice:keep"] == "2027-01-31 by ada"


def test_a_version_of_a_model_is_kept_by_its_group_whose_tags_it_has(cloud: Any, run: Any) -> None:
    version = cloud.package(3, "PendingManualApproval")
    assert run("keep", version, "--until", "2027-01-31")[0] == 0
    assert cloud.tags[cloud.arn("model-package-group/sluice-dev-digits")]["sluice:keep"] == "2027-01-31 by ada"
    assert version not in cloud.tags
