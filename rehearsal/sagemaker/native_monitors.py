"""SageMaker's own monitors in stacks: their jobs' images are not to be had here, so they are made and examine nothing.

What CloudFormation and SageMaker demand of them holds: requests of botocore's shapes, names that are free, a definition
that cannot be changed, a schedule of a definition and an endpoint that are there (aws/sagemaker-python-sdk#4873). That
no definition goes while a schedule names it is stricter than the API reference, which says nothing of it. A test
compares `CREATE_ONLY` with the types' schemas in CloudFormation's registry.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rehearsal.sagemaker import shapes
from rehearsal.sagemaker.cloudformation import Properties, Provisioner, requested
from rehearsal.sagemaker.service import Service

# What a definition is called in its ARN.
_DEFINITIONS = {
    "DataQuality": "data-quality-job-definition",
    "ModelQuality": "model-quality-job-definition",
    "ModelBias": "model-bias-job-definition",
}
SCHEDULE = "AWS::SageMaker::MonitoringSchedule"
CREATE_ONLY = {
    SCHEDULE: ("MonitoringScheduleName",),
    **{
        f"AWS::SageMaker::{noun}JobDefinition": (
            *("JobDefinitionName", f"{noun}AppSpecification", f"{noun}BaselineConfig", f"{noun}JobInput"),
            *(f"{noun}JobOutputConfig", "JobResources", "NetworkConfig", "RoleArn", "StoppingCondition"),
            *("Tags", "EndpointName"),
        )
        for noun in _DEFINITIONS
    },
}


@dataclass(frozen=True)
class Made:
    """A resource of a type, and what it was asked to be."""

    type_name: str
    properties: Properties

    @property
    def definition(self) -> tuple[str, str]:
        """Of a schedule the type and the name of the definition that it runs."""
        config = self.properties["MonitoringScheduleConfig"]
        return f"AWS::SageMaker::{config['MonitoringType']}JobDefinition", config["MonitoringJobDefinitionName"]


_MADE: dict[str, Made] = {}  # by ARN


def listed() -> list[str]:
    """`type ARN` of each, and of a schedule the name of the definition that it runs."""
    return [
        " ".join([made.type_name, arn, *made.definition[1:]])
        if made.type_name == SCHEDULE
        else f"{made.type_name} {arn}"
        for arn, made in _MADE.items()
    ]


def provisioner(type_name: str, service: Callable[[], Service]) -> Provisioner:
    """`create`, `update` and `delete`; they raise ValueError on a refusal. `service` is that of the stack's region."""
    noun = type_name.removeprefix("AWS::SageMaker::")
    name_of = "MonitoringScheduleName" if type_name == SCHEDULE else "JobDefinitionName"

    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Properties]:
        made = Made(type_name, _checked(f"Create{noun}", logical_id, properties))
        arn = service().host.arn(f"{_resource(type_name)}/{properties[name_of]}")
        if arn in _MADE:
            told = f"Resource of type '{type_name}' with identifier '{properties[name_of]}' already exists."
            raise ValueError(f"{told} (HandlerErrorCode: AlreadyExists)")
        return _held(arn, made)

    def update(arn: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, Properties]:
        told = {name: value for name, value in new.items() if name != "Tags"}
        return _held(arn, Made(type_name, _checked(f"Update{noun}", arn, told)))

    def delete(arn: str, properties: Properties) -> None:
        made = _MADE.get(arn)
        name = properties.get(name_of)
        if made and type_name != SCHEDULE and any(each.definition == (type_name, name) for each in _schedules()):
            raise ValueError(f"{arn} is in use by a monitoring schedule.")
        _MADE.pop(arn, None)

    def _held(arn: str, made: Made) -> tuple[str, Properties]:
        if type_name == SCHEDULE:
            _refuse_what_is_not_there(service(), made)
        _MADE[arn] = made
        return arn, {"MonitoringScheduleArn" if type_name == SCHEDULE else "JobDefinitionArn": arn}

    return {"create": create, "update": update, "delete": delete}


def _resource(type_name: str) -> str:
    if type_name == SCHEDULE:
        return "monitoring-schedule"
    return _DEFINITIONS[type_name.removeprefix("AWS::SageMaker::").removesuffix("JobDefinition")]


def _checked(operation: str, resource: str, properties: Properties) -> Properties:
    """The request that the properties ask for. Raises ValueError."""
    request = requested(operation, resource, properties)
    if found := shapes.problems(shapes.operation(operation).input_shape, request):
        raise ValueError(f"Resource handler returned message: {'; '.join(found)} (SageMaker, ValidationException)")
    return request


def _refuse_what_is_not_there(service: Service, schedule: Made) -> None:
    """Raises ValueError where the definition is missing, or the endpoint that it is of."""
    wanted, name = schedule.definition
    definitions = [m for m in _MADE.values() if (m.type_name, m.properties.get("JobDefinitionName")) == (wanted, name)]
    if not definitions:
        raise ValueError(f"Could not find the job definition {name} of {wanted}. (SageMaker, ValidationException)")
    noun = wanted.removeprefix("AWS::SageMaker::").removesuffix("Definition")
    endpoint = definitions[0].properties[f"{noun}Input"]["EndpointInput"]["EndpointName"]
    if all(record["EndpointName"] != endpoint for record in service.store.all("Endpoint")):
        raise ValueError(f'Could not find endpoint "{endpoint}". (SageMaker, ValidationException)')


def _schedules() -> list[Made]:
    return [made for made in _MADE.values() if made.type_name == SCHEDULE]
