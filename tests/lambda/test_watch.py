"""The first step of a monitor against an in-memory cloud: window, files, and what the model is compared with."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controls import watch
from controls.watch import WatchError

NAME, CONFIG = "sluice-dev-tabular", "sluice-dev-tabular-v7-0a1b2c3d"
DUE = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
END = DUE - watch.MARGIN
ASKED = {
    "workload": "tabular",
    "due": "2026-11-23T12:30:00Z",
    "began": "2026-11-23T12:30:41.123Z",
    "source": "endpoint",
    "window_hours": "24",
    "labels": "labels/",
    "settings": json.dumps({"kinds": ["data-quality"], "delay_hours": 0}),
}


@pytest.fixture(autouse=True)
def buckets(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> tuple[str, str]:
    """The names of the data and the artifact bucket."""
    environment = deployed["watch"].environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment["SLUICE_DATA_BUCKET"], environment["SLUICE_ARTIFACT_BUCKET"]


def run(**changes: str) -> dict[str, str]:
    return watch.handler({**ASKED, **changes}, None)


def serve(cloud: Any, artifacts: str, *, version: int = 7, minutes: int = 6000, capture: str = "tabular") -> None:
    """The endpoint in service for so long, with a version of the package whose run was `e<version>`."""
    package, run = cloud.package(version, group=NAME), f"s3://{artifacts}/tabular/e{version}"
    statistics = {"S3Uri": f"{run}/preprocess/baseline/statistics.json"}
    quality = {"S3Uri": f"{run}/evaluate/evaluation/evaluation.json"}
    cloud.packages[package] |= {
        "InferenceSpecification": {"Containers": [{"ModelDataUrl": f"{run}/train/model.tar.gz"}]},
        "DriftCheckBaselines": {
            "ModelDataQuality": {"Statistics": statistics},
            "ModelQuality": {"Statistics": quality},
        },
    }
    cloud.endpoint(NAME, minutes=minutes)
    cloud.endpoints[NAME]["EndpointConfigName"] = CONFIG
    cloud.models[CONFIG] = {"ModelName": CONFIG, "PrimaryContainer": {"ModelPackageName": package}}
    cloud.configs[CONFIG] = {
        "ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": CONFIG}],
        "DataCaptureConfig": {"EnableCapture": True, "DestinationS3Uri": f"s3://{artifacts}/{capture}/capture"},
    }


def captured(cloud: Any, artifacts: str, hour: datetime, name: str) -> None:
    cloud.put(artifacts, f"tabular/capture/{NAME}/AllTraffic/{hour:%Y/%m/%d/%H}/{name}.jsonl", b"{}")


def read(cloud: Any, uri: str) -> Any:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return json.loads(cloud.body(bucket, key))


def test_the_baseline_is_that_of_the_version_in_service_whatever_was_registered_since(
    cloud: Any, buckets: tuple[str, str]
) -> None:
    serve(cloud, buckets[1])
    cloud.package(8, group=NAME)
    answer = run()
    run_of_it = f"s3://{buckets[1]}/tabular/e7"
    assert answer["Served"] == "true"
    assert answer["BaselineUri"] == f"{run_of_it}/preprocess/baseline/"
    assert answer["ModelUri"] == f"{run_of_it}/train/model.tar.gz"
    assert answer["EvaluationUri"] == f"{run_of_it}/evaluate/evaluation/evaluation.json"
    assert read(cloud, answer["WatchUri"])["package_version"] == 7
    assert all(isinstance(value, str) for value in answer.values())


def test_a_promotion_makes_the_monitor_compare_with_the_new_version_and_its_own_rows(
    cloud: Any, buckets: tuple[str, str]
) -> None:
    serve(cloud, buckets[1])
    run()
    serve(cloud, buckets[1], version=8, minutes=-10)
    answer = run()
    assert answer["BaselineUri"] == f"s3://{buckets[1]}/tabular/e8/preprocess/baseline/"
    told = read(cloud, answer["WatchUri"])
    assert told["window"] == {"start": "2026-11-23T12:10:00Z", "end": "2026-11-23T12:15:00Z"}


def test_a_window_ends_before_its_run_is_due_and_its_files_are_listed(cloud: Any, buckets: tuple[str, str]) -> None:
    serve(cloud, buckets[1])
    for hours, name in ((0, "last"), (5, "between"), (24, "first"), (26, "before")):
        captured(cloud, buckets[1], END - timedelta(hours=hours), name)
    captured(cloud, buckets[1], END + timedelta(hours=1), "after")
    answer = run()
    told = read(cloud, answer["WatchUri"])
    assert told["window"] == {"start": "2026-11-22T12:15:00Z", "end": "2026-11-23T12:15:00Z"}
    assert answer["End"] == "2026-11-23T12:15:00Z"
    place, *listed = read(cloud, answer["CaptureUri"])
    assert place == {"prefix": f"s3://{buckets[1]}/tabular/capture/{NAME}/AllTraffic/"}
    assert [name.rpartition("/")[2] for name in listed] == ["first.jsonl", "between.jsonl", "last.jsonl"]
    assert answer["OutputUri"] == f"s3://{buckets[1]}/tabular/monitor/endpoint/2026-11-23T12-15-00Z"


def window(cloud: Any, **changes: str) -> tuple[str, str]:
    told = read(cloud, run(**changes)["WatchUri"])["window"]
    return told["start"], told["end"]


def test_windows_meet_however_late_their_runs_begin(cloud: Any, buckets: tuple[str, str]) -> None:
    serve(cloud, buckets[1])
    late = {"due": "2026-11-24T12:30:00Z", "began": "2026-11-24T13:24:59Z"}
    assert window(cloud)[1] == window(cloud, **late)[0] == "2026-11-23T12:15:00Z"


def test_what_was_written_after_a_window_ended_is_of_the_next_or_of_this_one_and_never_of_none(
    cloud: Any, buckets: tuple[str, str]
) -> None:
    """A file of the hour in which it was written, of rows of the hour before: the job sees by their times whose."""
    serve(cloud, buckets[1])
    asked = {"due": "2026-11-23T13:10:00Z", "window_hours": "1"}
    captured(cloud, buckets[1], datetime(2026, 11, 23, 13, tzinfo=UTC), "flushed")
    for due in ("2026-11-23T13:10:00Z", "2026-11-23T14:10:00Z"):
        listed = read(cloud, run(**{**asked, "due": due})["CaptureUri"])[1:]
        assert listed == ["2026/11/23/13/flushed.jsonl"]


def test_the_window_of_a_run_that_somebody_started_ends_before_that(cloud: Any, buckets: tuple[str, str]) -> None:
    serve(cloud, buckets[1])
    assert window(cloud, due="") == ("2026-11-22T12:15:41Z", "2026-11-23T12:15:41Z")


def test_a_run_that_somebody_starts_may_be_due_in_any_zone(cloud: Any, buckets: tuple[str, str]) -> None:
    serve(cloud, buckets[1])
    answer = run(due="2026-11-23T21:30:00+09:00")
    assert answer == run() and answer["End"] == "2026-11-23T12:15:00Z"


@pytest.mark.parametrize("due", ["2026-11-23T12:30:00", "2026-11-23", "yesterday"])
def test_a_time_of_no_zone_and_what_is_none_is_refused_with_the_form(
    cloud: Any, buckets: tuple[str, str], due: str
) -> None:
    serve(cloud, buckets[1])
    with pytest.raises(WatchError, match=f"Due is {due}: give a time with its zone, as 2026-11-27T02:00:00Z"):
        run(due=due)


def test_rows_whose_labels_come_late_are_of_an_earlier_window(cloud: Any, buckets: tuple[str, str]) -> None:
    serve(cloud, buckets[1])
    for hours, name in ((1, "now"), (50, "labelled"), (80, "old")):
        captured(cloud, buckets[1], END - timedelta(hours=hours), name)
    answer = run(settings=json.dumps({"kinds": ["model-quality"], "delay_hours": 48}))
    listed = [name.rpartition("/")[2] for name in read(cloud, answer["CaptureUri"])[1:]]
    assert listed == ["labelled.jsonl", "now.jsonl"]


def test_of_labels_only_files_are_read_that_came_after_the_rows(cloud: Any, buckets: tuple[str, str]) -> None:
    serve(cloud, buckets[1])
    cloud.put(buckets[0], "tabular/labels/old.csv", b"", at=END - timedelta(hours=25))
    cloud.put(buckets[0], "tabular/labels/2026/new.csv", b"", at=END - timedelta(hours=1))
    cloud.put(buckets[0], "tabular/labels/readme.txt", b"", at=END)
    assert read(cloud, run()["LabelsUri"]) == [{"prefix": f"s3://{buckets[0]}/tabular/labels/"}, "2026/new.csv"]
    assert run(labels="")["LabelsUri"] == ""


def test_where_nothing_was_asked_the_job_is_still_given_a_list_that_names_something(
    cloud: Any, buckets: tuple[str, str]
) -> None:
    serve(cloud, buckets[1])
    answer = run()
    for name in ("CaptureUri", "LabelsUri"):
        place, empty = read(cloud, answer[name])
        bucket, _, key = f"{place['prefix']}{empty}".removeprefix("s3://").partition("/")
        assert cloud.body(bucket, key).strip() == b""


def unseen(state: str) -> dict[str, str]:
    return {"Served": state, "End": "2026-11-23T12:15:00Z", **dict.fromkeys((*watch.ANSWERS, "CaptureUri"), "")}


@pytest.mark.parametrize("status", ["absent", "Creating", "Deleting"])
def test_nothing_is_served_where_there_is_no_endpoint(cloud: Any, buckets: tuple[str, str], status: str) -> None:
    if status != "absent":
        cloud.endpoint(NAME, status=status)
    assert run() == unseen("false")


@pytest.mark.parametrize("status", ["Failed", "OutOfService", "UpdateRollbackFailed"])
def test_an_endpoint_that_broke_is_not_taken_for_one_that_is_not_there(
    cloud: Any, buckets: tuple[str, str], status: str
) -> None:
    cloud.endpoint(NAME, status=status)
    with pytest.raises(WatchError, match=rf"endpoint {NAME} is {status} \(.+\): delete it and approve a version"):
        run()


def test_an_endpoint_that_keeps_nothing_of_what_it_is_asked_is_a_state_and_no_failure(
    cloud: Any, buckets: tuple[str, str]
) -> None:
    serve(cloud, buckets[1])
    cloud.configs[CONFIG].pop("DataCaptureConfig")
    assert run() == unseen("uncaptured")


def test_an_update_that_goes_on_is_looked_past(cloud: Any, buckets: tuple[str, str]) -> None:
    serve(cloud, buckets[1])
    cloud.endpoints[NAME]["EndpointStatus"] = "Updating"
    assert run()["Served"] == "true"


def test_what_cannot_be_examined_is_told_with_what_would_change_that(cloud: Any, buckets: tuple[str, str]) -> None:
    serve(cloud, buckets[1])
    capture = cloud.configs[CONFIG]["DataCaptureConfig"]
    cloud.configs[CONFIG]["DataCaptureConfig"] = {**capture, "DestinationS3Uri": f"s3://{buckets[1]}/digits/capture"}
    with pytest.raises(WatchError, match=r"is not under s3://.*/tabular/"):
        run()
    cloud.configs[CONFIG]["DataCaptureConfig"] = capture
    cloud.packages[cloud.package(7, group=NAME)].pop("DriftCheckBaselines", None)
    with pytest.raises(
        WatchError, match="version 7 of sluice-dev-tabular has no baseline: train and approve a new one"
    ):
        run()
    cloud.models[CONFIG]["PrimaryContainer"] = {"Image": "an image"}
    with pytest.raises(WatchError, match="is of no package"):
        run()


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        (["data-quality"], None),
        (["data-quality", "bias"], "has no ModelDataUrl: train"),
        (["data-quality", "model-quality"], "has no ModelDataUrl and no statistics of ModelQuality: train"),
    ],
)
def test_a_version_without_what_its_job_is_to_read_is_refused(
    cloud: Any, buckets: tuple[str, str], kinds: list[str], told: str | None
) -> None:
    """As one that a person has registered."""
    serve(cloud, buckets[1])
    [package] = cloud.packages.values()
    package["InferenceSpecification"] = {"Containers": [{"Image": "an image"}]}
    package["DriftCheckBaselines"].pop("ModelQuality")
    asked = json.dumps({"kinds": kinds, "delay_hours": 0})
    if told is None:
        assert run(settings=asked)["ModelUri"] == ""
        return
    with pytest.raises(WatchError, match=f"version 7 of sluice-dev-tabular {told} and approve a new one"):
        run(settings=asked)


def test_a_step_that_is_tried_again_asks_for_the_same(cloud: Any, buckets: tuple[str, str]) -> None:
    serve(cloud, buckets[1])
    assert run() == run()


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed: dict[str, Any], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed["watch"])
