"""AutoML jobs: what is found on real data, what each limit does, what bad data end in, how one is stopped."""

import csv
import io
import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import ROOT, EmbeddedCloud
from tests.rehearsal.jobbing import until

pytestmark = pytest.mark.slow

BUCKET = "automl"
ENDED = ("Completed", "Failed", "Stopped")


@pytest.fixture(scope="module")
def passengers(cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The Titanic's passengers with the header first, the others shuffled; the bucket is there."""
    folder = tmp_path_factory.mktemp("titanic")
    cloud.run(
        [str(ROOT / ".venv-cloud/bin/python"), str(ROOT / "workloads/automl/data.py"), str(folder / "t.csv")],
        folder / "log",
    )
    header, *rows = csv.reader((folder / "t.csv").open())
    random.Random(7).shuffle(rows)
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    return [header, *rows]


def put(cloud: EmbeddedCloud, key: str, rows: list[list[str]] | bytes) -> str:
    text = io.StringIO()
    if not isinstance(rows, bytes):
        csv.writer(text).writerows(rows)
    body = rows if isinstance(rows, bytes) else text.getvalue().encode()
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return f"s3://{BUCKET}/{key}"


def start(cloud: EmbeddedCloud, role: str, name: str, uri: str, target: str = "Survived", **more: Any) -> None:
    tabular = {"TargetAttributeName": target, **more.pop("tabular", {})}
    channel = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
    cloud.client("sagemaker").create_auto_ml_job_v2(
        AutoMLJobName=name,
        RoleArn=role,
        AutoMLJobInputDataConfig=more.pop("channels", [channel]),
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        AutoMLProblemTypeConfig={"TabularJobConfig": tabular},
        **more,
    )


def described(cloud: EmbeddedCloud, name: str) -> dict[str, Any]:
    return cloud.client("sagemaker").describe_auto_ml_job_v2(AutoMLJobName=name)


def ended(cloud: EmbeddedCloud, name: str) -> dict[str, Any]:
    until(lambda: described(cloud, name)["AutoMLJobStatus"] in ENDED, lambda: described(cloud, name))
    return described(cloud, name)


def candidates(cloud: EmbeddedCloud, name: str, **more: Any) -> list[dict[str, Any]]:
    answer = cloud.client("sagemaker").list_candidates_for_auto_ml_job(AutoMLJobName=name, **more)
    return answer["Candidates"]


def test_the_best_candidate_predicts_who_of_the_held_out_passengers_survived(
    cloud: EmbeddedCloud, role: str, passengers: list[list[str]]
) -> None:
    header, *rows = passengers
    held, known = rows[:260], rows[260:]
    uri = put(cloud, "found/train.csv", [header, *known])
    start(cloud, role, "found", uri, tabular={"CompletionCriteria": {"MaxCandidates": 3}})
    job = ended(cloud, "found")
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Completed", "MaxCandidatesReached")
    resolved = job["ResolvedAttributes"]
    assert resolved["AutoMLJobObjective"] == {"MetricName": "F1"}
    problem = resolved["AutoMLProblemTypeResolvedAttributes"]["TabularResolvedAttributes"]["ProblemType"]
    assert problem == "BinaryClassification"
    best = job["BestCandidate"]
    ranked = candidates(cloud, "found", SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    assert ranked[0]["CandidateName"] == best["CandidateName"] and len(ranked) == 3
    [container] = best["InferenceContainers"]
    assert "stand-in" in container["Image"]
    told = transformed(
        cloud, role, container, [[v for n, v in zip(header, row, strict=True) if n != "Survived"] for row in held]
    )
    truth = [row[header.index("Survived")] for row in held]
    assert auc(truth, told) >= 0.80


def transformed(cloud: EmbeddedCloud, role: str, container: dict[str, Any], rows: list[list[str]]) -> list[float]:
    """The probability of survival of each row, by a batch transform job."""
    sagemaker = cloud.client("sagemaker")
    container["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = "predicted_label,probabilities,labels"
    sagemaker.create_model(ModelName="found", ExecutionRoleArn=role, Containers=[container])
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": put(cloud, "found/features.csv", rows)}}
    sagemaker.create_transform_job(
        TransformJobName="found",
        ModelName="found",
        TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/found/out", "AssembleWith": "Line", "Accept": "text/csv"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    until(lambda: sagemaker.describe_transform_job(TransformJobName="found")["TransformJobStatus"] in ENDED)
    job = sagemaker.describe_transform_job(TransformJobName="found")
    assert job["TransformJobStatus"] == "Completed", job
    text = cloud.client("s3").get_object(Bucket=BUCKET, Key="found/out/features.csv.out")["Body"].read().decode()
    answers = list(csv.reader(io.StringIO(text)))
    return [json.loads(probabilities)[json.loads(labels).index("1")] for _, probabilities, labels in answers]


def auc(truth: list[str], scores: list[float]) -> float:
    """The share of pairs of a survivor and another one that the scores put in order."""
    yes = [s for t, s in zip(truth, scores, strict=True) if t == "1"]
    no = [s for t, s in zip(truth, scores, strict=True) if t == "0"]
    return sum((y > n) + (y == n) / 2 for y in yes for n in no) / (len(yes) * len(no))


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (
            "missing",
            {"target": "Alive"},
            "The target column Alive is not in the file train.csv, which has: Name, PClass",
        ),
        ("constant", {"value": "1"}, "The target column Survived has the single value 1"),
        ("few", {"rows": 100}, "The training dataset has 100 rows; Autopilot needs at least 500"),
        ("empty", {"body": b""}, "cannot be read as CSV in UTF-8"),
        ("encoded", {"body": b"Survived,Name\n1,\xe9\xe8\n"}, "cannot be read as CSV in UTF-8"),
        ("untargeted", {"value": ""}, "The target column Survived has no values"),
    ],
)
def test_bad_data_fail_the_job_in_words_that_say_what_to_change(
    cloud: EmbeddedCloud, role: str, passengers: list[list[str]], name: str, change: dict[str, Any], words: str
) -> None:
    header, *rows = passengers
    at = header.index("Survived")
    rows = [[change.get("value", v) if i == at else v for i, v in enumerate(row)] for row in rows[: change.get("rows")]]
    uri = put(cloud, f"{name}/train.csv", change.get("body", [header, *rows]))
    start(cloud, role, name, uri, change.get("target", "Survived"))
    job = ended(cloud, name)
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Failed", "Failed")
    assert words in job["FailureReason"] and "BestCandidate" not in job


def test_time_that_is_over_ends_the_search_with_the_best_so_far(
    cloud: EmbeddedCloud, role: str, passengers: list[list[str]]
) -> None:
    criteria = {"MaxCandidates": 700, "MaxAutoMLJobRuntimeInSeconds": 5000}
    tabular = {"Mode": "HYPERPARAMETER_TUNING", "CompletionCriteria": criteria, "ProblemType": "BinaryClassification"}
    uri = put(cloud, "timed/train.csv", passengers)
    start(cloud, role, "timed", uri, tabular=tabular, AutoMLJobObjective={"MetricName": "AUC"})
    until(lambda: "BestCandidate" in described(cloud, "timed"))
    cloud.control("advance", seconds=5000)
    job = ended(cloud, "timed")
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Completed", "MaxAutoMLJobRuntimeReached")
    assert job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["MetricName"] == "AUC"
    assert {c["CandidateStatus"] for c in candidates(cloud, "timed", MaxResults=300)} <= {"Completed", "Stopped"}


def test_a_candidate_that_takes_too_long_is_left_and_the_search_goes_on(
    cloud: EmbeddedCloud, role: str, passengers: list[list[str]]
) -> None:
    criteria = {"MaxCandidates": 2, "MaxRuntimePerTrainingJobInSeconds": 1000}
    uri = put(cloud, "slow/train.csv", passengers)
    start(cloud, role, "slow", uri, tabular={"CompletionCriteria": criteria})
    until(lambda: candidates(cloud, "slow"))
    cloud.control("advance", seconds=1000)
    job = ended(cloud, "slow")
    first, second = candidates(cloud, "slow", SortOrder="Ascending")
    assert (first["CandidateStatus"], second["CandidateStatus"]) == ("Stopped", "Completed")
    assert job["AutoMLJobStatus"] == "Completed"
    assert "MaxRuntimePerTrainingJobInSeconds" in job["PartialFailureReasons"][0]["PartialFailureMessage"]


def test_a_job_is_stopped_and_cannot_be_stopped_twice(
    cloud: EmbeddedCloud, role: str, passengers: list[list[str]]
) -> None:
    sagemaker = cloud.client("sagemaker")
    tabular = {"Mode": "HYPERPARAMETER_TUNING"}
    start(cloud, role, "stopped", put(cloud, "stopped/train.csv", passengers), tabular=tabular)
    until(lambda: candidates(cloud, "stopped"))
    sagemaker.stop_auto_ml_job(AutoMLJobName="stopped")
    job = ended(cloud, "stopped")
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Stopped", "Stopped")
    assert "InProgress" not in {c["CandidateStatus"] for c in candidates(cloud, "stopped")}
    with pytest.raises(ClientError, match="in status Stopped"):
        sagemaker.stop_auto_ml_job(AutoMLJobName="stopped")


def test_a_candidate_does_not_outlive_a_search_that_is_killed(tmp_path: Path) -> None:
    for part in ("input/training", "output", "candidates"):
        (tmp_path / part).mkdir(parents=True)
    rows = "".join(f"{number / 7},{number % 2}\n" for number in range(20_000))
    (tmp_path / "input/training/train.csv").write_text(f"x,y\n{rows}")
    (tmp_path / "request.json").write_text(
        json.dumps({"target": "y", "mode": "HYPERPARAMETER_TUNING", "candidates": 9})
    )
    command = [ROOT / ".venv-cloud/bin/python", ROOT / "rehearsal/containers/automl.py"]
    search = subprocess.Popen(command, env={"PATH": os.environ["PATH"], "SLUICE_ML": str(tmp_path)}, cwd=tmp_path)
    begun = tmp_path / "candidates/001/begun.json"
    until(begun.exists)
    candidate = Path("/proc") / str(json.loads(begun.read_text())["pid"]) / "stat"
    search.kill()
    search.wait()
    # Where nobody waits for orphans, a killed one stays as a zombie.
    until(lambda: not candidate.exists() or candidate.read_text().rpartition(")")[2].split()[0] == "Z")
    assert not (tmp_path / "candidates/001/result.json").exists()


def test_the_log_says_what_stands_in(cloud: EmbeddedCloud, role: str, passengers: list[list[str]]) -> None:
    start(cloud, role, "logged", put(cloud, "logged/train.csv", passengers), target="Nobody")
    ended(cloud, "logged")
    logs, group = cloud.client("logs"), "/aws/sagemaker/TrainingJobs"
    [stream] = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="logged/")["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)[
        "events"
    ]
    assert events[0]["message"] == "stand-in: a small search by scikit-learn stands in for Autopilot"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"tabular": {"ProblemType": "Regression"}}, "both ProblemType and AutoMLJobObjective"),
        ({"AutoMLJobObjective": {"MetricName": "AUC"}}, "both ProblemType and AutoMLJobObjective"),
        ({"channels": 2}, "One channel is training"),
    ],
)
def test_what_aws_refuses_of_a_request_is_refused(
    cloud: EmbeddedCloud, role: str, more: dict[str, Any], words: str
) -> None:
    channel = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://none/x"}}}
    if "channels" in more:
        more = {"channels": [channel] * 2}
    with pytest.raises(ClientError, match=words):
        start(cloud, role, "refused", "s3://none/x", **more)


def test_a_regression_is_found_and_its_error_made_small(
    cloud: EmbeddedCloud, role: str, passengers: list[list[str]]
) -> None:
    draw = random.Random(3)
    rows = [[str(x := draw.uniform(0, 10)), str(3 * x + draw.gauss(0, 1))] for _ in range(600)]
    uri = put(cloud, "line/train.csv", [["x", "y"], *rows])
    start(cloud, role, "line", uri, "y", tabular={"CompletionCriteria": {"MaxCandidates": 4}})
    best = ended(cloud, "line")["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]
    assert (best["MetricName"], best["Type"]) == ("MSE", "Minimize") and 0.8 < best["Value"] < 1.3


def test_a_channel_for_validation_is_what_candidates_are_measured_on(
    cloud: EmbeddedCloud, role: str, passengers: list[list[str]]
) -> None:
    header, *rows = passengers
    at = header.index("Survived")
    turned = [[("1" if v == "0" else "0") if i == at else v for i, v in enumerate(row)] for row in rows[:300]]
    channels = [
        {"ChannelType": kind, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
        for kind, uri in (
            ("training", put(cloud, "turned/train.csv", [header, *rows[300:]])),
            ("validation", put(cloud, "turned/held.csv", [header, *turned])),
        )
    ]
    start(cloud, role, "turned", "", channels=channels, tabular={"CompletionCriteria": {"MaxCandidates": 1}})
    [only] = [ended(cloud, "turned")["BestCandidate"]]
    metrics = {m["StandardMetricName"]: m["Value"] for m in only["CandidateProperties"]["CandidateMetrics"]}
    assert metrics["AUC"] < 0.3
