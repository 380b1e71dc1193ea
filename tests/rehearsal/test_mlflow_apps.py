"""MLflow Apps: MLflow's own server behind IAM, and the function that records what has ended there."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from cli.main import app as sluice
from controls import record
from controls.runs.ended import Ended
from controls.runs.mlflow import Mlflow, MlflowError
from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from sluice import archive, function
from tests.rehearsal.pipelining import Run, process, until

pytestmark = pytest.mark.slow

BUCKET, PREFIX = "mlflow-artifacts", f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:"
CALLS = "sagemaker:CallMlflowAppApi"


@pytest.fixture(scope="module")
def app(cloud: EmbeddedCloud, make_role: Any) -> Iterator[str]:
    """The ARN of an app that is up, under a role that reads its own folder of the bucket only."""
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    folder = f"arn:aws:s3:::{BUCKET}"
    reading = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{folder}/mlflow/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": folder},
    ]
    sagemaker, role = cloud.client("sagemaker"), make_role("mlflow-app", reading)
    store = f"s3://{BUCKET}/mlflow"
    arn = sagemaker.create_mlflow_app(Name="sluice-dev", ArtifactStoreUri=store, RoleArn=role)["Arn"]
    until(lambda: sagemaker.describe_mlflow_app(Arn=arn)["Status"] == "Created", seconds=120)
    yield arn
    sagemaker.delete_mlflow_app(Arn=arn)


@pytest.fixture(scope="module")
def calling(cloud: EmbeddedCloud, app: str, make_role: Any) -> Iterator[Callable[[str, list[dict[str, Any]]], Mlflow]]:
    """A client of the app under a new role with these statements."""

    def client(name: str, statements: list[dict[str, Any]]) -> Mlflow:
        role = make_role(name, statements)
        given = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        return Mlflow(app, boto3.Session(*keys, region_name="us-east-1").get_credentials())

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT", cloud.url)
        yield client


@pytest.fixture(scope="module")
def mlflow(calling: Any, app: str) -> Mlflow:
    return calling("mlflow-calls", [{"Effect": "Allow", "Action": CALLS, "Resource": app}])


def test_what_is_recorded_is_read_again(mlflow: Mlflow) -> None:
    place = mlflow.make_experiment("sluice-dev/read")
    assert mlflow.make_experiment("sluice-dev/read") == mlflow.experiment("sluice-dev/read") == place
    run = mlflow.start(place, "one", 1_000, {"sluice.execution": "arn:aws:x/1"})
    params = {f"p{i}": "v" for i in range(250)} | {"a@b": "x" * 9000, "../up": "1", "empty": ""}
    metrics = {f"m{i}": float(i) for i in range(900)} | {"validation:auc": 0.5, "nan": float("nan")}
    for _ in range(2):  # a function that is called again logs all of it again
        mlflow.log(run.id, at=2_000, params=params, metrics=metrics, tags={"sluice.status": "x" * 9000})
    mlflow.end(run.id, "FINISHED", 3_000)
    [found] = mlflow.runs(place, {"sluice.execution": "arn:aws:x/1"})
    assert (found.id, found.status, found.started, found.ended) == (run.id, "FINISHED", 1_000, 3_000)
    assert len(found.params) == 253 and len(found.params["a_b"]) == 6000 and found.params["_up"] == "1"
    assert len(found.metrics) == 901 and found.metrics["validation:auc"] == 0.5
    assert found.artifact_uri == f"s3://{BUCKET}/mlflow/{place}/{run.id}/artifacts"


def test_a_parameter_that_a_run_has_is_never_changed(mlflow: Mlflow, cloud: EmbeddedCloud) -> None:
    place = mlflow.make_experiment("sluice-dev/retried")
    tries: dict[str, Any] = {
        "execution": "arn:aws:x/2",
        "workload": "digits",
        "name": "two",
        "started": 1,
        "files": {},
        "tries": [],
    }
    for status, k, end in (("FAILED", "10", 2), ("FINISHED", "11", 3)):
        ended = Ended(**tries, status=status, ended=end, params={"k": k, "s" * 300: k}, metrics={"m": end}, tags={})
        assert record.record(mlflow, cloud.client("s3"), "sluice-dev/retried", ended) == "recorded"
    [run] = mlflow.runs(place)
    assert (run.status, run.params, run.metrics) == ("FINISHED", {"k": "10", "s" * 250: "10"}, {"m": 3.0})
    assert run.tags["sluice.params-after-retry"] == f"k=11; {'s' * 250}=11"
    with pytest.raises(MlflowError, match="INVALID_PARAMETER_VALUE: Changing param values is not allowed"):
        mlflow.log(run.id, params={"k": "11"})


def test_runs_are_found_by_their_tags_beyond_a_page_newest_first_and_deleted_ones_are_not(mlflow: Mlflow) -> None:
    place = mlflow.make_experiment("sluice-dev/paged")
    made = [mlflow.start(place, f"r{i}", i, {"odd": str(i % 2)}) for i in range(205)]
    mlflow.delete(made[204].id)
    assert [run.started for run in mlflow.runs(place, {"odd": "0"})] == list(range(202, -1, -2))
    assert [run.started for run in mlflow.runs(place, most=3)] == [203, 202, 201]
    assert len(list(mlflow.runs(place))) == 204


def test_what_mlflow_refuses_is_raised_in_its_words(mlflow: Mlflow) -> None:
    assert mlflow.experiment("none") is None
    with pytest.raises(MlflowError, match="RESOURCE_DOES_NOT_EXIST: Run with id=none not found") as refused:
        mlflow.end("none", "FINISHED", 1)
    assert refused.value.status == 404


@pytest.mark.parametrize(
    ("name", "statements"),
    [
        ("no-action", [{"Effect": "Allow", "Action": "sagemaker-mlflow:*", "Resource": "*"}]),
        ("other-app", [{"Effect": "Allow", "Action": CALLS, "Resource": PREFIX + "mlflow-app/app-OTHER"}]),
        (
            "other-tag",
            [
                {
                    "Effect": "Allow",
                    "Action": CALLS,
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:ResourceTag/team": "blue"}},
                }
            ],
        ),
    ],
)
def test_who_may_not_call_this_app_is_denied(calling: Any, name: str, statements: list[Any]) -> None:
    with pytest.raises(MlflowError, match=f"is not authorized to perform: {CALLS}") as denied:
        calling(name, statements).experiment("any")
    assert denied.value.status == 403


def test_a_call_that_is_not_signed_by_the_account_is_refused(app: str, calling: Any) -> None:
    wrong = boto3.Session("AKIAIOSFODNN7EXAMPLE", "wrong", region_name="us-east-1").get_credentials()
    with pytest.raises(MlflowError) as refused:
        Mlflow(app, wrong).experiment("any")
    assert refused.value.status == 403


def test_the_presigned_url_opens_mlflows_pages_which_list_what_the_apps_role_may_read(
    cloud: EmbeddedCloud, app: str, mlflow: Mlflow
) -> None:
    url = cloud.client("sagemaker").create_presigned_mlflow_app_url(Arn=app)["AuthorizedUrl"]
    with urllib.request.urlopen(url) as page:
        assert b"MLflow" in page.read()
    run = mlflow.start(mlflow.make_experiment("sluice-dev/files"), "one", 1, {})
    key = run.artifact_uri.removeprefix(f"s3://{BUCKET}/")
    cloud.client("s3").put_object(Bucket=BUCKET, Key=f"{key}/evaluation.json", Body=b"{}")
    with urllib.request.urlopen(f"{url}api/2.0/mlflow/artifacts/list?run_id={run.id}") as answer:
        assert [file["path"] for file in json.load(answer)["files"]] == ["evaluation.json"]


def test_another_artifact_store_is_refused(cloud: EmbeddedCloud, app: str) -> None:
    sagemaker = cloud.client("sagemaker")
    with pytest.raises(sagemaker.exceptions.ClientError, match=r"Another ArtifactStoreUri .* is not emulated"):
        sagemaker.update_mlflow_app(Arn=app, ArtifactStoreUri="s3://other/mlflow")


def test_a_deleted_app_leaves_no_server(cloud: EmbeddedCloud, role: str, calling: Any) -> None:
    sagemaker = cloud.client("sagemaker")
    arn = sagemaker.create_mlflow_app(Name="brief", ArtifactStoreUri=f"s3://{BUCKET}/b", RoleArn=role)["Arn"]
    with pytest.raises(sagemaker.exceptions.ClientError, match="is Creating"):
        sagemaker.create_presigned_mlflow_app_url(Arn=arn)
    until(lambda: sagemaker.describe_mlflow_app(Arn=arn)["Status"] == "Created", seconds=120)
    url = sagemaker.create_presigned_mlflow_app_url(Arn=arn)["AuthorizedUrl"]
    sagemaker.delete_mlflow_app(Arn=arn)

    def ended() -> bool:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            return True
        return False

    until(ended)


TOLD = {"metrics": {"purity": {"value": 0.8}}, "champion": None, "better": True, "reason": "the first"}
EVALUATE = f"open('/opt/ml/processing/out/evaluation.json', 'w').write({json.dumps(TOLD)!r})"


@pytest.fixture(scope="module")
def recording(cloud: EmbeddedCloud, app: str) -> None:
    """The deployed package's function under a role of its own, told of the ends of this platform's pipelines."""
    packed = archive.write(
        function.PACKAGE, {"": function.DEPENDENCIES, "controls/": function.CONTROLS}, unwanted=function.UNWANTED
    )
    runs = ["DescribePipelineExecution", "ListPipelineExecutionSteps", "ListPipelineParametersForExecution"]
    jobs = ["DescribeProcessingJob", "DescribeTrainingJob"]
    folder = f"arn:aws:s3:::{BUCKET}"
    statements = [
        {"Effect": "Allow", "Action": [f"sagemaker:{a}" for a in [*runs, *jobs]], "Resource": PREFIX + "*"},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [folder, f"{folder}/*"]},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{folder}/mlflow/*"},
        {"Effect": "Allow", "Action": CALLS, "Resource": app},
    ]
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = cloud.client("iam")
    version = {"Version": "2012-10-17"}
    role = iam.create_role(RoleName="record", AssumeRolePolicyDocument=json.dumps({**version, "Statement": [trust]}))
    document = json.dumps({**version, "Statement": statements})
    iam.put_role_policy(RoleName="record", PolicyName="own", PolicyDocument=document)
    variables = {"PLATFORM": "sluice-dev", "APP_ARN": app, "ARTIFACT_BUCKET": BUCKET}
    made = cloud.client("lambda").create_function(
        FunctionName="sluice-dev-record",
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="controls.record.handler",
        Timeout=120,
        Code={"ZipFile": packed.read_bytes()},
        Environment={"Variables": {f"SLUICE_{name}": value for name, value in variables.items()}},
    )
    arn = made["FunctionArn"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Building Pipeline Execution Status Change"],
        "detail": {
            "currentPipelineExecutionStatus": ["Succeeded", "Failed", "Stopped"],
            "pipelineArn": [{"prefix": PREFIX + "pipeline/sluice-dev-"}],
        },
    }
    events = cloud.client("events")
    events.put_rule(Name="record", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="record", Targets=[{"Id": "only", "Arn": arn}])
    allowed = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "StatementId": "rule"}
    cloud.client("lambda").add_permission(FunctionName=arn, **allowed)


def recorded(mlflow: Mlflow, arn: str) -> list[Any]:
    place = mlflow.experiment("sluice-dev/digits")
    found = list(mlflow.runs(place, {"sluice.execution": arn})) if place else []
    return [run for run in found if "sluice.recorded" in run.tags]


def test_a_run_is_recorded_when_its_events_come_twice_and_is_compared_on_one_screen(
    cloud: EmbeddedCloud,
    recording: None,
    create: Callable[..., None],
    start: Run,
    mlflow: Mlflow,
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = ["s3:/", BUCKET, "digits", {"Get": "Execution.PipelineExecutionId"}, "evaluate"]
    upload = {"S3Uri": {"Std:Join": {"On": "/", "Values": where}}, "S3UploadMode": "EndOfJob"}
    output = {"OutputName": "evaluation", "S3Output": {**upload, "LocalPath": "/opt/ml/processing/out"}}
    create(
        "sluice-dev-digits",
        [process("Evaluate", EVALUATE, Arguments={"ProcessingOutputConfig": {"Outputs": [output]}})],
        [{"Name": "K", "Type": "Integer", "DefaultValue": 10}],
    )
    with cloud.faults(events_twice=True):
        execution, _ = start("sluice-dev-digits", PipelineParameters=[{"Name": "K", "Value": "12"}])
        assert execution["PipelineExecutionStatus"] == "Succeeded", execution
        began = time.monotonic()
        [run] = until(lambda: recorded(mlflow, execution["PipelineExecutionArn"]), seconds=60)
        with capsys.disabled():
            print(f"\nrecorded {time.monotonic() - began:.2f} s after the run was over")  # noqa: T201
    place = mlflow.experiment("sluice-dev/digits")
    assert place
    until(lambda: len(list(mlflow.runs(place))) == 1)
    assert (run.status, run.params["K"], run.metrics["purity"], run.tags["sluice.better"]) == (
        "FINISHED",
        "12",
        0.8,
        "True",
    )
    key = run.artifact_uri.removeprefix(f"s3://{BUCKET}/")
    kept = cloud.client("s3").get_object(Bucket=BUCKET, Key=f"{key}/evaluation.json")["Body"].read()
    assert json.loads(kept)["metrics"] == {"purity": {"value": 0.8}}
    here = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "rehearsal", "AWS_ENDPOINT_URL": cloud.url}
    shown = CliRunner().invoke(sluice, ["runs", "digits"], env={**here, "COLUMNS": "200"})
    assert shown.exit_code == 0 and "0.8 *" in shown.output and "FINISHED" in shown.output, shown.output


def test_the_command_says_what_permission_is_lacking(
    cloud: EmbeddedCloud, app: str, make_role: Any, calling: Any
) -> None:
    for name, statements, told in (
        ("blind", [{"Effect": "Deny", "Action": "*", "Resource": "*"}], "sagemaker:ListMlflowApps is needed"),
        (
            "lists",
            [{"Effect": "Allow", "Action": "sagemaker:List*", "Resource": "*"}],
            f"{CALLS} on the platform's app",
        ),
    ):
        role = make_role(name, statements)
        given = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        here = {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
            "AWS_ENDPOINT_URL": cloud.url,
        }
        done = CliRunner().invoke(sluice, ["runs", "digits"], env=here)
        assert done.exit_code == 2 and told in done.output, done.output


def test_a_stack_makes_an_app_and_takes_it_away(cloud: EmbeddedCloud, app: str, role: str) -> None:
    formation, sagemaker = cloud.client("cloudformation"), cloud.client("sagemaker")
    properties = {"Name": "stacked", "ArtifactStoreUri": f"s3://{BUCKET}/stacked", "RoleArn": role}
    resource = {"Type": "AWS::SageMaker::MlflowApp", "Properties": properties}
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["App", "Arn"]}}, "Ref": {"Value": {"Ref": "App"}}}
    template = json.dumps({"Resources": {"App": resource}, "Outputs": outputs})
    formation.create_stack(StackName="mlflow", TemplateBody=template)

    def stack() -> dict[str, Any]:
        return formation.describe_stacks(StackName="mlflow")["Stacks"][0]

    until(lambda: stack()["StackStatus"] == "CREATE_COMPLETE", seconds=120)
    told = {output["OutputKey"]: output["OutputValue"] for output in stack()["Outputs"]}
    assert sagemaker.describe_mlflow_app(Arn=told["Arn"])["Status"] == "Created" and told["Ref"] == told["Arn"]
    formation.delete_stack(StackName="mlflow")
    until(lambda: "stacked" not in [each["Name"] for each in sagemaker.list_mlflow_apps()["Summaries"]])
