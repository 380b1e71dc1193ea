"""The report's function against an in-memory cloud and an end of Slack's, with the environment of its construct."""

import importlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bench import believable
from controls import emf, report
from controls.settings import MissingSettingError

report_cloud = importlib.import_module("tests.lambda.report_cloud")  # `lambda` is a keyword
SLACK = report_cloud.SLACK
EVENT = {"time": "2026-11-28T06:00:00Z"}
KEY = "costs/reports/2026-11-27.html"


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_cloud.in_memory, "Cloud", report_cloud.Cloud)
    for name, value in report_cloud.deployed().environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def slack() -> Iterator[Any]:
    end = report_cloud.Slack()
    urllib.request.install_opener(urllib.request.build_opener(end))
    yield end
    urllib.request.install_opener(urllib.request.build_opener())


@pytest.fixture
def november(cloud: Any, slack: Any) -> Any:
    cloud.fill(believable.table())
    return cloud


def bucket() -> str:
    return report_cloud.deployed().environment["SLUICE_ARTIFACT_BUCKET"]


def test_the_page_of_the_day_before_lies_in_the_bucket(november: Any) -> None:
    answer = report.handler(EVENT, None)
    assert answer["report"] == f"s3://{bucket()}/{KEY}"
    assert november.body(bucket(), KEY).startswith(b"<!doctype html>")
    [put] = [call for call in november.calls if call.operation == "PutObject"]
    assert put.params["ContentType"] == "text/html; charset=utf-8"


def test_mail_and_slack_tell_the_sum_and_the_place(november: Any, slack: Any) -> None:
    answer = report.handler(EVENT, None)
    [mail] = november.mail
    assert mail["Subject"] == f"[sluice-dev] 2026-11-27: {answer['saved_usd']:.2f} USD saved"
    assert answer["report"] in mail["Message"] and "of 2,000.00 USD" in mail["Message"]
    [(address, body)] = slack.told
    assert address == november.secrets[SLACK]
    assert answer["report"] in json.loads(body)["text"]


def test_the_sum_is_written_as_a_metric(november: Any, capsys: pytest.CaptureFixture[str]) -> None:
    answer = report.handler(EVENT, None)
    [told] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    [directive] = told["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == emf.NAMESPACE and directive["Dimensions"] == [["Platform"]]
    assert [metric["Name"] for metric in directive["Metrics"]] == ["SavedUSD"]
    assert told["SavedUSD"] == answer["saved_usd"] and told["Platform"] == "sluice-dev"
    assert told["_aws"]["Timestamp"] == believable.NOW.timestamp() * 1000


def test_an_event_that_comes_twice_tells_once_and_writes_the_same_page(november: Any, slack: Any) -> None:
    report.handler(EVENT, None)
    page = november.body(bucket(), KEY)
    report.handler(EVENT, None)
    assert len(november.mail) == len(slack.told) == 1
    assert november.body(bucket(), KEY) == page


@pytest.mark.parametrize("fault", [TimeoutError("timed out"), ConnectionResetError("reset"), OSError("no route")])
def test_a_slack_that_does_not_answer_is_an_error_and_a_retry_tells_only_slack(
    november: Any, slack: Any, fault: Exception
) -> None:
    slack.fault = fault
    with pytest.raises(report.ReportError, match=f"slack: .*{fault}"):
        report.handler(EVENT, None)
    slack.fault = None
    report.handler(EVENT, None)
    assert len(november.mail) == len(slack.told) == 1


def test_a_slack_that_refuses_is_an_error_that_does_not_name_the_secret(
    november: Any, slack: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    slack.status = 403
    with pytest.raises(report.ReportError, match="slack: HTTP Error 403") as raised:
        report.handler(EVENT, None)
    assert "hooks" not in str(raised.value) and "hooks" not in capsys.readouterr().out


@pytest.mark.parametrize("address", ["file:///etc/hostname", "http://slack.example/x", "https://a b", "secret", ""])
def test_a_parameter_that_holds_no_https_address_is_an_error(
    november: Any, slack: Any, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    november.secrets[SLACK] = address
    with pytest.raises(report.ReportError, match=f"^slack: {SLACK} holds no address that begins with https://$"):
        report.handler(EVENT, None)
    assert len(november.mail) == 1 and slack.told == []
    assert not address or address not in capsys.readouterr().out


def test_a_mail_that_is_refused_keeps_slack_from_nothing_and_is_tried_again(
    november: Any, slack: Any, refusal: Callable[..., Exception]
) -> None:
    topic = report_cloud.deployed().environment["SLUICE_TOPIC_ARN"]
    november.faults["Publish", topic] = refusal("throttled", "ThrottledException")
    with pytest.raises(report.ReportError, match=r"mail: .*throttled"):
        report.handler(EVENT, None)
    november.faults.clear()
    report.handler(EVENT, None)
    assert len(november.mail) == len(slack.told) == 1


def test_without_slack_in_the_configuration_nobody_asks_for_it(
    november: Any, slack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_SLACK_PARAMETER", "")
    report.handler(EVENT, None)
    assert slack.told == [] and len(november.mail) == 1
    allowed = {action for statement in report_cloud.deployed(None).statements for action in statement.actions}
    assert not [action for action in allowed if action.startswith("ssm:")]


def test_nothing_is_written_but_the_page_the_word_and_that_it_went_out(november: Any) -> None:
    report.handler(EVENT, None)
    assert [call.operation for call in november.calls if call.writes] == [
        *("PutObject", "PutItem", "Publish", "PutItem"),
    ]


def test_an_empty_ledger_makes_a_report_too(cloud: Any, slack: Any) -> None:
    assert report.handler(EVENT, None)["saved_usd"] == 0
    assert b"Nothing was done on this day." in cloud.body(bucket(), KEY)


def test_a_missing_setting_is_named(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLUICE_TOPIC_ARN")
    with pytest.raises(MissingSettingError, match="SLUICE_TOPIC_ARN"):
        report.handler(EVENT, None)


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], compare: Callable[..., None]
) -> None:
    deployed: SimpleNamespace = report_cloud.deployed()
    compare(recorded, deployed)


def test_the_key_is_used_through_the_services_that_hold_what_is_encrypted() -> None:
    uses = importlib.import_module("tests.lambda.permissions").key_uses(report_cloud.deployed())
    via = {(use, condition.split("ViaService ")[-1].partition(".")[0]) for use, condition in uses}
    assert {("Decrypt", "ssm"), ("GenerateDataKey", "s3"), ("GenerateDataKey", "sns")} <= via
