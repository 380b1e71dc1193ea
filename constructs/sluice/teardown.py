"""What was made at run time goes when its stack goes."""

from collections.abc import Sequence

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from constructs import Construct

from sluice.endpoint import Endpoint
from sluice.function import HandlerFunction
from sluice.permission import allow

_TIMEOUT = Duration.minutes(15)  # an endpoint that is being created cannot be deleted before it has settled


class Teardown(Construct):
    """Deletes endpoints, their configurations and models, and the model packages, when the stack is deleted.

    SageMaker refuses to delete a model package group that still has packages.
    """

    def __init__(self, scope: Construct, id: str, *, prefix: str, endpoints: Sequence[Endpoint], key: kms.IKey) -> None:
        super().__init__(scope, id)
        self.handler = HandlerFunction(
            self, "Function", prefix=prefix, verb="teardown", key=key, timeout=_TIMEOUT, environment={}
        )
        allow(
            self.handler.role,
            ["sagemaker:ListModelPackages", "sagemaker:ListEndpointConfigs", "sagemaker:ListModels"],
            ["*"],
            wildcard="A list is not narrowed by resource",
        )
        self._resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::RuntimeResources",
            service_token=self.handler.function.function_arn,
            # Should the function die without an answer, CloudFormation gives up now instead of after an hour.
            service_timeout=_TIMEOUT,
            properties={"Groups": [endpoint.name for endpoint in endpoints]},
        )
        # The roles outlive the endpoints that run as them.
        self._resource.node.add_dependency(*endpoints)

    def runs_after(self, rules: Sequence[events.Rule]) -> None:
        """On deletion `rules` go first, so that no event makes anew what is being removed."""
        for rule in rules:
            rule.node.add_dependency(self._resource)
