"""What a rehearsal makes go wrong on purpose."""

from dataclasses import dataclass


@dataclass
class Faults:
    """All off at first. The control API sets them by name; each stays until it is set again."""

    throttle_rate: float = 0.0  # share of SageMaker calls that are refused with ThrottlingException
    error_rate: float = 0.0  # share of SageMaker calls that end in InternalFailure, HTTP 500
    latency_seconds: float = 0.0  # added to each SageMaker call
    interrupt_spot_after_seconds: float | None = None  # each spot job is interrupted once, so long after it began
    no_capacity: tuple[str, ...] = ()  # instance types that do not come, on demand or spot
    no_spot_capacity: tuple[str, ...] = ()  # instance types that do not come for managed spot training
    events_twice: bool = False  # each event of aws.sagemaker is delivered twice
    events_late_seconds: float = 0.0  # of the cloud's clock, before an event of aws.sagemaker is delivered
