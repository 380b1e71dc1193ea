"""Where the policy is not for our own only: what bears no platform's tag is ended too, and roles allow it."""

import importlib
from datetime import timedelta
from typing import Any

import pytest

in_memory = importlib.import_module("tests.lambda.cloud")  # `lambda` is a keyword
governing = importlib.import_module("tests.lambda.governing")
jobs_cloud = importlib.import_module("tests.lambda.jobs_cloud")
permissions = importlib.import_module("tests.lambda.permissions")
sweeping = importlib.import_module("tests.lambda.sweeping")
worlds = importlib.import_module("tests.lambda.test_sweep_worlds")
NOW, OURS, run = sweeping.NOW, sweeping.OURS, sweeping.run
LATER = NOW + timedelta(minutes=61)
MORNING = NOW.replace(day=24, hour=6, minute=1)  # 7:01 in Berlin


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch, deployed_for_all: dict[str, Any]) -> Any:
    for name, value in deployed_for_all["sweep"].environment.items():
        monkeypatch.setenv(name, value)
    return deployed_for_all["sweep"]


def test_the_sweep_ends_untagged_things_of_every_kind_and_its_role_allows_it(cloud: Any, sweeps: Any) -> None:
    for kind in worlds.KINDS:
        worlds.build(cloud, kind, f"{kind}-nobodys", "untagged")
        worlds.build(cloud, kind, f"{kind}-anothers", "foreign")
    run(NOW)
    run(LATER)
    ended = worlds.deeds(cloud)
    for kind in worlds.KINDS:
        assert any(f"{kind}-nobodys" in deed for deed in ended) is (kind not in worlds.LASTING), kind
    assert not [deed for deed in ended if "anothers" in deed]
    assert permissions.refused([(call, cloud.tags) for call in cloud.calls], sweeps) == set()


def test_an_untagged_endpoint_comes_back_in_the_morning_and_the_role_allows_it(cloud: Any, sweeps: Any) -> None:
    cloud.endpoint("nobodys", minutes=100, tags={})
    run(NOW.replace(hour=18, minute=10))
    run(NOW.replace(hour=19, minute=11))
    assert not cloud.endpoints
    assert run(MORNING) == {"restored": 1}
    assert permissions.refused([(call, cloud.tags) for call in cloud.calls], sweeps) == set()


def test_the_governor_stops_an_untagged_job_and_its_role_allows_it(
    new_cloud: Any, monkeypatch: pytest.MonkeyPatch, deployed_for_all: dict[str, Any]
) -> None:
    monkeypatch.setattr(in_memory, "Cloud", jobs_cloud.Cloud)
    for name, value in deployed_for_all["govern"].environment.items():
        monkeypatch.setenv(name, value)
    cloud = new_cloud()
    for name, tags in {"nobodys": {}, "anothers": {"sluice:platform": "another"}}.items():
        cloud.job(name, tags=tags, **jobs_cloud.training("ml.g5.xlarge"))
    assert governing.look(cloud, "nobodys") == "done"
    assert governing.look(cloud, "anothers") == "foreign"
    assert cloud.answers["TrainingJob", "nobodys"]["TrainingJobStatus"] == "Stopping"
    recorded = [(call, cloud.tags) for call in cloud.calls]
    assert permissions.refused(recorded, deployed_for_all["govern"]) == set()


@pytest.mark.parametrize(
    ("verb", "action", "resource"),
    [
        ("sweep", "sagemaker:DeleteEndpoint", "endpoint/x"),
        ("sweep", "sagemaker:StopTrainingJob", "training-job/x"),
        ("govern", "sagemaker:StopTrainingJob", "training-job/x"),
    ],
)
def test_iam_itself_holds_the_line(
    deployed: dict[str, Any], deployed_for_all: dict[str, Any], verb: str, action: str, resource: str
) -> None:
    arn = in_memory.arn(resource)

    def allowed(role: Any, tags: dict[str, str]) -> bool:
        return any(permissions.covers(each, action, arn, {arn: tags}) for each in role.statements)

    ours_only, for_all = deployed[verb], deployed_for_all[verb]
    assert allowed(ours_only, OURS) and allowed(for_all, OURS)
    assert allowed(for_all, {}) and not allowed(ours_only, {})
    assert not allowed(for_all, {"sluice:platform": "another"})
    if verb == "sweep":
        assert not allowed(for_all, {"sluice:environment": "prod"})
