"""The first step of a monitor of batches against an in-memory cloud: which version, which manifests, which objects."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controls import watch
from controls.monitors.served import WatchError
from controls.monitors.transformed import LONGEST, ManifestError

GROUP = "sluice-dev-tabular"
END = datetime(2026, 11, 23, 12, 15, tzinfo=UTC)
ASKED = {
    "workload": "tabular",
    "due": "2026-11-23T12:30:00Z",
    "began": "2026-11-23T12:30:41Z",
    "source": "batch",
    "window_hours": "24",
    "labels": "",
    "settings": json.dumps({"kinds": ["data-quality"], "delay_hours": 0}),
}


@pytest.fixture(autouse=True)
def buckets(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> tuple[str, str]:
    """The names of the data and the artifact bucket."""
    environment = deployed["watch of batches"].environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment["SLUICE_DATA_BUCKET"], environment["SLUICE_ARTIFACT_BUCKET"]


class Batches:
    """What jobs left behind in the buckets `data` and `artifacts`."""

    def __init__(self, cloud: Any, data: str, artifacts: str) -> None:
        self.cloud, self.data, self.artifacts = cloud, data, artifacts
        self._number = 0

    def approve(self, version: int) -> None:
        package = self.cloud.package(version, group=GROUP)
        run = f"s3://{self.artifacts}/tabular/e{version}"
        told = {"ModelDataQuality": "preprocess/baseline/statistics.json", "ModelQuality": "evaluate/evaluation.json"}
        self.cloud.packages[package] |= {
            "InferenceSpecification": {"Containers": [{"ModelDataUrl": f"{run}/train/model.tar.gz"}]},
            "DriftCheckBaselines": {kind: {"Statistics": {"S3Uri": f"{run}/{key}"}} for kind, key in told.items()},
        }

    def job(
        self, *names: str, version: int | str = 7, hours_ago: float = 1, took: float = 0.5, answers: bool = True
    ) -> None:
        """One that was complete so long ago, of objects in the folder `daily/`."""
        complete = END - timedelta(hours=hours_ago)
        self.manifest("input", [f"s3://{self.data}/tabular/batch/daily/", *names], complete, version, took)
        if answers:
            written = [f"s3://{self.artifacts}/tabular/batch/daily/", *(f"{name}.out" for name in names)]
            self.manifest("output", written, complete + timedelta(seconds=2), version, took)

    def manifest(self, side: str, listed: list[str], at: datetime, version: int | str = 7, took: float = 0.5) -> str:
        self._number += 1
        folder = f"tabular/capture/batch/{version}/{side}/".replace("//", "/")
        key = f"{folder}{at - timedelta(hours=took):%Y/%m/%d/%H}/{self._number}.json"
        prefix, *names = listed
        self.cloud.put(self.artifacts, key, json.dumps([{"prefix": prefix}, *names]).encode(), at=at)
        return f"s3://{self.artifacts}/{key}"

    def read(self, uri: str) -> Any:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return json.loads(self.cloud.body(bucket, key))


@pytest.fixture
def batches(cloud: Any, buckets: tuple[str, str]) -> Batches:
    """Version 7 is approved."""
    made = Batches(cloud, *buckets)
    made.approve(7)
    return made


def run(**changes: str) -> dict[str, str]:
    return watch.handler({**ASKED, **changes}, None)


def test_the_manifests_of_a_window_become_one_of_what_was_read_and_one_of_what_was_written(batches: Batches) -> None:
    batches.job("b.csv", hours_ago=2)
    batches.job("a.csv", "part/c.csv", hours_ago=20)
    answer = run()
    names = ["daily/a.csv", "daily/b.csv", "daily/part/c.csv"]
    assert batches.read(answer["AskedUri"]) == [{"prefix": f"s3://{batches.data}/tabular/batch/"}, *names]
    written = [{"prefix": f"s3://{batches.artifacts}/tabular/batch/"}, *(f"{name}.out" for name in names)]
    assert batches.read(answer["AnsweredUri"]) == written
    told = batches.read(answer["WatchUri"])
    ended = ["2026-11-22T16:15:00Z", "2026-11-23T10:15:00Z", "2026-11-22T16:15:00Z"]
    assert told["complete"] == dict(zip(names, ended, strict=True))
    assert (told["package_version"], told["window"]["start"]) == (7, "2026-11-22T12:15:00Z")
    assert answer["BaselineUri"] == f"s3://{batches.artifacts}/tabular/e7/preprocess/baseline/"
    assert answer["OutputUri"].endswith("/tabular/monitor/batch/2026-11-23T12-15-00Z") and "CaptureUri" not in answer


@pytest.mark.parametrize("took", [0.5, 30, LONGEST.total_seconds() / 3600 - 24])
def test_each_job_is_in_the_one_window_in_which_it_ended_however_long_it_took(batches: Batches, took: float) -> None:
    batches.job("before.csv", hours_ago=24.01, took=took)
    batches.job("first.csv", hours_ago=24, took=took)
    batches.job("last.csv", hours_ago=0.01, took=took)
    batches.job("after.csv", hours_ago=0, took=took)
    days = [run(due=f"2026-11-{day}T12:30:00Z") for day in (22, 23, 24)]
    found = [[name.removeprefix("daily/") for name in batches.read(day["AskedUri"])[1:]] for day in days]
    assert found == [["before.csv"], ["first.csv", "last.csv"], ["after.csv"]]
    assert [len(batches.read(day["AnsweredUri"])[1:]) for day in days] == [1, 2, 1]


def test_what_another_version_was_asked_is_not_taken_for_this_ones(batches: Batches) -> None:
    batches.approve(8)
    batches.job("old.csv", version=7)
    batches.job("new.csv", version=8)
    answer = run()
    assert batches.read(answer["AskedUri"])[1:] == ["daily/new.csv"]
    assert batches.read(answer["WatchUri"])["package_version"] == 8


def test_rows_whose_labels_come_late_are_of_jobs_that_ended_so_much_earlier(batches: Batches) -> None:
    for hours, name in ((1, "now.csv"), (50, "labelled.csv"), (80, "old.csv")):
        batches.job(name, hours_ago=hours)
    answer = run(settings=json.dumps({"kinds": ["model-quality"], "delay_hours": 48}), labels="labels/")
    told = batches.read(answer["WatchUri"])["complete"]
    assert told == {"daily/labelled.csv": "2026-11-21T10:15:00Z", "daily/now.csv": "2026-11-23T11:15:00Z"}
    assert answer["LabelsUri"].endswith("/labels.json")


def test_an_object_that_was_asked_twice_counts_once_with_its_last_answers(batches: Batches) -> None:
    batches.job("a.csv", hours_ago=5)
    batches.job("a.csv", hours_ago=3)
    answer = run()
    assert batches.read(answer["WatchUri"])["complete"] == {"daily/a.csv": "2026-11-23T09:15:00Z"}
    assert len(batches.read(answer["AnsweredUri"])) == 2


def test_answers_that_are_missing_are_left_to_the_job_to_count(batches: Batches) -> None:
    batches.job("a.csv", answers=False)
    answer = run()
    assert batches.read(answer["AskedUri"])[1:] == ["daily/a.csv"]
    [place, nothing] = batches.read(answer["AnsweredUri"])
    bucket, _, key = f"{place['prefix']}{nothing}".removeprefix("s3://").partition("/")
    assert batches.cloud.body(bucket, key).strip() == b""


def test_objects_that_the_job_may_not_read_are_refused_by_name(batches: Batches) -> None:
    at, elsewhere = END - timedelta(hours=1), f"s3://{batches.data}/digits/batch/"
    manifest = batches.manifest("input", [elsewhere, "a.csv", "b.csv"], at)
    with pytest.raises(ManifestError, match=f"{manifest} names {elsewhere}a.csv, and 1 more .* read .*/tabular/batch/"):
        run()


def test_answers_that_lie_elsewhere_are_refused_by_name(batches: Batches) -> None:
    batches.job("a.csv", answers=False)
    elsewhere = f"s3://{batches.artifacts}/tabular/answers/"
    batches.manifest("output", [elsewhere, "a.csv.out"], END - timedelta(hours=1))
    with pytest.raises(ManifestError, match=f"names {elsewhere}a.csv.out"):
        run()


@pytest.mark.parametrize("content", [b"{half", b"[]", b'["s3://bucket/"]', b"\xff"])
def test_what_is_no_manifest_is_refused_by_name(batches: Batches, content: bytes) -> None:
    key = "tabular/capture/batch/7/input/2026/11/23/11/odd.json"
    batches.cloud.put(batches.artifacts, key, content, at=END - timedelta(hours=1))
    with pytest.raises(ManifestError, match=f"{key} is no manifest"):
        run()


def test_what_was_captured_of_no_version_is_refused_with_the_place_where_it_belongs(batches: Batches) -> None:
    batches.job("a.csv", version="")
    with pytest.raises(WatchError, match=r"is of no version: .* to s3://.*/tabular/capture/batch/7/$"):
        run()


def test_without_an_approved_version_there_is_nothing_to_examine(cloud: Any) -> None:
    names = (*watch.ANSWERS, "AskedUri", "AnsweredUri")
    assert run() == {"Served": "false", "End": "2026-11-23T12:15:00Z", **dict.fromkeys(names, "")}


def test_a_step_that_is_tried_again_asks_for_the_same(batches: Batches) -> None:
    batches.job("a.csv")
    assert run() == run()


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed: dict[str, Any], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed["watch of batches"])
