"""The first step of a run against an in-memory cloud: what it notes, what it finds, and what it refuses."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from controls import begin
from controls.dataset import DatasetError
from controls.running import TooManyRunsError

BOTH = pytest.mark.parametrize(
    ("workload", "path", "key"),
    [("digits", "digits.csv", "digits/digits.csv"), ("tables", "parts/", "tables/parts/1.csv")],
)
MODEL = "s3://artifacts/digits/e0/train/model.tar.gz"
NOTED = f"digits/manifests/{64 * '0'}.json"


@pytest.fixture(autouse=True)
def buckets(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> tuple[str, str]:
    """The names of the data and the artifact bucket."""
    environment = deployed["begin"].environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment["SLUICE_DATA_BUCKET"], environment["SLUICE_ARTIFACT_BUCKET"]


def run(execution: str = "e1", *, manifest: str = "", workload: str = "digits", path: str = "digits.csv") -> Any:
    return begin.handler({"workload": workload, "execution": execution, "path": path, "manifest": manifest}, None)


def read(cloud: Any, uri: str) -> Any:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return json.loads(cloud.body(bucket, key))


def register(cloud: Any, version: int, approval: str = "Approved", of: str = "digits", **container: str) -> None:
    package = cloud.package(version, approval, f"sluice-dev-{of}")
    cloud.packages[package]["InferenceSpecification"] = {"Containers": [container]}


def going_on(cloud: Any, *runs: tuple[str, int, str], of: str = "pipeline/sluice-dev-digits/execution") -> None:
    """Executions of digits: each one's ID, the minute it began, and its status."""
    for name, minute, status in runs:
        told = {"PipelineExecutionStatus": status, "StartTime": datetime(2026, 11, 24, 12, minute, tzinfo=UTC)}
        cloud.executions[f"arn:aws:sagemaker:us-east-1:111122223333:{of}/{name}"] = told


def test_a_run_that_begins_while_another_goes_on_is_refused_with_the_name_of_that(
    cloud: Any, buckets: tuple[str, str]
) -> None:
    cloud.put(buckets[0], "digits/digits.csv", b"1")
    going_on(cloud, ("e0", 1, "Executing"), ("e1", 2, "Executing"), ("e2", 3, "Executing"))
    assert run("e0")
    for late in ("e1", "e2", "unlisted"):
        with pytest.raises(TooManyRunsError, match=r"of 1 that may run at once: \S+/execution/e0[.,].*parallel_runs"):
            run(late)


def test_of_runs_that_began_at_once_one_goes_on(cloud: Any, buckets: tuple[str, str]) -> None:
    cloud.put(buckets[0], "digits/digits.csv", b"1")
    going_on(cloud, ("b", 1, "Executing"), ("a", 1, "Executing"))
    assert run("a")
    with pytest.raises(TooManyRunsError, match="execution/a"):
        run("b")


def test_what_has_ended_is_in_nobodys_way_and_what_stops_is(cloud: Any, buckets: tuple[str, str]) -> None:
    cloud.put(buckets[0], "digits/digits.csv", b"1")
    going_on(cloud, *((f"d{n}", n, status) for n, status in enumerate(("Failed", "Stopped", "Succeeded"))))
    assert run("e1")
    going_on(cloud, ("e0", 0, "Stopping"))
    with pytest.raises(TooManyRunsError, match="e0"):
        run("e1")


def test_runs_of_a_state_machine_are_counted_up_to_the_workloads_own_number(
    cloud: Any, buckets: tuple[str, str]
) -> None:
    cloud.put(buckets[0], "tables/parts/1.csv", b"1")
    for minute, name in enumerate(("x1", "x2", "x3")):
        begun = {"status": "RUNNING", "startDate": datetime(2026, 11, 24, 12, minute, tzinfo=UTC)}
        arn = f"arn:aws:states:us-east-1:111122223333:execution:sluice-dev-tables:{name}"
        cloud.executions[arn] = begun | {"stateMachineArn": arn, "name": name}
    assert run("x2", workload="tables", path="parts/")
    with pytest.raises(TooManyRunsError, match=r"2 of 2 .*:x1, \S+:x2\."):
        run("x3", workload="tables", path="parts/")


def test_the_live_object_is_read_and_its_version_noted(cloud: Any, buckets: tuple[str, str]) -> None:
    data = buckets[0]
    cloud.put(data, "digits/digits.csv", b"old")
    version = cloud.put(data, "digits/digits.csv", b"newer")
    answer = run()
    assert answer["DataUri"] == f"s3://{data}/digits/digits.csv"
    told = read(cloud, answer["ManifestUri"])
    assert told["objects"] == [{"key": "digits/digits.csv", "version": version, "etag": "e1", "size": 5}]
    assert (told["bucket"], told["workload"], told["path"]) == (data, "digits", "digits.csv")


def test_the_manifest_is_named_by_its_content_and_another_only_when_the_data_is(
    cloud: Any, buckets: tuple[str, str]
) -> None:
    data, artifacts = buckets
    cloud.put(data, "digits/digits.csv", b"old")
    first = run("e1")["ManifestUri"]
    digest = hashlib.sha256(cloud.body(artifacts, first.removeprefix(f"s3://{artifacts}/"))).hexdigest()
    assert first == f"s3://{artifacts}/digits/manifests/{digest}.json"
    assert run("e2")["ManifestUri"] == run("e3", manifest=first)["ManifestUri"] == first
    cloud.put(data, "digits/digits.csv", b"old")
    assert run("e4")["ManifestUri"] != first


def test_every_answer_is_a_text_as_a_pipeline_takes_it(cloud: Any, buckets: tuple[str, str]) -> None:
    cloud.put(buckets[0], "digits/digits.csv", b"1")
    answer = run()
    assert set(answer) == {"DataUri", "ManifestUri", "ChampionModel", "ChampionVersion"}
    assert all(isinstance(value, str) for value in answer.values())


def test_a_folder_is_noted_whole_beyond_the_first_page_and_without_what_was_deleted(
    cloud: Any, buckets: tuple[str, str]
) -> None:
    for number in range(7):
        cloud.put(buckets[0], f"tables/parts/{number}.csv", b"1")
    cloud.put(buckets[0], "tables/parts/3.csv", None)
    cloud.put(buckets[0], "tables/parts/", b"")
    cloud.put(buckets[0], "tables/partsold/8.csv", b"1")
    answer = run(workload="tables", path="parts/")
    assert answer["DataUri"] == f"s3://{buckets[0]}/tables/parts/"
    keys = [row["key"] for row in read(cloud, answer["ManifestUri"])["objects"]]
    assert keys == [f"tables/parts/{number}.csv" for number in (0, 1, 2, 4, 5, 6)]


def test_an_object_whose_name_only_begins_alike_is_not_read(cloud: Any, buckets: tuple[str, str]) -> None:
    cloud.put(buckets[0], "digits/digits.csv.bak", b"1")
    with pytest.raises(DatasetError, match=rf"no object s3://{buckets[0]}/digits/digits.csv: upload it with `aws"):
        run()


def test_data_of_0_bytes_is_refused(cloud: Any, buckets: tuple[str, str]) -> None:
    cloud.put(buckets[0], "digits/digits.csv", b"")
    with pytest.raises(DatasetError, match="0 bytes: upload it again"):
        run()


@BOTH
def test_the_champion_is_the_newest_approved_version(
    cloud: Any, buckets: tuple[str, str], workload: str, path: str, key: str
) -> None:
    cloud.put(buckets[0], key, b"1")
    for version in (1, 2, 3, 4):
        register(cloud, version, "Rejected" if version == 4 else "Approved", workload, ModelDataUrl=f"{MODEL}{version}")
    assert run(workload=workload, path=path).items() >= {"ChampionModel": f"{MODEL}3", "ChampionVersion": "3"}.items()


def test_without_a_champion_its_place_is_taken_by_an_object_that_exists(cloud: Any, buckets: tuple[str, str]) -> None:
    cloud.put(buckets[0], "digits/digits.csv", b"1")
    register(cloud, 1, "PendingManualApproval", ModelDataUrl=MODEL)
    answer = run()
    assert answer["ChampionVersion"] == "0"
    assert read(cloud, answer["ChampionModel"])["objects"]


def test_without_a_registry_nobody_asks_for_a_champion(
    cloud: Any, buckets: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_REGISTRY", "false")
    cloud.put(buckets[0], "digits/digits.csv", b"1")
    register(cloud, 1, ModelDataUrl=MODEL)
    assert run()["ChampionVersion"] == "0"
    assert "ListModelPackages" not in {call.operation for call in cloud.calls}


def test_a_champion_without_a_model_is_an_error(cloud: Any, buckets: tuple[str, str]) -> None:
    cloud.put(buckets[0], "digits/digits.csv", b"1")
    register(cloud, 1, Image="only")
    with pytest.raises(begin.ChampionError, match="version 1 of sluice-dev-digits has no ModelDataUrl"):
        run()


MONITORED = {"began": "2026-11-23T12:00:00Z", "source": "endpoint", "window_hours": "24", "delay_hours": "12"}


def labelled(cloud: Any, bucket: str, *ends: str, source: str = "endpoint") -> None:
    """The windows that ended then, such as 2026-11-20T02-00-05Z."""
    for end in ends:
        for name in ("labelled.csv", "metrics.json"):
            cloud.put(bucket, f"digits/monitor/{source}/{end}/{name}", f"{name} of {end}".encode())


def meet(cloud: Any, buckets: tuple[str, str]) -> tuple[dict[str, str], set[str]]:
    """What a run of a workload with a monitor is answered, and of which windows the rows are that it reads."""
    if "digits/digits.csv" not in cloud.names(buckets[0]):
        cloud.put(buckets[0], "digits/digits.csv", b"1")
    event = {"workload": "digits", "execution": "e1", "path": "digits.csv", "manifest": "", **MONITORED}
    answer, folder = begin.handler(event, None), "digits/e1/begin/recent/"
    names = [name for name in cloud.names(buckets[1]) if name.startswith(folder)]
    copies = {name: cloud.body(buckets[1], name).decode() for name in names}
    assert all(text == f"labelled.csv of {name.split('/')[-2]}" for name, text in copies.items())
    assert answer["RecentUri"] == (f"s3://{buckets[1]}/{folder}" if copies else answer["ManifestUri"])
    return answer, {name.split("/")[-2] for name in copies}


def champion_of(cloud: Any, created: str, **metadata: str) -> None:
    register(cloud, 1, ModelDataUrl=MODEL)
    [package] = cloud.packages.values()
    package.update(CreationTime=datetime.fromisoformat(created), CustomerMetadataProperties=metadata)


def test_recent_rows_are_those_of_the_last_days_of_which_none_counts_twice(
    cloud: Any, buckets: tuple[str, str]
) -> None:
    champion_of(cloud, "2026-06-01T00:00:00Z")
    old, future = ("2026-11-09T11-00-00Z", "2026-11-09T02-00-00Z"), ("2026-11-23T13-00-00Z",)
    apart = ("2026-11-23T02-00-05Z", "2026-11-22T02-00-05Z", "2026-11-10T02-00-00Z")  # the first two meet
    # By most of a window; by two hours, where somebody starts a run; by one, where a clock goes forward; by a second.
    overlapping = tuple(f"2026-11-{end}Z" for end in ("22T14-00-00", "21T04-00-05", "21T03-00-05", "21T02-00-06"))
    labelled(cloud, buckets[1], *old, *future, *apart, *overlapping)
    labelled(cloud, buckets[1], "2026-11-19T02-00-00Z", source="batch")
    labelled(cloud, buckets[1], "2026-11-19T02-00", "last")
    assert meet(cloud, buckets)[1] == {*apart}
    cloud.objects.pop((buckets[1], "digits/e1/begin/recent/2026-11-22T02-00-05Z/labelled.csv"))
    again = meet(cloud, buckets)  # a step may be tried again
    assert again[1] == {*apart} and again == meet(cloud, buckets)


def test_rows_that_are_older_than_the_champion_are_no_measure_of_it(cloud: Any, buckets: tuple[str, str]) -> None:
    champion_of(cloud, "2026-11-20T00:00:00+00:00")
    ends = [f"2026-11-{end}-00-00Z" for end in ("19T02", "20T06", "21T06", "21T11", "22T13")]
    labelled(cloud, buckets[1], *ends)
    assert meet(cloud, buckets)[1] == {"2026-11-22T13-00-00Z"}
    # Its rows begin 36 hours before, of which 12 are the labels' delay.
    labelled(cloud, buckets[1], "2026-11-21T12-00-01Z")
    assert meet(cloud, buckets)[1] == {"2026-11-22T13-00-00Z", "2026-11-21T12-00-01Z"}


def test_what_the_champion_was_tested_with_is_where_its_package_says(cloud: Any, buckets: tuple[str, str]) -> None:
    place = f"s3://{buckets[1]}/digits/e0/preprocess/test"
    champion_of(cloud, "2026-11-20T00:00:00+00:00", test=place)
    answer, _ = meet(cloud, buckets)
    assert answer["ChampionTestUri"] == answer["ManifestUri"], "its rows are gone"
    cloud.put(buckets[1], "digits/e0/preprocess/test2/test.csv", b"1")
    assert meet(cloud, buckets)[0] == answer
    cloud.put(buckets[1], "digits/e0/preprocess/test/test.csv", b"1")
    assert meet(cloud, buckets)[0]["ChampionTestUri"] == f"{place}/"


@pytest.mark.parametrize(
    "metadata",
    [{}, {"test": "s3://elsewhere/digits/e0/preprocess/test"}, {"test": "s3://B/tables/e0/preprocess/test"}],
)
def test_an_older_package_and_one_that_names_another_place_have_no_such_rows(
    cloud: Any, buckets: tuple[str, str], metadata: dict[str, str]
) -> None:
    champion_of(cloud, "2026-11-20T00:00:00+00:00", **{k: v.replace("B", buckets[1]) for k, v in metadata.items()})
    answer, _ = meet(cloud, buckets)
    assert answer["ChampionTestUri"] == answer["ManifestUri"]


def test_without_a_champion_there_is_nothing_to_meet(cloud: Any, buckets: tuple[str, str]) -> None:
    labelled(cloud, buckets[1], "2026-11-23T02-00-00Z")
    answer, recent = meet(cloud, buckets)
    assert not recent and answer["ChampionTestUri"] == answer["RecentUri"] == answer["ChampionModel"]


def test_a_run_is_repeated_where_the_data_is_while_it_is_the_same(cloud: Any, buckets: tuple[str, str]) -> None:
    cloud.put(buckets[0], "digits/digits.csv", b"1")
    first = run()
    second = run("e2", manifest=first["ManifestUri"])
    assert second == first


def test_a_run_is_repeated_on_a_copy_of_what_it_read_once_the_data_is_another(
    cloud: Any, buckets: tuple[str, str]
) -> None:
    data, artifacts = buckets
    cloud.put(data, "digits/digits.csv", b"first")
    first, copied = run(), "digits/e2/begin/data/digits.csv"
    cloud.put(data, "digits/digits.csv", b"second")
    for _ in range(2):  # a step may be tried again
        assert run("e2", manifest=first["ManifestUri"])["DataUri"] == f"s3://{artifacts}/{copied}"
    assert cloud.body(artifacts, copied) == b"first"
    third = run("e3", manifest=run("e2", manifest=first["ManifestUri"])["ManifestUri"])
    assert cloud.body(artifacts, third["DataUri"].removeprefix(f"s3://{artifacts}/")) == b"first"


def test_a_folder_is_repeated_without_what_came_later_and_with_what_was_deleted(
    cloud: Any, buckets: tuple[str, str]
) -> None:
    data, artifacts = buckets
    for name in ("a.csv", "deep/b.csv"):
        cloud.put(data, f"tables/parts/{name}", name.encode())
    first = run(workload="tables", path="parts/")
    cloud.put(data, "tables/parts/c.csv", b"later")
    cloud.put(data, "tables/parts/a.csv", None)
    answer = run("e2", manifest=first["ManifestUri"], workload="tables", path="parts/")
    assert answer["DataUri"] == f"s3://{artifacts}/tables/e2/begin/data/"
    copied = [name for name in cloud.names(artifacts) if "/data/" in name]
    assert copied == ["tables/e2/begin/data/a.csv", "tables/e2/begin/data/deep/b.csv"]


def repeat_a_large_one(cloud: Any, data: str, workload: str, path: str, key: str) -> None:
    cloud.put(data, key, b"large", size=6 * 10**9)
    first = run(workload=workload, path=path)
    cloud.put(data, key, b"second")
    run("e2", manifest=first["ManifestUri"], workload=workload, path=path)


@BOTH
def test_an_object_above_5_gb_is_copied_in_parts(
    cloud: Any, buckets: tuple[str, str], workload: str, path: str, key: str
) -> None:
    repeat_a_large_one(cloud, buckets[0], workload, path, key)
    assert cloud.parts == ["bytes=0-4999999999", "bytes=5000000000-5999999999"]


@BOTH
def test_a_copy_in_parts_that_fails_leaves_no_parts(
    cloud: Any, buckets: tuple[str, str], refusal: Callable[..., Exception], workload: str, path: str, key: str
) -> None:
    cloud.faults["UploadPartCopy", "one"] = refusal("not now", "AccessDenied")
    with pytest.raises(ClientError, match="not now"):
        repeat_a_large_one(cloud, buckets[0], workload, path, key)
    assert "AbortMultipartUpload" in [call.operation for call in cloud.calls]


def test_a_version_that_is_gone_is_named(cloud: Any, buckets: tuple[str, str]) -> None:
    version = cloud.put(buckets[0], "digits/digits.csv", b"1")
    first = run()
    cloud.put(buckets[0], "digits/digits.csv", b"2")
    del cloud.objects[buckets[0], "digits/digits.csv"][0]
    with pytest.raises(DatasetError, match=rf"version {version} of s3://{buckets[0]}/digits/digits.csv is gone"):
        run("e2", manifest=first["ManifestUri"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"no json", "cannot be read as a manifest"),
        (b"[]", "cannot be read as a manifest"),
        (b'{"bucket": "b"}', "cannot be read as a manifest"),
        (None, "there is no such manifest"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(
    cloud: Any, buckets: tuple[str, str], body: bytes | None, message: str
) -> None:
    cloud.put(buckets[1], NOTED, body)
    with pytest.raises(DatasetError, match=message):
        run(manifest=f"s3://{buckets[1]}/{NOTED}")


@pytest.mark.parametrize("place", [NOTED.replace("digits", "tables"), "digits/e0/x.json", "digits/manifests/x.json"])
def test_what_is_no_manifest_of_the_workload_is_not_even_read(cloud: Any, buckets: tuple[str, str], place: str) -> None:
    with pytest.raises(DatasetError, match=r"must be that of an earlier run of digits: s3://.*/digits/manifests/SHA"):
        run(manifest=f"s3://{buckets[1]}/{place}")
    assert "GetObject" not in [call.operation for call in cloud.calls]


def test_a_manifest_of_another_path_is_refused(cloud: Any, buckets: tuple[str, str]) -> None:
    told = {"bucket": buckets[0], "workload": "digits", "path": "old.csv", "objects": []}
    cloud.put(buckets[1], NOTED, json.dumps(told).encode())
    with pytest.raises(DatasetError, match=r"is of s3://.*/digits/old.csv; this workload reads s3://.*/digits.csv"):
        run(manifest=f"s3://{buckets[1]}/{NOTED}")


def test_a_forged_manifest_reaches_no_data_of_another_workload(cloud: Any, buckets: tuple[str, str]) -> None:
    version = cloud.put(buckets[0], "tables/parts/secret.csv", b"1")
    cloud.put(buckets[0], "digits/digits.csv", b"1")
    stolen = {"key": "tables/parts/secret.csv", "version": version, "etag": "e0", "size": 1}
    told = {"bucket": buckets[0], "workload": "digits", "path": "digits.csv", "objects": [stolen]}
    cloud.put(buckets[1], NOTED, json.dumps(told).encode())
    with pytest.raises(DatasetError, match="is gone"):
        run(manifest=f"s3://{buckets[1]}/{NOTED}")


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed: dict[str, Any], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed["begin"])
