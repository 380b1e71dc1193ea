"""The shape of `config/team.yaml`."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError, field_validator

from config import availability
from config.costs import Costs, swept
from config.guardrails import Guardrails, Persona
from config.instances import Region, partition, regions
from config.monitoring import Monitor, Monitoring
from config.network import AnyNetwork
from config.section import Finding, Section, TagValue, repeated
from config.storage import Environment, Storage
from config.wording import Shape
from config.workload import DASHED, RESERVED, Workload, WorkloadName

# Of what CloudFormation cannot make in every region. `auto`: only where it can; `on`: a region where not is refused.
# YAML reads `on` and `off` without quotes as booleans.
_SWITCH = BeforeValidator(lambda value: ("off", "on")[value] if isinstance(value, bool) else value)
Wanted = Annotated[Literal["auto", "on"], _SWITCH]
WantedOrNot = Annotated[Literal["auto", "on", "off"], _SWITCH]


# Together with the environment and a version suffix these stay within the 63 characters of a SageMaker name.
def _ends_in_no_environment(name: str) -> str:
    if environment := {*name.split("-")} & {*get_args(Environment)}:
        # What is named sluice-dev-* would be `sluice` in dev and `sluice-dev` in prod alike.
        raise ValueError(f"must not have {min(environment)} between its dashes: the environment is added to it")
    return name


PlatformName = Annotated[
    str,
    StringConstraints(max_length=16),
    DASHED,
    AfterValidator(_ends_in_no_environment),
]
UserName = Annotated[
    str,
    StringConstraints(max_length=63),
    Shape(
        r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$",
        "must be of letters, digits and dashes, 63 at most, and have no dash at an end",
    ),
]
Email = Annotated[str, Shape(r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "must be an address of electronic mail: ada@example.org")]
# The bounds of SageMaker's own IdleSettings.
StudioIdleMinutes = Annotated[int, Field(ge=60, le=525600)]


class Alerts(Section):
    emails: tuple[Email, ...] = Field(default=(), strict=False)

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        for place, email in repeated(raw.get("emails")):
            yield ("emails", *place), email, "is given twice; each address is written to once"


class User(Section):
    name: UserName
    persona: Persona


class Studio(Section):
    domain: Wanted = "auto"
    idle_minutes: StudioIdleMinutes = 120
    max_idle_minutes: StudioIdleMinutes = 240
    users: tuple[User, ...] = Field(default=(), strict=False)

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        for place, name in repeated(raw.get("users"), "name"):
            yield ("users", *place), name, "is given twice; each user needs a name of its own"
        idle, most = raw.get("idle_minutes", 120), raw.get("max_idle_minutes", 240)
        if isinstance(idle, int) and isinstance(most, int) and idle > most:
            yield ("idle_minutes",), idle, f"must be at most max_idle_minutes ({most})"


class Platform(Section):
    """Everything that the stacks are made from. `workloads` maps a folder's name to what its workload.yaml says."""

    name: PlatformName
    environment: Environment
    region: Region
    account: str | None = None
    owner: TagValue
    team: TagValue | None = None
    cost_centre: TagValue | None = None
    alerts: Alerts = Alerts()
    network: Annotated[AnyNetwork, Field(discriminator="mode")]
    storage: Storage = Storage()
    studio: Studio = Studio()
    registry: Wanted = "auto"
    experiments: WantedOrNot = "auto"
    workloads: dict[WorkloadName, Workload] = {}
    monitoring: Monitoring = Monitoring()
    costs: Costs = Costs()
    guardrails: Guardrails = Guardrails()

    @property
    def prefix(self) -> str:
        """What the names of this platform's resources begin with, e.g. `sluice-dev`."""
        return f"{self.name}-{self.environment}"

    @property
    def has_studio(self) -> bool:
        """Whether there are Studio and its users in this region."""
        return not availability.missing(self.region, availability.STUDIO)

    @property
    def has_registry(self) -> bool:
        """Whether runs register models in this region, which can then be approved and served."""
        return not availability.missing(self.region, availability.REGISTRY)

    @property
    def has_experiments(self) -> bool:
        """Whether runs are recorded in an MLflow App of the platform's own."""
        return self.experiments != "off" and not availability.missing(self.region, availability.EXPERIMENTS)

    @property
    def monitors(self) -> dict[str, Monitor]:
        """By workload; none where no model can be registered, and so none be served."""
        found = {name: workload.monitor for name, workload in self.workloads.items() if workload.monitor}
        if self.monitoring.is_native:
            found = {name: monitor.native for name, monitor in found.items()}
        return found if self.has_registry else {}

    @property
    def batches(self) -> list[str]:
        """The workloads whose monitor examines what batch transform is asked."""
        return [name for name, monitor in self.monitors.items() if monitor.source == "batch"]

    @property
    def left_out(self) -> list[str]:
        """What this platform does without in its region, each with the types that CloudFormation lacks there."""
        watched = " and monitors" if any(workload.monitor for workload in self.workloads.values()) else ""
        parts = (
            ("Studio and its users", availability.STUDIO),
            (f"the registration of models, and with it their endpoints{watched}", availability.REGISTRY),
            ("MLflow, and with it the record of runs", () if self.experiments == "off" else availability.EXPERIMENTS),
        )
        told = [
            f"Left out: {what}. {self.region} has no {' and no '.join(lacking)}"
            for what, types in parts
            if (lacking := availability.missing(self.region, types))
        ]
        whole = {name: self.workloads[name].monitor for name in self.monitors}
        asked = [name for name, monitor in whole.items() if monitor and monitor.kinds != self.monitors[name].kinds]
        if asked:
            told.append(
                f"Left out: attribution of {' and '.join(asked)}. SageMaker Clarify asks an endpoint of its own for "
                "it, and neither its job nor the model could then be isolated from the network"
            )
        return told

    @property
    def tags(self) -> dict[str, str]:
        """What every resource of the application is tagged with."""
        return {
            "sluice:platform": self.prefix,
            "sluice:owner": self.owner,
            "sluice:team": self.team or self.owner,
            "sluice:cost-centre": self.cost_centre or self.name,
            "sluice:environment": self.environment,
            "sluice:managed-by": "cdk",
        }

    @field_validator("account", mode="before")
    @classmethod
    def _is_an_account(cls, account: object) -> object:
        # YAML reads unquoted digits as a number, and drops or misreads a leading zero.
        if account is not None and not (isinstance(account, str) and re.fullmatch(r"[0-9]{12}", account)):
            raise ValueError('must be 12 digits in quotes, such as "111122223333", or be left out')
        return account

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        network, region = raw.get("network"), raw.get("region")
        yield from _unavailable(raw, str(region))
        yield from _denied(raw)
        for taken, whose in RESERVED.items():
            if taken in (raw.get("workloads") or ()):
                yield ("workloads", taken), None, f"is the place of {whose}; name the folder otherwise"
        yield from _monitored(raw, str(region))
        yield from _misplaced_copies(raw, str(region))
        yield from _own_targets(raw)
        if isinstance(network, Mapping) and network.get("mode") == "public" and raw.get("environment") == "prod":
            yield ("network", "mode"), "public", "must be private or given where environment is prod"
        zones = network.get("availability_zones") if isinstance(network, Mapping) else None
        for place, zone in repeated(zones):
            yield ("network", "availability_zones", *place), zone, "is given twice"
        if not isinstance(zones, list) or not isinstance(region, str) or region not in regions():
            return
        for index, zone in enumerate(zones):
            if not re.fullmatch(rf"{region}(-[a-z]+-\d+)?[a-z]", str(zone)):
                place = ("network", "availability_zones", index)
                yield place, zone, f"must be a zone of the region, such as {region}a"


def _unavailable(raw: Mapping[str, Any], region: str) -> Iterator[Finding]:
    """What is asked for by `on` and CloudFormation cannot make in `region`."""
    studio = raw.get("studio")
    domain = studio.get("domain") if isinstance(studio, Mapping) else None
    for place, wanted, types in (
        (("registry",), raw.get("registry"), availability.REGISTRY),
        (("studio", "domain"), domain, availability.STUDIO),
        (("experiments",), raw.get("experiments"), availability.EXPERIMENTS),
    ):
        if wanted in ("on", True) and (lacking := availability.missing(region, types)):
            yield place, wanted, f"needs {' and '.join(lacking)}, which {region} does not have; auto leaves it out"


def _denied(raw: Mapping[str, Any]) -> Iterator[Finding]:
    """What workloads ask for and the guardrails would deny; guardrails that are wrong by themselves say so instead."""
    try:
        guardrails = Guardrails.model_validate(raw.get("guardrails", {}))
    except ValidationError:
        return
    network = raw.get("network")
    zones = network.get("availability_zones") if isinstance(network, Mapping) else None
    problem = guardrails.too_long(len(zones) if isinstance(zones, list) else 0)
    if problem:
        yield ("guardrails", "instance_types"), None, problem
    workloads = raw.get("workloads")
    for name, workload in workloads.items() if isinstance(workloads, Mapping) else ():
        for field, value, allowed in guardrails.breaches(workload) if isinstance(workload, Workload) else ():
            yield ("workloads", name), value, f"is {field} of workloads/{name}/workload.yaml; it must be {allowed}"


def _monitored(raw: Mapping[str, Any], region: str) -> Iterator[Finding]:
    """What SageMaker's own jobs cannot examine."""
    workloads, section = raw.get("workloads"), raw.get("monitoring")
    native = isinstance(section, Mapping) and section.get("engine") == "sagemaker-model-monitor"
    if native and region in availability.WITHOUT_NATIVE_MONITORS:
        told = f"needs {availability.NATIVE_MONITORS[0]}, which {region} does not have: write evidently"
        yield ("monitoring", "engine"), "sagemaker-model-monitor", told
    for name, workload in workloads.items() if isinstance(workloads, Mapping) else ():
        monitor = workload.monitor if isinstance(workload, Workload) else None
        for field, value, allowed in monitor.strange() if monitor and native else ():
            place = f"is {field} of workloads/{name}/workload.yaml"
            yield ("workloads", name), value, f"{place}; where SageMaker Model Monitor examines, it must be {allowed}"


def _own_targets(raw: Mapping[str, Any]) -> Iterator[Finding]:
    """The platform's own region as a target of its costs: two would sweep it at once, and its bill count twice."""
    costs = raw.get("costs")
    for index, (region, account) in enumerate(swept(costs) if isinstance(costs, Mapping) else ()):
        if region == raw.get("region") and account in ("", raw.get("account")):
            yield ("costs", "targets", index, "region"), region, "is the platform's own region, which is swept anyway"


def _misplaced_copies(raw: Mapping[str, Any], region: str) -> Iterator[Finding]:
    storage = raw.get("storage")
    copies = storage.get("replication") if isinstance(storage, Mapping) else None
    if not isinstance(copies, Mapping):
        return
    there = partition(str(copies.get("region")))
    if there and partition(region) and there != partition(region):
        place = ("storage", "replication", "region")
        yield place, copies.get("region"), f"must be a region of the partition of {region}: S3 copies to no other"
    if copies.get("data_bucket") is not None and copies.get("data_bucket") == copies.get("artifact_bucket"):
        place = ("storage", "replication", "artifact_bucket")
        yield place, copies["artifact_bucket"], "must be another one than data_bucket: the copies would mix"
