"""The figures of the embedded cloud with as much in it as a busy account has."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.figure import BenchError, Figure
from rehearsal.embedded import EmbeddedCloud

ENDPOINTS, APPS, JOBS = 1_000, 1_000, 5_000
PAGES = 20
STEPS = 10
SPEC = {"InstanceType": "ml.t3.medium"}
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}


def scale() -> list[Figure]:
    """How long 7,000 creations take with the job runner paused, and a page of a list when they are there."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedCloud("us-east-1", Path(folder)) as cloud:
        cloud.start()
        cloud.control("jobs", paused=True)
        sagemaker, role = cloud.client("sagemaker"), _role(cloud)
        domain = _domain(sagemaker, role)
        began = time.perf_counter()
        _create(sagemaker, role, domain)
        seconds = time.perf_counter() - began
        _expect(sagemaker)
        page_ms = max(_page_ms(call) for call in _lists(sagemaker))
    size = f"{ENDPOINTS} endpoints, {APPS} apps, {JOBS} jobs over HTTP, job runner paused; without data endpoints fail"
    return [
        Figure(name="cloud.create_7000_seconds", value=seconds, unit="s", limit=90, against=size, samples=1),
        Figure(
            name="cloud.list_page_ms",
            value=page_ms,
            unit="ms",
            limit=50,
            against=f"the slowest list's median of {PAGES} first pages of 100, at that size",
            samples=PAGES,
        ),
    ]


def pipeline() -> list[Figure]:
    """What a chain of ten empty steps takes beyond the time of its ten processes."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedCloud("us-east-1", Path(folder)) as cloud:
        cloud.start()
        sagemaker, role = cloud.client("sagemaker"), _role(cloud)
        definition = json.dumps({"Version": "2020-12-01", "Steps": [_step(number, role) for number in range(STEPS)]})
        sagemaker.create_pipeline(
            PipelineName="empty", PipelineDefinition=definition, RoleArn=role, ClientRequestToken="e" * 32
        )
        seconds = min(_run(sagemaker) for _ in range(2))  # the first run also loads what every later one uses
    return [
        Figure(
            name="cloud.pipeline_overhead_seconds",
            value=seconds,
            unit="s",
            limit=3,
            against=f"a chain of {STEPS} processing steps that run `true`, the better of 2; their own time is in it",
            samples=2,
        )
    ]


def _role(cloud: EmbeddedCloud) -> str:
    iam, version = cloud.client("iam"), "2012-10-17"
    trust = json.dumps({"Version": version, "Statement": [TRUST]})
    role = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": version, "Statement": [everything]})
    iam.put_role_policy(RoleName="bench", PolicyName="all", PolicyDocument=document)
    return role


def _domain(sagemaker: Any, role: str) -> str:
    domain = sagemaker.create_domain(
        DomainName="bench",
        AuthMode="IAM",
        DefaultUserSettings={"ExecutionRole": role},
        SubnetIds=["subnet-12345678"],
        VpcId="vpc-12345678",
    )["DomainArn"].rsplit("/", 1)[-1]
    _until(lambda: sagemaker.describe_domain(DomainId=domain)["Status"] == "InService")
    sagemaker.create_user_profile(DomainId=domain, UserProfileName="bench")
    _until(lambda: sagemaker.describe_user_profile(DomainId=domain, UserProfileName="bench")["Status"] == "InService")
    return domain


def _create(sagemaker: Any, role: str, domain: str) -> None:
    container = {"Image": IMAGE, "ModelDataUrl": "s3://bench/model.tar.gz"}
    sagemaker.create_model(ModelName="bench", ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": "bench", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="bench", ProductionVariants=[variant])

    def endpoint(number: int) -> None:
        sagemaker.create_endpoint(EndpointName=f"endpoint-{number}", EndpointConfigName="bench")

    def app(number: int) -> None:
        sagemaker.create_app(
            DomainId=domain,
            UserProfileName="bench",
            AppType="KernelGateway",
            AppName=f"app-{number}",
            ResourceSpec=SPEC,
        )

    def job(number: int) -> None:
        sagemaker.create_training_job(
            TrainingJobName=f"job-{number}",
            RoleArn=role,
            AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            OutputDataConfig={"S3OutputPath": "s3://bench/output"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 3600},
        )

    with ThreadPoolExecutor(max_workers=4) as pool:
        for act, count in ((endpoint, ENDPOINTS), (app, APPS), (job, JOBS)):
            list(pool.map(act, range(count)))


def _expect(sagemaker: Any) -> None:
    """All are there. Raises BenchError."""
    for operation, wanted in (("list_endpoints", ENDPOINTS), ("list_apps", APPS), ("list_training_jobs", JOBS)):
        pages = sagemaker.get_paginator(operation).paginate()
        found = sum(len(rows) for page in pages for rows in page.values() if isinstance(rows, list))
        if found != wanted:
            raise BenchError(f"{operation} tells {found} of {wanted}")


def _lists(sagemaker: Any) -> list[Callable[[], Any]]:
    calls = (sagemaker.list_endpoints, sagemaker.list_apps, sagemaker.list_training_jobs)
    return [lambda call=call: call(MaxResults=100) for call in calls]


def _page_ms(call: Callable[[], Any]) -> float:
    taken = []
    for _ in range(PAGES):
        began = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def _step(number: int, role: str) -> dict[str, Any]:
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    arguments = {
        "RoleArn": role,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {"ClusterConfig": cluster},
    }
    before = [f"Step{number - 1}"] if number else []
    return {"Name": f"Step{number}", "Type": "Processing", "Arguments": arguments, "DependsOn": before}


def _run(sagemaker: Any) -> float:
    began = time.perf_counter()
    arn = sagemaker.start_pipeline_execution(PipelineName="empty")["PipelineExecutionArn"]
    _until(lambda: _status(sagemaker, arn) != "Executing")
    seconds = time.perf_counter() - began
    if _status(sagemaker, arn) != "Succeeded":
        raise BenchError(f"the empty pipeline ended {_status(sagemaker, arn)}")
    return seconds


def _status(sagemaker: Any, arn: str) -> str:
    return sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        if time.monotonic() > deadline:
            raise BenchError("waited for 120 s")
        time.sleep(0.02)
