"""Which resource of the head is which of the base's."""

from collections.abc import Iterator
from dataclasses import dataclass

from review.cloud_assembly import Assembly, Resource, Stack
from review.model import Place


@dataclass(frozen=True)
class Pair:
    """One resource before and after; None where it does not exist. Its stack likewise."""

    stack_before: Stack | None
    stack_after: Stack | None
    before: Resource | None
    after: Resource | None

    @property
    def place(self) -> Place:
        """Where it is in the head, or was in the base."""
        stack, resource = self.stack_after or self.stack_before, self.after or self.before
        assert stack and resource
        return Place(
            stack=stack.name,
            logical_id=resource.logical_id,
            type=resource.type,
            path=resource.path,
            source=resource.source,
        )


def pairs(base: Assembly, head: Assembly) -> tuple[Pair, ...]:
    """Every resource of both, by the names of stacks and the logical IDs."""
    return tuple(_pairs(base, head))


def _pairs(base: Assembly, head: Assembly) -> Iterator[Pair]:
    for name in dict.fromkeys([*head.stacks, *base.stacks]):
        old, new = base.stacks.get(name), head.stacks.get(name)
        before, after = (stack.resources if stack else {} for stack in (old, new))
        for logical_id in dict.fromkeys([*after, *before]):
            yield Pair(old, new, before.get(logical_id), after.get(logical_id))
