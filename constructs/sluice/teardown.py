"""What was made at run time for a workload goes when the workload goes."""

from collections.abc import Sequence

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from constructs import Construct

from sluice.arn import arn
from sluice.endpoint import Endpoint
from sluice.function import HandlerFunction
from sluice.permission import allow

_TIMEOUT = Duration.minutes(15)  # an endpoint that is being created cannot be deleted before it has settled


class Teardown(Construct):
    """Deletes a workload's endpoint, its configurations and models, and its model packages.

    That happens when the stack is deleted, and when a workload is taken out of the configuration: each endpoint has a
    custom resource of its own, which CloudFormation then deletes at the end of the update. The training stack is
    updated earlier and cannot delete a model package group that has packages, so the group of such a workload stays
    behind there without failing the update, and teardown deletes it as well.
    """

    def __init__(self, scope: Construct, id: str, *, prefix: str, endpoints: Sequence[Endpoint], key: kms.IKey) -> None:
        super().__init__(scope, id)
        self.handler = HandlerFunction(
            self, "Function", prefix=prefix, verb="teardown", key=key, timeout=_TIMEOUT, environment={}
        )
        self._allow_removal(prefix)
        self._resources = [self._resource(endpoint) for endpoint in endpoints]

    def runs_after(self, rules: Sequence[events.Rule]) -> None:
        """On deletion `rules` go first, so that no event makes anew what is being removed."""
        for rule in rules:
            rule.node.add_dependency(*self._resources)

    def _resource(self, endpoint: Endpoint) -> CustomResource:
        resource = CustomResource(
            self,
            endpoint.name,
            resource_type="Custom::RuntimeResources",
            service_token=self.handler.function.function_arn,
            # Should the function die without an answer, CloudFormation gives up now instead of after an hour.
            service_timeout=_TIMEOUT,
            properties={
                "Group": endpoint.name,
                "StateMachine": arn(self, "states", f"stateMachine:{endpoint.name}"),  # if Autopilot trains
            },
        )
        # The role outlives the endpoint that runs as it.
        resource.node.add_dependency(endpoint)
        return resource

    def _allow_removal(self, prefix: str) -> None:
        """On all names of the platform: a workload is removed after the template no longer names it."""
        role, any_workload = self.handler.role, "A workload is removed when the template no longer names it"
        allow(
            role,
            ["sagemaker:ListEndpointConfigs", "sagemaker:ListModels"],
            ["*"],
            wildcard="These lists have no resource level",
        )
        for actions, resource in (
            (["DescribeEndpoint", "DeleteEndpoint"], f"endpoint/{prefix}-*"),
            # As `controls.release` names them.
            (["DeleteEndpointConfig"], f"endpoint-config/{prefix}-*-v*"),
            (["DeleteModel"], f"model/{prefix}-*-v*"),
            (["DeleteModelPackage", "ListModelPackages"], f"model-package/{prefix}-*/*"),
            (["DeleteModelPackageGroup", "ListModelPackages"], f"model-package-group/{prefix}-*"),
            (["DescribePipeline"], f"pipeline/{prefix}-*"),
        ):
            named = [f"sagemaker:{action}" for action in actions]
            allow(role, named, [arn(self, "sagemaker", resource)], wildcard=any_workload)
        machines = [arn(self, "states", f"stateMachine:{prefix}-*")]
        allow(role, ["states:DescribeStateMachine"], machines, wildcard=any_workload)
