"""The one package that touches ministack's insides: it mounts the SageMaker service and mends what would mislead.

Written for ministack 1.5.33; `tests/rehearsal/test_seam.py` fails with a clear message when an upgrade moves what is
held on to here. `STAND_INS` names, for every report, what is not as in AWS.
"""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.responses import get_region
from ministack.services import eventbridge, s3
from ministack.services.cloudformation import provisioners, stacks

from rehearsal.bills import Bills
from rehearsal.sagemaker import cloudformation, native_monitors
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.regions import Regions
from rehearsal.seam import authorization, bills, delivery, embedded_metrics, exports, roles, states, tags, variables
from rehearsal.seam.alarms import Alarms
from rehearsal.seam.delivery import invoke_with_retries, mend_dead_letters
from rehearsal.seam.functions import kill_function, mend_exits
from rehearsal.seam.host import Cloud
from rehearsal.seam.inert import INERT, INERT_TYPES, inert
from rehearsal.seam.requests import handler
from rehearsal.seam.schedules import Schedules

LONGEST_WAIT_SECONDS = 0.5  # that all other requests may be held up

__all__ = ["INERT", "STAND_INS", "Cloud", "kill_function", "mount"]

STAND_INS = [
    "Cloud: ministack 1.5.33 with this project's SageMaker service, not AWS.",
    "K-means: scikit-learn's KMeans stands in for the built-in algorithm's container.",
    "scikit-learn and XGBoost images: this machine's Python runs the scripts; requirements.txt is not installed.",
    "Autopilot: a small search by scikit-learn; its candidates are one container each, without steps and reports.",
    "Training jobs: without a file `failure`, FailureReason tells the end of the log; AWS's tells the exit code alone.",
    "Tuning: Optuna's TPE sampler stands in for AWS's Bayesian search, so other values are tried than in AWS.",
    "/opt/ml: a folder of its own per instance; rewritten in arguments, variables, the SDK's sm_drivers; not in code.",
    "Endpoints: one process a variant, whatever its instance count; an update moves all requests over at once.",
    "Endpoints: a serving container that crashes is not replaced; requests to its variant end in ModelError.",
    "Endpoints: asynchronous and serverless ones have a container as all others; InvokeEndpointAsync is refused.",
    "Inference components, monitoring schedules, MLflow tracking servers: records with a state; nothing runs in them.",
    "Notebook instances: records with a state; nothing runs in them, nor what their lifecycle configurations hold.",
    "Hosts of one job find each other by loopback ports, not by name.",
    "Spot: billed is the time on instances; no price is invented, so savings read 0; interruptions come from faults.",
    "TLS: the loopback connection is plain; aws:SecureTransport is reported true.",
    "Lambda: functions run in the cloud's own interpreter and processor; Runtime and Architectures are not honoured.",
    "EventBridge: the resource policy of a rule's target is not asked; a target that is gone is not retried.",
    "IAM: no organization's policies; sagemaker:DirectGatedModelAccess is never set; a KMS key is compared as written.",
    "VPC flow logs and network isolation: recorded, without effect.",
    "SageMaker's own monitors: stacks hold their definitions and schedules together; no job of theirs runs.",
    "Alarms: EvaluationPeriods + 2 periods are read, as in AWS's examples; data counts from the moment it is stored.",
    "Metric math: in alarms only, not in GetMetricData.",
    "Metrics: one's own, called or logged, jobs', endpoints', Lambda's and functions' dead letters; no others.",
    "Functions: the retries of an event wait half a second and a second, not one and two minutes.",
    "A skip of time waits for the functions and state machines that it starts, not for jobs and pipelines.",
    "CloudFormation: what it does is not held to the permissions of who deploys.",
    "Schedules: a flexible window fires at its start; a retry waits 1, 2, 4 ... 60 minutes (AWS does not say).",
    "Step Functions: only aws-sdk:sagemaker, s3:getObject and s3:putObject are held to the state machine's role.",
    "Pipelines: a retry policy waits in real time, half a second at most, whatever IntervalSeconds says.",
    "Studio: an app is a record with a state; nothing runs in it, idle shutdown stops none, no health check follows.",
    "Studio: a domain names a home file system that does not exist in EFS, so none is left when the domain goes.",
    "MLflow Apps: MLflow 3.17.2's own server; a presigned URL is its address on loopback, unsigned and without an end.",
    "Life cycles: passing states of what is no process last 0.1 s of the cloud's clock, unless `pace` says otherwise.",
    "Cost Explorer and the Price List API: they tell what the rehearsal set through `bill` and `price-list`.",
    "KMS and S3: a key exists, but the encryption of a bucket, a queue or a volume with it is not carried out.",
]


def mount(regions: Regions, charged: Bills, clock: Clock, cloud: Cloud) -> None:
    """Hang the SageMaker service into ministack, and what is scheduled and watched there onto the cloud's clock."""
    router.SERVICE_PATTERNS["sagemaker"] = {"target_prefixes": ["SageMaker."], "credential_scope": "sagemaker"}
    app.SERVICE_HANDLERS["sagemaker"] = handler(regions)
    iam_actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    iam_actions._BOTOCORE_SERVICE_MAP["sagemaker"] = ["sagemaker", "sagemaker-runtime"]
    iam_actions._SERVICE_PROTOCOL["sagemaker"] = "json"
    bills.mount(charged)
    tags.mend(regions)
    authorization.mend(regions)
    variables.mend()
    roles.mend()
    exports.mend()
    _mend_transport()
    eventbridge._now_ts = clock.now
    s3.now_iso = lambda: f"{datetime.fromtimestamp(clock.now(), UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
    eventbridge._dispatch_to_lambda = invoke_with_retries
    mend_dead_letters()
    mend_exits()
    embedded_metrics.mend()
    delivery.mend(clock)
    # A provisioner waits until its resource is in service. For as long as a test wants to skip, or as MLflow's server
    # takes to start, others must be served meanwhile; for a moment it waits on the spot, because the CDK looks only
    # every few seconds whether it is done.
    plain = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda name: (
        name == "AWS::SageMaker::MlflowApp"
        or (name in cloudformation.TYPES and regions.home.service.pace_seconds > LONGEST_WAIT_SECONDS)
        or plain(name)
    )
    for name, row in cloudformation.TYPES.items():
        provisioners._RESOURCE_HANDLERS[name] = _provisioner(name, regions)
        provisioners._REPLACING_PROPERTIES[name] = row.create_only
    for name in INERT_TYPES:
        provisioners._RESOURCE_HANDLERS[name] = inert(name)
    for name, changeless in native_monitors.CREATE_ONLY.items():
        here = native_monitors.provisioner(name, lambda: regions.at(get_region()).service)
        provisioners._RESOURCE_HANDLERS[name] = here
        provisioners._REPLACING_PROPERTIES[name] = changeless
    Alarms(cloud, clock).mount()
    Schedules(cloud, clock).mount()
    states.mend(cloud, clock)


def _provisioner(type_name: str, regions: Regions) -> cloudformation.Provisioner:
    """Works in the region of the stack."""

    def act(verb: str) -> Callable[..., Any]:
        return lambda *given: cloudformation.provisioner(type_name, regions.at(get_region()).service)[verb](*given)

    return {verb: act(verb) for verb in ("create", "update", "delete")}


def _mend_transport() -> None:
    plain = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, secure: plain(source_ip, True)
