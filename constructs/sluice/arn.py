"""ARNs of resources that have no construct, such as jobs that only exist at run time."""

from functools import cache

from aws_cdk import ArnFormat, Aws, Stack
from constructs import IConstruct


def arn(scope: IConstruct, service: str, resource: str) -> str:
    """The ARN of `resource` (e.g. `pipeline/sluice-dev-*`) in the partition, region and account of `scope`'s stack."""
    return _beginning(_stack(scope), service) + resource


_ACCOUNT = Aws.ACCOUNT_ID
# Both, because there are dozens of ARNs in a stack, and each question to CDK takes up to a millisecond.
_stack = cache(Stack.of)


@cache
def _beginning(stack: Stack, service: str) -> str:
    # A configured account's own digits would be a hard-coded account: cloudformation-validate, W9013.
    return stack.format_arn(service=service, account=_ACCOUNT, resource="", arn_format=ArnFormat.NO_RESOURCE_NAME)
