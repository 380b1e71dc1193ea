"""Which stack is nested in which, and by which of its resources."""

from collections.abc import Iterator

from review.cloud_assembly import Assembly, nested_name

NESTED = "AWS::CloudFormation::Stack"
Key = tuple[str, str]
"""A stack's name, and a logical ID or a parameter in it."""


def nested_stacks(assembly: Assembly) -> Iterator[tuple[Key, str]]:
    """Which resource makes which stack."""
    for stack in assembly.stacks.values():
        for resource in stack.resources.values():
            if resource.type == NESTED and (child := nested_name(stack.name, resource)) in assembly.stacks:
                yield (stack.name, resource.logical_id), child
