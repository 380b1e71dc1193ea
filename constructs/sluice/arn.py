"""ARNs of resources that have no construct, such as jobs that only exist at run time."""

from functools import cache

from aws_cdk import ArnFormat, Stack
from constructs import IConstruct


def arn(scope: IConstruct, service: str, resource: str) -> str:
    """The ARN of `resource` (e.g. `pipeline/sluice-dev-*`) in the partition, region and account of `scope`'s stack."""
    return _beginning(_stack(scope), service) + resource


# Both, because there are dozens of ARNs in a stack, and each question to CDK takes up to a millisecond.
_stack = cache(Stack.of)


@cache
def _beginning(stack: Stack, service: str) -> str:
    return stack.format_arn(service=service, resource="", arn_format=ArnFormat.NO_RESOURCE_NAME)
