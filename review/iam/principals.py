"""Roles, users and groups of an application, with all that gives or bounds what each may do."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from review.cloud_assembly import Resource, Stack
from review.iam.branches import ALWAYS, Guard, guarded
from review.iam.managed import managed
from review.iam.references import References, Target
from review.iam.statements import Policy, policy

KINDS = {"AWS::IAM::Role": "Role", "AWS::IAM::User": "User", "AWS::IAM::Group": "Group"}
_LISTED = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
_SINGLE = tuple(f"AWS::IAM::{kind}Policy" for kind in KINDS.values())

# A principal's key, or the kind and the name of one that no template holds.
Key = Target | tuple[str, str]


def properties(resource: Resource | None) -> Mapping[str, Any]:
    """Of a resource in whatever form it is."""
    found = resource.properties if resource else None
    return found if isinstance(found, Mapping) else {}


@dataclass
class Principals:
    """Those of one side of the review."""

    references: References
    _policies: dict[Key, Policy] = field(default_factory=dict)

    def policy(self, key: Key) -> Policy:
        """Everything that is allowed and denied to a principal; of a user with what its groups have."""
        if key not in self._policies:
            self._policies[key] = Policy()  # a group that holds itself ends here
            found = sum((self._read(*each) for each in self._attached.get(key, ())), Policy())
            if isinstance(key, Target) and (own := self.members.get(key)):
                found = sum(self._own(*own), found)
            self._policies[key] = found
        return self._policies[key]

    @cached_property
    def members(self) -> dict[Target, tuple[Stack, Resource]]:
        return {
            self.references.key(stack.name, resource.logical_id): (stack, resource)
            for stack, resource in self._resources()
            if resource.type in KINDS
        }

    @property
    def named(self) -> list[tuple[str, str]]:
        """Principals that the application gives policies to and does not hold, by kind and name."""
        return [key for key in self._attached if not isinstance(key, Target)]

    def attached(self, key: Key) -> tuple[Stack, Resource]:
        """Where the first policy of one that no template holds comes from."""
        return self._attached[key][0][1:]

    def written(self, key: Target) -> list[Any]:
        """What the templates say of it, unread: where that is the same on both sides, so is what it may do."""
        stack, resource = self.members[key]
        given = properties(resource)
        found: list[Any] = [given, *(properties(each) for _, _, each in self._attached.get(key, ()))]
        for _, each in guarded(given.get("ManagedPolicyArns"), stack):
            if target := self.references.target(each, stack):
                found.append(properties(target[1]))
        found += [
            list(self.written(group)) for group in self._joined(key) if isinstance(group, Target) and group != key
        ]
        return found

    def key_of(self, value: Any, stack: Stack, kind: str = "Role") -> Key:
        """The principal that a name, an ARN or a reference means."""
        if target := self.references.target(value, stack):
            return self.references.key(target[0].name, target[1].logical_id)
        name = self.references.text(value, stack).rpartition("/")[2]
        return self._by_name.get((kind, name), (kind, name))

    def document(self, value: Any, stack: Stack, guard: Guard = ALWAYS) -> Policy:
        """The content of a managed policy that is referred to."""
        target = self.references.target(value, stack)
        if target and target[1].type == "AWS::IAM::ManagedPolicy":
            return policy(properties(target[1]).get("PolicyDocument"), target[0], self.references, guard)
        return managed(self.references.text(value, stack), guard)

    def _own(self, stack: Stack, resource: Resource) -> Iterator[Policy]:
        given = properties(resource)
        for guard, each in guarded(given.get("Policies"), stack):
            yield policy(each.get("PolicyDocument") if isinstance(each, dict) else each, stack, self.references, guard)
        for guard, each in guarded(given.get("ManagedPolicyArns"), stack):
            yield self.document(each, stack, guard)
        for group in self._joined(self.references.key(stack.name, resource.logical_id)):
            yield self.policy(group)

    def _joined(self, key: Target) -> list[Key]:
        """The groups of a user."""
        stack, resource = self.members[key]
        if resource.type != "AWS::IAM::User":
            return []
        named = [self.key_of(each, stack, "Group") for _, each in guarded(properties(resource).get("Groups"), stack)]
        return list(dict.fromkeys([*named, *self._groups.get(key, ())]))

    def _read(self, guard: Guard, stack: Stack, resource: Resource) -> Policy:
        return policy(properties(resource).get("PolicyDocument"), stack, self.references, guard)

    def _resources(self) -> Iterator[tuple[Stack, Resource]]:
        for stack in self.references.stacks.values():
            for resource in stack.resources.values():
                yield stack, resource

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], Target]:
        return {
            (KINDS[resource.type], name): key
            for key, (_, resource) in self.members.items()
            if isinstance(name := properties(resource).get(f"{KINDS[resource.type]}Name"), str)
        }

    @cached_property
    def _attached(self) -> dict[Key, list[tuple[Guard, Stack, Resource]]]:
        """Policies that name their principals."""
        found: dict[Key, list[tuple[Guard, Stack, Resource]]] = defaultdict(list)
        for stack, resource in self._resources():
            for kind in KINDS.values():
                name = f"{kind}s" if resource.type in _LISTED else f"{kind}Name" if resource.type in _SINGLE else ""
                for guard, each in guarded(properties(resource).get(name), stack):
                    found[self.key_of(each, stack, kind)].append((guard, stack, resource))
        return found

    @cached_property
    def _groups(self) -> dict[Key, list[Key]]:
        found: dict[Key, list[Key]] = defaultdict(list)
        for stack, resource in self._resources():
            if resource.type == "AWS::IAM::UserToGroupAddition":
                group = self.key_of(properties(resource).get("GroupName"), stack, "Group")
                for _, user in guarded(properties(resource).get("Users"), stack):
                    found[self.key_of(user, stack, "User")].append(group)
        return found
