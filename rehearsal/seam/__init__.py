"""The one package that touches ministack's insides: it mounts the SageMaker service and mends what would mislead.

Written for ministack 1.5.33; `tests/rehearsal/test_seam.py` fails with a clear message when an upgrade moves what is
held on to here. `STAND_INS` names, for every report, what is not as in AWS.
"""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
from ministack import app
from ministack.core import iam_actions, router
from ministack.services import eventbridge, tagging
from ministack.services.cloudformation import provisioners, stacks

from rehearsal.sagemaker import cloudformation
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.endpoints import Endpoints
from rehearsal.sagemaker.service import Service
from rehearsal.seam import authorization
from rehearsal.seam.delivery import invoke_with_retries
from rehearsal.seam.host import Cloud
from rehearsal.seam.inert import INERT, inert, record_metric_math_alarms
from rehearsal.seam.requests import handler

__all__ = ["INERT", "STAND_INS", "Cloud", "advance", "mount"]

STAND_INS = [
    "Cloud: ministack 1.5.33 with this project's SageMaker service, not AWS.",
    "K-means: scikit-learn's KMeans stands in for the built-in algorithm's container.",
    "scikit-learn image: this machine's Python and scikit-learn release run the processing scripts.",
    "/opt/ml: a folder of its own per instance; the prefix is rewritten in arguments and SM_* variables.",
    "Hosts of one job find each other by loopback ports, not by name.",
    "Spot: billed at what ran; no discount and no interruption is invented, so savings read 0.",
    "TLS: the loopback connection is plain; aws:SecureTransport is reported true.",
    "Lambda: functions run in the cloud's own interpreter and processor; Runtime and Architectures are not honoured.",
    "VPC flow logs, network isolation and alarms on metric math: recorded, without effect.",
    "IAM: condition keys are known for jobs, models, endpoint configurations, packages; no group check on a package.",
    "Pipelines: a retry policy waits in real time, half a second at most, whatever IntervalSeconds says.",
    "Studio: an app is a record with a state; nothing runs in it, idle shutdown stops none, no health check follows.",
    "Studio: a domain names a home file system that does not exist in EFS, so none is left when the domain goes.",
    "Life cycles: each passing state lasts 0.1 s of the cloud's clock unless `pace` says otherwise.",
    "KMS and S3: a key exists, but the encryption of a bucket, a queue or a volume with it is not carried out.",
]


def mount(service: Service, endpoints: Endpoints, clock: Clock) -> None:
    """Hang the SageMaker service into ministack's router, IAM, tagging, events and CloudFormation."""
    router.SERVICE_PATTERNS["sagemaker"] = {"target_prefixes": ["SageMaker."], "credential_scope": "sagemaker"}
    app.SERVICE_HANDLERS["sagemaker"] = handler(service, endpoints)
    iam_actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    iam_actions._BOTOCORE_SERVICE_MAP["sagemaker"] = ["sagemaker", "sagemaker-runtime"]
    iam_actions._SERVICE_PROTOCOL["sagemaker"] = "json"
    tagging._RESOURCE_TAG_COLLECTORS["sagemaker"] = service.store.tagged
    authorization.mend(service)
    _mend_transport()
    eventbridge._now_ts = clock.now
    eventbridge._dispatch_to_lambda = invoke_with_retries
    plain = stacks._runs_on_worker_thread  # a provisioner waits until its resource is in service
    stacks._runs_on_worker_thread = lambda name: name in cloudformation.TYPES or plain(name)
    for name, row in cloudformation.TYPES.items():
        provisioners._RESOURCE_HANDLERS[name] = cloudformation.provisioner(name, service)
        provisioners._REPLACING_PROPERTIES[name] = row.create_only
    provisioners._RESOURCE_HANDLERS["AWS::EC2::FlowLog"] = inert("AWS::EC2::FlowLog")
    record_metric_math_alarms()


def advance(clock: Clock, seconds: float) -> float:
    """Move the cloud's clock on, and let every schedule rule that is then due reach its targets. Gives the time."""
    eventbridge._tick_scheduled_rules()  # a rule counts from the first time that it is looked at
    clock.advance(seconds)
    eventbridge._tick_scheduled_rules()
    return clock.now()


def _mend_transport() -> None:
    plain = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, secure: plain(source_ip, True)
