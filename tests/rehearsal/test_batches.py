"""Batches that a data scientist has answered are examined: content while the world is as it was, drift once it is not.

Nothing is deployed. Roles have what the templates grant; the example of docs/monitoring.md is run as it stands there.
"""

import pytest
from botocore.exceptions import ClientError

from config.load import load, load_workload
from rehearsal.embedded import ACCOUNT, ROOT, EmbeddedCloud
from rehearsal.stories import drift_world
from rehearsal.stories.drift_world import TARGET, World
from review import synthesis
from tests.rehearsal.batching import ARTIFACTS, DATA, GROUP, LEDGER, Batches
from tests.rehearsal.granted import Granted
from tests.workloads.tabling import TABULAR, Split, succeed
from tests.workloads.test_monitor_definition import built

pytestmark = pytest.mark.slow

ROWS = 400
MONITOR = {
    "source": "batch",
    "window_hours": 1,
    "kinds": ["data-quality", "model-quality"],
    "critical": [drift_world.AREA],
    "label_delay_hours": 0,
}


@pytest.fixture(scope="module")
def batches(cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory) -> Batches:
    """Version 1 is approved, of a table of `World.rows`."""
    folder = tmp_path_factory.mktemp("batches")
    definition = built(folder, {"batch": MONITOR})["batch"]
    platform = load(ROOT / "config" / "monitored.yaml")
    platform = platform.model_copy(
        update={"name": "batches", "workloads": {"tabular": load_workload(folder / "batch.yaml")}}
    )
    templates = synthesis.synthesize(platform, folder / "cdk.out").templates
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    made = {"Key.Arn": key, "NetworkJobs.GroupId": "sg-12345678", "Ledger.Ref": LEDGER}
    made |= {f"NetworkVpcJobsSubnet{number}.Ref": f"subnet-{number:08}" for number in (1, 2)}
    made["Ledger.Arn"] = f"arn:aws:dynamodb:{cloud.region}:{ACCOUNT}:table/{LEDGER}"
    for name, bucket in (("Data", DATA), ("Artifacts", ARTIFACTS)):
        made |= {f"Storage{name}.Ref": bucket, f"Storage{name}.Arn": f"arn:aws:s3:::{bucket}"}
        cloud.client("s3").create_bucket(Bucket=bucket)
    keys = {"subject": "HASH", "at": "RANGE"}
    cloud.client("dynamodb").create_table(
        TableName=LEDGER,
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    found = Batches(cloud, platform, Granted(cloud, platform.prefix, templates, made), definition, key)
    values = found.granted.definition("monitoring")
    cloud.client("s3").create_bucket(Bucket=values["CodeBucket"])
    code = str(ROOT / "build" / "workloads" / "monitoring.py")
    cloud.client("s3").upload_file(code, values["CodeBucket"], values["CodeKey"])
    return found


@pytest.fixture(scope="module")
def world(batches: Batches, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("batched")
    succeed(TABULAR / "data.py", folder / "cancer.csv", "--table", "cancer")
    made = World((folder / "cancer.csv").read_text())
    (folder / "table.csv").write_text(drift_world.written(made.rows(850)))
    split = Split(TABULAR / "scripts", folder / "table.csv", TARGET, folder)
    split.preprocess()
    batches.approve(split)
    return made


@pytest.mark.parametrize(
    "change",
    [
        {"ml.m5.large": "ml.g5.xlarge"},
        {'models["Models"][0]["ModelName"]': f'"{GROUP}-try"'},
        {'models["Models"][0]["ModelName"]': '"batches-dev-digits-v1-0a1b2c3d"'},
        {"in tags.items()": "in ()"},
        {'"VolumeKmsKeyId": key': ""},
        {"{group}-{batch}": "another-{batch}"},
    ],
    ids=["a larger instance", "a model of no version", "another workload", "no tags", "no key", "another's name"],
)
def test_a_batch_is_asked_of_approved_versions_alone_and_as_the_guardrails_say(
    batches: Batches, world: World, change: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        batches.run_example("refused", **change)


def test_batches_without_drift_are_fine_and_one_with_a_critical_feature_that_shifted_is_not(
    batches: Batches, world: World
) -> None:
    batches.ask("monday", world.rows(ROWS), world.features)
    found, remembered = batches.window()
    assert (found["state"], found["rows"], found["skipped"], found["causes"]) == ("examined", ROWS, {}, [])
    quality = found["kinds"]["model-quality"]
    assert (quality["labelled"], quality["unlabelled_share"], quality["drifted"]) == (ROWS, 0, False)
    assert (remembered["state"], remembered["kinds"]["data-quality"]) == ("examined", False)

    batches.pass_an_hour()
    world.changes.append(drift_world.shifted)
    batches.ask("tuesday", world.rows(ROWS), world.features)
    found, remembered = batches.window()
    assert (found["state"], found["rows"], found["skipped"]) == ("examined", ROWS, {})
    assert f"{drift_world.AREA} changed" in found["causes"][0]
    assert remembered["kinds"]["data-quality"] and remembered["causes"] == found["causes"]

    batches.pass_an_hour()
    found, remembered = batches.window()
    assert (found["state"], found["rows"], found["skipped"]) == ("no-traffic", 0, {})
    assert remembered["kinds"]["data-quality"], "an hour without batches says nothing of drift"
