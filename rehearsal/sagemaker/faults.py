"""What a rehearsal makes go wrong on purpose."""

from dataclasses import asdict, dataclass, field, fields
from random import Random
from typing import Any

from botocore.model import StringShape

from rehearsal.checks import FLAG, Check, list_of, number, or_null, refuse
from rehearsal.sagemaker import shapes
from rehearsal.sagemaker.store import AwsError


@dataclass
class Faults:
    """All off at first. The control API sets them by name; each stays until it is set again."""

    throttle_rate: float = 0.0  # share of SageMaker calls that are refused with ThrottlingException
    error_rate: float = 0.0  # share of SageMaker calls that end in InternalFailure, HTTP 500
    latency_seconds: float = 0.0  # of real time, added to each SageMaker call
    operations: tuple[str, ...] = ()  # the only calls that the three above concern; empty: every call
    interrupt_spot_after_seconds: float | None = None  # each spot job is interrupted once, so long after it began
    kill_spot_within_seconds: float | None = None  # each attempt of a spot job is killed, at random
    kill_spot_times: int = 3  # so often at most
    no_capacity: tuple[str, ...] = ()  # instance types that do not come, on demand or spot
    no_spot_capacity: tuple[str, ...] = ()  # instance types that do not come for managed spot training
    overrun: bool = False  # a job goes on when the time that it may run or wait is over
    events_twice: bool = False  # each event of aws.sagemaker is delivered twice
    events_late_seconds: float = 0.0  # of the cloud's clock, before a late event of aws.sagemaker is delivered
    events_late_share: float = 1.0  # share of the deliveries that are late; below 1 the order changes
    seed: int | None = None  # setting it starts the draws anew: the same seed, the same sequence
    _random: Random = field(default_factory=Random, repr=False, compare=False)

    def set(self, **members: Any) -> None:
        """Set these, or none of them. Raises ValueError that names each one that cannot be."""
        refuse(members, {}, CHECKS)
        for name, value in members.items():
            setattr(self, name, tuple(value) if isinstance(value, list) else value)
        if "seed" in members:
            self._random = Random(self.seed)

    def reset(self) -> None:
        """Put everything back to off."""
        fresh = Faults()
        for member in fields(self):
            setattr(self, member.name, getattr(fresh, member.name))

    def state(self) -> dict[str, Any]:
        """Every fault by name, as JSON has it."""
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}

    def strikes(self, share: float) -> bool:
        """Draw: true in this share of the cases."""
        return share > 0 and self._random.random() < share

    def moment(self, within_seconds: float) -> float:
        """Draw: some time from 0 to so many seconds."""
        return within_seconds * self._random.random()

    def delay_seconds(self, operation: str) -> float:
        """How long a SageMaker call waits."""
        return self.latency_seconds if self._concerns(operation) else 0.0

    def strike(self, operation: str) -> None:
        """End a SageMaker call as AWS does under load or in trouble. Raises AwsError.

        AWS, "Common Errors" of the SageMaker API: ThrottlingException is HTTP 400, InternalFailure is HTTP 500.
        """
        if not self._concerns(operation):
            return
        if self.strikes(self.throttle_rate):
            raise AwsError("ThrottlingException", "Rate exceeded")
        if self.strikes(self.error_rate):
            unknown = "The request processing has failed because of an unknown error, exception or failure."
            raise AwsError("InternalFailure", unknown, 500)

    def _concerns(self, operation: str) -> bool:
        return not self.operations or operation in self.operations


def _instance_types() -> set[str]:
    found: set[str] = set()
    for name in ("Training", "Processing", "Transform", "ProductionVariant"):
        shape = shapes.service_model().shape_for(f"{name}InstanceType")
        assert isinstance(shape, StringShape)
        found |= set(shape.enum)
    return found


def _operations() -> set[str]:
    return {*shapes.service_model().operation_names, *shapes.service_model("sagemaker-runtime").operation_names}


_SHARE, _SECONDS = number(0, 1), number(0)
_INSTANCES = list_of(_instance_types, "instance types of SageMaker, such as ml.m5.large")
CHECKS: dict[str, Check] = {
    "throttle_rate": _SHARE,
    "error_rate": _SHARE,
    "latency_seconds": _SECONDS,
    "operations": list_of(_operations, "operations of SageMaker or its runtime, such as DescribeEndpoint"),
    "interrupt_spot_after_seconds": or_null(_SECONDS),
    "kill_spot_within_seconds": or_null(_SECONDS),
    "kill_spot_times": number(0, whole=True),
    "no_capacity": _INSTANCES,
    "no_spot_capacity": _INSTANCES,
    "overrun": FLAG,
    "events_twice": FLAG,
    "events_late_seconds": _SECONDS,
    "events_late_share": _SHARE,
    "seed": or_null(number(0, whole=True)),
}
