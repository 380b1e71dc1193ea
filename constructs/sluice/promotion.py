"""Approval in the model registry brings a version into service."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from constructs import Construct

from sluice.endpoint import Endpoint
from sluice.function import HandlerFunction
from sluice.network import Network
from sluice.variables import refuse_too_large

_ROLE_ARN_BYTES = 102  # what only a deployment knows, at the most


class Promotion(Construct):
    """Reconciles `endpoints` with their model package groups, on the events that `rules` let through."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        tags: Mapping[str, str],
        endpoints: Sequence[Endpoint],
        network: Network,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        stack, hostings = Stack.of(self), {endpoint.name: endpoint.hosting for endpoint in endpoints}
        refuse_too_many(hostings, tags)
        self.handler = HandlerFunction(
            self,
            "Function",
            prefix=prefix,
            verb="promote",
            key=key,
            timeout=Duration.minutes(2),
            environment={
                "platform": prefix,
                "tags": stack.to_json_string(tags),
                "key_arn": key.key_arn,
                "subnet_ids": stack.to_json_string(network.subnet_ids),
                "security_group_ids": stack.to_json_string(network.security_group_ids),
                "workloads": stack.to_json_string(hostings),
            },
        )
        names = [endpoint.name for endpoint in endpoints]
        # A version that only awaits approval changes nothing; it must not bring back an endpoint that was swept.
        approval = {"ModelPackageGroupName": names, "ModelApprovalStatus": ["Approved", "Rejected"]}
        # What was approved while the endpoint was changing is taken up when it has settled.
        settled = {"EndpointName": names, "EndpointStatus": ["IN_SERVICE", "FAILED"]}
        self.rules = [
            self._rule("Approved", "SageMaker Model Package State Change", approval),
            self._rule("Settled", "SageMaker Endpoint State Change", settled),
        ]

    def _rule(self, id: str, detail_type: str, detail: dict[str, list[str]]) -> events.Rule:
        pattern = events.EventPattern(source=["aws.sagemaker"], detail_type=[detail_type], detail=detail)
        return events.Rule(self, id, event_pattern=pattern, targets=[targets.LambdaFunction(self.handler.function)])


def refuse_too_many(hostings: Mapping[str, Mapping[str, Any]], tags: Mapping[str, str]) -> None:
    """Raises TooManyVariablesError if the function's variables may not hold what it is told of endpoints."""
    told = {name: {**hosting, "role_arn": "x" * _ROLE_ARN_BYTES} for name, hosting in hostings.items()}
    refuse_too_large("promote", f"{len(hostings)} endpoints", told, dict(tags))
