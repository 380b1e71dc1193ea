"""`sluice restore`: an endpoint comes back as it was, or the words say why not."""

from typing import Any

import pytest

from bench.ledger_table import LedgerTable
from cli import account as accounts
from controls.ledger import Ledger

TAGS = {"sluice:platform": "sluice-dev", "sluice:owner": "ada", "aws:cloudformation:stack-name": "x"}


def ended(cloud: Any, region: str = "us-east-1", account: str = "111122223333") -> None:
    table = LedgerTable()
    Ledger(table, "ledger", now=accounts.clock()).remember(
        "restorable",
        f"arn:aws:sagemaker:{region}:{account}:endpoint/digits",
        **{"kind": "endpoint", "name": "digits", "detail": {"configuration": "by-hand"}, "tags": TAGS, "rule": "idle"},
        **{"region": region, "account": account, "usd_per_hour": 0.23, "ended_at": "2026-11-20T19:00:00+00:00"},
    )
    cloud.fill(table)


def test_it_is_made_again_with_its_configuration_and_tags(cloud: Any, run: Any) -> None:
    ended(cloud)
    status, text = run("restore", "digits")
    assert status == 0 and "aws sagemaker describe-endpoint --endpoint-name digits --region us-east-1" in text
    assert cloud.endpoints["digits"]["EndpointConfigName"] == "by-hand"
    [tags] = [tags for arn, tags in cloud.tags.items() if arn.endswith("endpoint/digits")]
    assert tags == {"sluice:platform": "sluice-dev", "sluice:owner": "ada"}
    assert not cloud.remembered("restorable")
    assert [item["outcome"] for item in cloud.ledger.values() if "outcome" in item] == ["restored"]


def test_what_is_not_kept_is_told_with_what_is(cloud: Any, run: Any) -> None:
    ended(cloud)
    status, text = run("restore", "letters")
    assert (
        status == 2
        and "nothing is kept of an endpoint or inference component letters; there are: digits (us-east-1)" in text
    )
    assert "there are: none" in run("restore", "digits", "--region", "eu-west-1")[1].replace(
        "digits (us-east-1)", "none"
    )


def test_where_there_are_two_the_region_is_asked_for(cloud: Any, run: Any) -> None:
    ended(cloud)
    ended(cloud, "eu-central-1")
    status, text = run("restore", "digits")
    assert status == 2 and "Next: --region REGION" in text and not cloud.endpoints
    assert "us-east-1 of 111122223333" in text
    assert run("restore", "digits", "--region", "eu-central-1")[0] == 0


def test_where_two_accounts_have_it_the_account_is_asked_for(cloud: Any, run: Any) -> None:
    ended(cloud)
    ended(cloud, account="999988887777")
    status, text = run("restore", "digits", "--region", "us-east-1")
    assert status == 2 and "--account ACCOUNT" in text and not cloud.endpoints
    assert run("restore", "digits", "--account", "111122223333")[0] == 0
    assert [item["account"] for item in cloud.remembered("restorable").values()] == ["999988887777"]


def test_one_whose_configuration_is_gone_is_told_as_lost(cloud: Any, run: Any, refusal: Any) -> None:
    ended(cloud)
    cloud.faults["CreateEndpoint", "digits"] = refusal("Could not find endpoint configuration.")
    status, text = run("restore", "digits")
    assert status == 2 and "digits is lost: its configuration by-hand was deleted meanwhile" in text


@pytest.mark.parametrize("account", ["999988887777"])
def test_one_of_an_account_without_a_role_is_refused(cloud: Any, run: Any, account: str) -> None:
    ended(cloud, account=account)
    status, text = run("restore", "digits")
    assert status == 2 and "was in the account 999988887777, and costs.targets has no role there" in text


def scaled_down(cloud: Any) -> dict[str, Any]:
    """A component that idled and has no copies since; four are kept."""
    made = cloud.component("part", "shared", copies=0)
    table = LedgerTable()
    Ledger(table, "ledger", now=accounts.clock()).remember(
        "restorable",
        made,
        **{"kind": "inference-component", "name": "part", "tags": TAGS, "rule": "idle", "region": "us-east-1"},
        **{"detail": {"endpoint": "shared", "variant": "AllTraffic", "copies": "4"}, "account": "111122223333"},
        ended_at=accounts.clock().isoformat(),
    )
    cloud.fill(table)
    return cloud.records["InferenceComponents"][made]


def test_a_component_gets_its_copies_again(cloud: Any, run: Any) -> None:
    component = scaled_down(cloud)
    status, text = run("restore", "part")
    assert status == 0 and "part gets 4 copies again" in text
    assert "aws sagemaker describe-inference-component --inference-component-name part --region us-east-1" in text
    assert component["RuntimeConfig"]["DesiredCopyCount"] == 4 and not cloud.remembered("restorable")


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"RuntimeConfig": {"CurrentCopyCount": 1, "DesiredCopyCount": 1}}, 0, "somebody brought part back already"),
        ({"InferenceComponentStatus": "Updating"}, 2, "part changes its state just now. Next: wait"),
        ({"InferenceComponentName": "another"}, 2, "part is lost: it was deleted meanwhile"),
    ],
)
def test_a_component_that_cannot_be_brought_back_says_why(
    cloud: Any, run: Any, change: dict[str, Any], status: int, words: str
) -> None:
    scaled_down(cloud).update(change)
    told, text = run("restore", "part")
    assert (told, words in text) == (status, True), text
    assert not [call for call in cloud.calls if call.operation.startswith("UpdateInference")]
