"""What the configuration refuses, and how it says so."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.guardrails import Guardrails, limited
from config.load import ROOT, ConfigurationError, chosen, load, load_workload

TEAM: dict[str, Any] = {
    "name": "sluice",
    "environment": "dev",
    "region": "us-east-1",
    "owner": "ml-platform",
    "network": {"mode": "private", "cidr": "10.42.0.0/16", "availability_zones": ["us-east-1a", "us-east-1b"]},
    "studio": {"users": [{"name": "ada", "persona": "viewer"}, {"name": "grace", "persona": "viewer"}]},
    "workloads": ["digits"],
}
WORKLOAD: dict[str, Any] = {
    "description": "Digits",
    "data": {"path": "digits.csv"},
    "algorithm": {"name": "kmeans", "k": 10, "feature_dim": 64},
    "metric": {"name": "purity", "direction": "maximize"},
    "process": {"instance_type": "ml.m5.large", "volume_gb": 10, "max_run_seconds": 60},
    "train": {
        "instance_type": "ml.m5.large",
        "instance_count": 2,
        "volume_gb": 10,
        "max_run_seconds": 60,
        "max_wait_seconds": 60,
    },
    "serve": {"instance_type": "ml.m5.large", "instance_count": 1},
}
IMAGES = {"Image": dict.fromkeys(["us-east-1", "eu-west-1", "cn-north-1"], "uri")}
COPIES = {
    "region": "us-west-2",
    "data_bucket": "data-copy",
    "artifact_bucket": "artifacts-copy",
    "key_id": "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
}
Refusal = Callable[..., list[str]]


def changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with each dotted key set, or taken out where the value is `...`."""
    result: Any = deepcopy(base)
    for dotted, value in changes.items():
        *path, last = [int(part) if part.isdigit() else part for part in dotted.split(".")]
        target: Any = result
        for part in path:
            target = target[part]
        if value is ...:
            del target[last]
        else:
            target[last] = value
    return result


@pytest.fixture
def refused(tmp_path: Path) -> Refusal:
    """Loads a changed configuration and gives the lines of the error, which must come."""

    def refuse(team: dict[str, Any] | str | None = None, workload: dict[str, Any] | None = None) -> list[str]:
        (tmp_path / "workloads" / "digits").mkdir(parents=True)
        text = yaml.safe_dump(changed(WORKLOAD, workload or {}), sort_keys=False)
        (tmp_path / "workloads" / "digits" / "workload.yaml").write_text(text)
        (tmp_path / "workloads" / "digits" / "images.json").write_text(json.dumps(IMAGES))
        text = team if isinstance(team, str) else yaml.safe_dump(changed(TEAM, team or {}), sort_keys=False)
        (tmp_path / "team.yaml").write_text(text)
        with pytest.raises(ConfigurationError) as raised:
            load(tmp_path / "team.yaml", root=tmp_path)
        assert len(raised.value.problems) == len(str(raised.value).splitlines())
        return [line.removeprefix(f"{tmp_path}/") for line in str(raised.value).splitlines()]

    return refuse


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.name)
def test_each_sample_is_valid(path: Path) -> None:
    assert load(path).prefix.startswith("sluice-")


def test_all_mistakes_of_all_files_are_reported_at_once_with_line_value_and_what_is_allowed(refused: Refusal) -> None:
    lines = refused(
        {
            "account": "11112222333",
            "ownr": "me",
            "environment": "test",
            "studio.idle_minutes": "120",
            "studio.users.1": {"name": "ada", "persona": "boss"},
            "network.mode": "private",
        },
        {"train.instance_type": "ml.m5.lrage", "algorithm.k": 0},
    )
    assert lines == [
        "team.yaml:2: environment: 'test' must be 'dev', 'staging' or 'prod'",
        "team.yaml:15: studio.users[1].name: 'ada' is given twice; each user needs a name of its own",
        "team.yaml:16: studio.users[1].persona: 'boss' must be 'data-scientist', 'ml-engineer' or 'viewer'",
        "team.yaml:17: studio.idle_minutes: '120' must be a valid integer",
        "team.yaml:20: account: '11112222333' must be 12 digits in quotes, such as \"111122223333\", or be left out",
        "team.yaml:21: ownr: 'me' is under an unknown key (is it owner?); known here: name, environment, region, "
        "account, owner, team, cost_centre, alerts, network, storage, studio, registry, experiments, workloads, "
        "monitoring, costs, guardrails",
        "workloads/digits/workload.yaml:6: algorithm.k: 0 must be greater than or equal to 1",
        "workloads/digits/workload.yaml:16: train.instance_type: 'ml.m5.lrage' must be one of SageMaker's 225 "
        "TrainingInstanceType values, such as ml.m5.large, ml.m5.xlarge, ml.m5.4xlarge",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"owner": ...}, "team.yaml:1: owner is required"),
        ({"name": "Sluice"}, "name: 'Sluice'"),
        ({"region": "us-east-9"}, "region: 'us-east-9' must be one of af-south-1"),
        ({"account": 111122223333}, "account: 111122223333 must be 12 digits in quotes"),
        ({"network.cidr": "10.42.0.0/99"}, "network.cidr: '10.42.0.0/99' must be an IPv4 block of /16 to /24"),
        ({"network.mode": "open"}, "network: "),
        ({"network.mode": "public"}, "network.reason is required"),
        ({"network.mode": "public", "network.reason": " "}, "network.reason: ' '"),
        (
            {"environment": "prod", "network.mode": "public", "network.reason": "a trial"},
            "network.mode: 'public' must be private or given where environment is prod",
        ),
        ({"network.flow_log_days": 45}, "network.flow_log_days: 45 must be 30, 90, 180 or 365"),
        ({"storage": {"artifact_infrequent_days": 7}}, "storage.artifact_infrequent_days: 7 must be greater than"),
        ({"storage": {"replication": COPIES | {"data_bucket": "Copy"}}}, "storage.replication.data_bucket: 'Copy'"),
        ({"storage": {"replication": COPIES | {"region": "us-west-9"}}}, "region: 'us-west-9' must be one of af-south"),
        ({"network.availability_zones": ["us-east-1a"]}, "network.availability_zones: ['us-east-1a']"),
        ({"network.availability_zones.1": "us-east-1a"}, "network.availability_zones[1]: 'us-east-1a' is given twice"),
        ({"network.availability_zones.1": "eu-west-1a"}, "'eu-west-1a' must be a zone of the region"),
        ({"network.nat": True}, "network.nat: True is under an unknown key; known here: mode, cidr"),
        ({"studio.idle_minutes": 300}, "studio.idle_minutes: 300 must be at most max_idle_minutes (240)"),
        ({"studio.idle_minutes": 59}, "studio.idle_minutes: 59 must be greater than or equal to 60"),
        ({"studio.users.0.name": "a b"}, "studio.users[0].name: 'a b'"),
        ({"studio.users": "ada"}, "studio.users: 'ada' must be a valid list"),
        ({"workloads": ["digits", "digits"]}, "workloads[1]: 'digits' is given twice"),
        ({"workloads": ["nix"]}, "workloads[0]: 'nix' must be a folder of workloads/ that has a workload.yaml: digits"),
        ({"workloads": "digits"}, "workloads: 'digits' must be"),
        ({"guardrails": {"instance_types": {"hosting": ["m5"]}}}, "hosting[0]: 'm5' must be one of SageMaker's"),
        ({"alerts": {"emails": ["nobody"]}}, "alerts.emails[0]: 'nobody'"),
        (
            {"alerts": {"emails": ["a@b.org", "c@b.org", "a@b.org"]}},
            "team.yaml:23: alerts.emails[2]: 'a@b.org' is given twice; each address is written to once",
        ),
        (
            {"network.interface_endpoints": ["sts", "sts"]},
            "team.yaml:13: network.interface_endpoints[1]: 'sts' is given twice; each of sagemaker.api, "
            "sagemaker.runtime, logs, sts may be given once",
        ),
        (
            {"region": "mx-central-1", "network.availability_zones": ["mx-central-1a", "mx-central-1b"]},
            "team.yaml:3: region: 'mx-central-1' has no Image for the workload digits; must be one of cn-north-1, "
            "eu-west-1, us-east-1",
        ),
        (
            {"costs": {"targets": [{"region": "us-east-2"}, {"region": "us-west-2"}, {"region": "us-east-2"}]}},
            "costs.targets[2].region: 'us-east-2' is given twice for this account, which would be counted twice",
        ),
        (
            {"costs": {"targets": [{"region": "us-east-1"}]}},
            "costs.targets[0].region: 'us-east-1' is the platform's own region, which is swept anyway",
        ),
        (
            {"costs": {"sweep": {"grace_minutes": 660}, "off_hours": {"time_zone": "UTC"}}},
            "costs.sweep.grace_minutes: 660 must be at most 600: the shortest off-hours last 11:00 h, and "
            "after a longer grace no sweep acts in them",
        ),
        (
            {"costs": {"sweep": {"every_hours": 6, "grace_minutes": 60}, "off_hours": {"time_zone": "UTC"}}},
            "costs.sweep.grace_minutes: 60 must be at most 0",
        ),
        (
            {"costs": {"sweep": {"every_hours": 12}, "off_hours": {"time_zone": "UTC"}}},
            "costs.sweep.every_hours: 12 must be at most 11: the shortest off-hours last 11:00 h",
        ),
        (
            {"costs": {"off_hours": {"time_zone": "UTC", "start_at": "00:00", "stop_at": "23:30"}}},
            "costs.off_hours.stop_at: '23:30' is too late for costs.sweep.every_hours (1): the shortest off-"
            "hours last 0:30 h",
        ),
        (
            {"costs": {"sweep": {"ttl": {"mode": "delete"}}}},
            "costs.sweep.ttl.mode: 'delete' must be 'observe' or 'enforce'",
        ),
    ],
)
def test_a_mistake_in_the_team_file_is_named(refused: Refusal, changes: dict[str, Any], expected: str) -> None:
    [line] = refused(changes)
    assert expected in line


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"train.max_wait_seconds": 59}, "train.max_wait_seconds: 59 must be at least max_run_seconds (60)"),
        ({"train.spot": "yes"}, "train.spot: 'yes' must be a valid boolean"),
        ({"process.instance_type": "ml.p9.large"}, "ProcessingInstanceType values"),
        ({"serve.instance_type": "m5.large"}, "ProductionVariantInstanceType values, such as ml."),
        (
            {"exceptions": [{"rule": "spot", "step": "Train", "reason": " ", "until": date(2999, 12, 31)}]},
            "exceptions[0].reason: ' '",
        ),
        ({"exceptions": [{"rule": "spot", "step": "Train", "reason": "a test"}]}, "exceptions[0].until is required"),
        (
            {"exceptions": [{"rule": "spot", "step": "Train", "reason": "a test", "until": "soon"}]},
            "exceptions[0].until: 'soon' must be a valid date",
        ),
        ({"serve": ...}, "workload.yaml:1: serve is required"),
        ({"process.engine": "spark"}, "process.engine: 'spark' needs scripts/preprocess_spark.py"),
        (
            {"algorithm": {"name": "script"}, "data.target": "y", "train.distributed": True},
            "train.distributed: True needs a script that imports toolkit.distributed: every instance would train the",
        ),
    ],
)
def test_a_mistake_in_a_workload_file_is_named(refused: Refusal, changes: dict[str, Any], expected: str) -> None:
    [line] = refused(workload=changes)
    assert expected in line


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("from toolkit import distributed", True),
        ("def main():\n    from toolkit.distributed import start", True),
        ("import toolkit.distributed", True),
        ("from toolkit import job  # not distributed", False),
        ("import toolkit.distributedly", False),
        ("from toolkit import (", False),
    ],
)
def test_what_trains_on_several_instances_has_a_script_that_shares_its_work(
    tmp_path: Path, text: str, accepted: bool
) -> None:
    several = {"algorithm": {"name": "script"}, "data.target": "y", "train.distributed": True}
    (tmp_path / "workload.yaml").write_text(yaml.safe_dump(changed(WORKLOAD, several)))
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "model.py").write_text(text)
    if accepted:
        load_workload(tmp_path / "workload.yaml")
    else:
        with pytest.raises(ConfigurationError, match=r"needs a script that imports toolkit\.distributed"):
            load_workload(tmp_path / "workload.yaml")


@pytest.mark.parametrize("content", [None, "{"], ids=["missing", "broken"])
def test_a_workload_without_readable_images_is_refused_with_the_remedy(tmp_path: Path, content: str | None) -> None:
    folder = tmp_path / "workloads" / "digits"
    folder.mkdir(parents=True)
    (folder / "workload.yaml").write_text(yaml.safe_dump(WORKLOAD))
    (tmp_path / "team.yaml").write_text(yaml.safe_dump(TEAM))
    if content is not None:
        (folder / "images.json").write_text(content)
    with pytest.raises(ConfigurationError, match=r"digits/images\.json:1: cannot be read .*`sluice pipelines compile`"):
        load(tmp_path / "team.yaml", root=tmp_path)


def test_a_given_network_names_one_subnet_for_each_zone(refused: Refusal) -> None:
    given = {
        "mode": "given",
        "vpc_id": "vpc-00000001",
        "security_group_ids": ["sg-00000001"],
        "subnet_ids": ["subnet-00000001"],
    }
    [line] = refused({"network": given | {"availability_zones": ["us-east-1a", "us-east-1b"]}})
    assert "network.subnet_ids: ['subnet-00000001'] must name one subnet for each of the 2 availability_zones" in line


@pytest.mark.parametrize(
    ("region", "changes", "expected"),
    [
        (
            "us-gov-west-1",
            {"experiments": "on"},
            "experiments: 'on' needs AWS::SageMaker::MlflowApp, which us-gov-west-1",
        ),
        ("cn-north-1", {"registry": "on"}, "registry: 'on' needs AWS::SageMaker::ModelPackageGroup, which cn-north-1"),
        (
            "ca-west-1",
            {"studio.domain": "on"},
            "studio.domain: 'on' needs AWS::SageMaker::Domain and AWS::SageMaker::UserProfile, which ca-west-1",
        ),
        (
            "ap-south-2",
            {"studio.domain": "on"},
            "studio.domain: 'on' needs AWS::SageMaker::UserProfile, which ap-south-2 does not have",
        ),
    ],
)
def test_what_is_asked_for_and_missing_in_a_region_is_refused_by_the_types_name(
    refused: Refusal, region: str, changes: dict[str, Any], expected: str
) -> None:
    zones = [f"{region}a", f"{region}b"]
    [line] = refused({"region": region, "network.availability_zones": zones, "workloads": [], **changes})
    assert expected in line and line.endswith("auto leaves it out")


def test_a_key_given_twice_is_refused_although_yaml_would_take_the_last(refused: Refusal) -> None:
    text = yaml.safe_dump(TEAM, sort_keys=False) + "owner: somebody-else\n"
    assert refused(text) == ["team.yaml:19: owner is given twice in one mapping; keep one"]


def test_a_key_may_override_one_that_is_merged_in(tmp_path: Path) -> None:
    text = yaml.safe_dump(changed(WORKLOAD, {"train": ..., "process": ...}), sort_keys=False)
    text += f"train: &m {json.dumps(WORKLOAD['train'])}\nprocess: {{<<: *m, instance_count: 1, max_wait_seconds: 2}}\n"
    (tmp_path / "workload.yaml").write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        load_workload(tmp_path / "workload.yaml")
    [problem] = raised.value.problems
    assert (problem.field, problem.value) == ("process.max_wait_seconds", "2")
    assert problem.message.startswith("is under an unknown key")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: sluice\nowner: [a\n", "team.yaml:3: is not valid YAML"),
        ("", "team.yaml:1: must be a mapping with the keys name, environment"),
        ("- a\n", "team.yaml:1: must be a mapping"),
        ("name: 2026-13-45\n", "team.yaml:1: is not valid YAML: month must be in 1..12"),
        ("a: !!python/object:os.system {}\n", "team.yaml:1: is not valid YAML"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(refused: Refusal, text: str, expected: str) -> None:
    [line] = refused(text)
    assert line.startswith(expected)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for read in (load, load_workload):
        with pytest.raises(ConfigurationError, match=r"none\.yaml:1: cannot be read: No such file"):
            read(tmp_path / "none.yaml")


def test_the_file_is_the_named_one_else_the_environments_else_the_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLUICE_CONFIG", raising=False)
    assert chosen() == ROOT / "config" / "team.yaml"
    monkeypatch.setenv("SLUICE_CONFIG", "other.yaml")
    assert chosen() == Path("other.yaml")
    assert chosen("named.yaml") == Path("named.yaml")


def test_what_a_workload_asks_for_and_the_guardrails_deny_is_refused_before_it_is_deployed(refused: Refusal) -> None:
    lines = refused(
        {"guardrails": {"max_run_seconds": 600}},
        {"train.instance_type": "ml.p3.2xlarge", "process.max_run_seconds": 601},
    )
    assert [line.partition("workloads.digits: ")[2] for line in lines] == [
        "'ml.p3.2xlarge' is train.instance_type of workloads/digits/workload.yaml; it must be one of "
        "guardrails.instance_types, ml.m5.large, ml.m5.xlarge, ml.m5.2xlarge, ml.c5.xlarge, ml.c5.2xlarge",
        "601 is process.max_run_seconds of workloads/digits/workload.yaml; it must be at most "
        "guardrails.max_run_seconds, 600",
    ]


def test_how_much_a_workload_may_ask_for_is_the_platforms_to_say(refused: Refusal) -> None:
    wanted = {"train.instance_count": 9, "serve.instance_count": 9, "train.volume_gb": 501}
    lines = refused({}, wanted)
    assert [line.partition("workloads.digits: ")[2] for line in lines] == [
        f"{value} is {field} of workloads/digits/workload.yaml; it must be at most guardrails.{limit}, {most}"
        for field, value, limit, most in (
            ("train.instance_count", 9, "max_instances", 8),
            ("serve.instance_count", 9, "max_instances", 8),
            ("train.volume_gb", 501, "max_volume_gb", 500),
        )
    ]


@pytest.mark.parametrize(
    ("name", "field", "limit"),
    [
        ("tabular", "tuning.max_jobs", "max_tuning_jobs"),
        ("tabular", "tuning.parallel_jobs", "max_parallel_jobs"),
        ("automl", "algorithm.candidates", "max_candidates"),
        ("automl", "algorithm.search_seconds", "max_search_seconds"),
        ("automl", "algorithm.candidate_seconds", "max_run_seconds"),
    ],
)
def test_a_search_has_limits_of_the_platform_too(name: str, field: str, limit: str) -> None:
    workload = load_workload(ROOT / "workloads" / name / "workload.yaml")
    assert list(Guardrails().breaches(workload)) == []
    [value] = [value for place, _, value in limited(workload) if place == field]
    tight = Guardrails().model_copy(update={limit: value - 1})
    assert (field, value, f"at most guardrails.{limit}, {value - 1}") in list(tight.breaches(workload))


def test_instance_types_that_no_permissions_boundary_has_room_for_are_refused(refused: Refusal) -> None:
    sizes = ("xlarge", "2xlarge", "4xlarge", "12xlarge")
    many = ["ml.m5.large", *(f"ml.{family}.{size}" for family in ("m5", "r5", "g4dn") for size in sizes)]
    [line] = refused({"guardrails": {"instance_types": {"training": many, "processing": many, "hosting": many}}})[:1]
    assert "guardrails.instance_types must take at most" in line


@pytest.mark.parametrize(
    ("team", "expected"),
    [
        ({"name": "sluice-dev"}, "name: 'sluice-dev' must not have dev between its dashes"),
        ({"network.availability_zones": ["us-east-1"]}, "'us-east-1' must be a zone of the region, such as us-east-1a"),
        ({"network.availability_zones": ["us-east-10a"]}, "'us-east-10a' must be a zone of the region"),
        ({"region": "us-iso-east-1"}, "region: 'us-iso-east-1' must be one of"),
        (
            {
                "network": {
                    "mode": "private",
                    "cidr": "10.0.0.0/24",
                    "availability_zones": [f"us-east-1{c}" for c in "abcdefghijklmnopq"],
                }
            },
            "network.availability_zones: 17 zones are more than the 16 that a /24 has room for",
        ),
        (
            {
                "storage": {
                    "replication": {
                        "region": "cn-north-1",
                        "data_bucket": "one",
                        "artifact_bucket": "two",
                        "key_id": "0" * 36,
                    }
                }
            },
            "storage.replication.region: 'cn-north-1' must be a region of the partition of us-east-1",
        ),
        (
            {
                "storage": {
                    "replication": {
                        "region": "us-west-2",
                        "data_bucket": "one",
                        "artifact_bucket": "one",
                        "key_id": "0" * 36,
                    }
                }
            },
            "storage.replication.artifact_bucket: 'one' must be another one than data_bucket",
        ),
    ],
)
def test_what_could_only_fail_or_mix_later_is_refused(refused: Refusal, team: dict[str, Any], expected: str) -> None:
    assert any(expected in line for line in refused(team))


@pytest.mark.parametrize(
    ("written", "wanted", "there"), [("auto", "auto", True), ("on", "on", True), ("off", "off", False)]
)
def test_a_switch_is_written_without_quotes_although_yaml_takes_on_and_off_for_booleans(
    tmp_path: Path, written: str, wanted: str, there: bool
) -> None:
    (tmp_path / "team.yaml").write_text(yaml.safe_dump({**TEAM, "workloads": []}) + f"experiments: {written}\n")
    platform = load(tmp_path / "team.yaml")
    assert (platform.experiments, platform.has_experiments, platform.left_out) == (wanted, there, [])
