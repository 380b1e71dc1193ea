"""Which stack is nested in which, and by which of its resources."""

from collections.abc import Iterator, Mapping

from review.cloud_assembly import Stack, nested_name

NESTED = "AWS::CloudFormation::Stack"
Key = tuple[str, str]
"""A stack's name, and a logical ID or a parameter in it."""


def nested_stacks(stacks: Mapping[str, Stack]) -> Iterator[tuple[Key, str]]:
    """Which resource makes which stack."""
    for stack in stacks.values():
        for resource in stack.resources.values():
            if resource.type == NESTED and (child := nested_name(stack.name, resource)) in stacks:
                yield (stack.name, resource.logical_id), child
