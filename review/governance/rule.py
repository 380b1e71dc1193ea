"""A rule of the pack, what it is held against, and what it finds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from review.cloud_assembly import Resource, Stack
from review.governance import definition, values
from review.governance.settings import Settings
from review.governance.values import Case
from review.model import Severity

KEPT = "A reference of any kind counts: that it leads to the right thing is for who reads the template to say."
ASKED = "What is decided elsewhere is told as undecided (low), unless all that it may be is allowed, or all is not."


@dataclass(frozen=True)
class Found:
    """Where a rule is broken (`path` within the properties) and how. Not `certain`: the template does not decide it."""

    path: str
    message: str
    certain: bool = True


@dataclass(frozen=True)
class View:
    """A resource, or a part of one that is read as such (a step of a pipeline), as rules see it.

    `scope` is where references resolve: the template, or the pipeline's definition.
    """

    stack: Stack
    resource: Resource
    settings: Settings
    beside: tuple[Stack, ...] = ()
    """The application's other stacks: an alarm may be in any of them."""
    properties: Any = None
    scope: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""

    def at(self, path: str) -> list[Case]:
        return list(values.at(self.properties, path, self.scope, self.prefix))

    @property
    def known(self) -> Mapping[str, Any]:
        """The properties that stand in the template under their names."""
        return values.as_map(self.properties)

    @cached_property
    def steps(self) -> tuple["Step", ...]:
        """Of a pipeline; none where its definition cannot be read."""
        return tuple(
            step for body in definition.bodies(self.properties, self.stack.template) for step in self._of(body)
        )

    def _of(self, body: definition.Body) -> Iterator["Step"]:
        for kind, name, arguments in body.steps:
            whole = body.parsed or {}
            prefix = f"PipelineDefinition.Steps.{name}"
            yield Step(kind, name, replace(self, properties=arguments, scope=whole, prefix=prefix))

    def part(self, path: str) -> Iterator["View"]:
        """What stands at `path`, each read as a view of its own: nothing where it is absent or not known."""
        for case in self.at(path):
            if isinstance(case.value, dict):
                yield replace(self, properties=case.value, prefix=case.path)

    def named(self, path: str) -> str:
        """`path` as findings show it."""
        return f"{self.prefix}.{path}".strip(".")

    def stacks(self) -> Iterator[Stack]:
        yield self.stack
        yield from (stack for stack in self.beside if stack is not self.stack)

    def others(self, *types: str) -> Iterator[tuple[Stack, Resource]]:
        """The application's resources of these types."""
        for stack in self.stacks():
            yield from ((stack, each) for each in stack.resources.values() if each.type in types)


@dataclass(frozen=True)
class Step:
    """`kind` is the pipeline's word for it: `Training`, `Processing`...; `view` reads its arguments."""

    kind: str
    name: str
    view: View


Check = Callable[[View], Iterator[Found]]


@dataclass(frozen=True)
class Rule:
    """`types` are CloudFormation's; `unknown` says what a value counts as that the template does not decide.

    `config` names AWS Config's managed rules that look at the same in the account.
    """

    id: str
    title: str
    severity: Severity
    types: tuple[str, ...]
    reason: str
    fix: str
    check: Check
    unknown: str = ASKED
    config: tuple[str, ...] = ()


@dataclass(frozen=True)
class Violation:
    rule: Rule
    stack: Stack
    resource: Resource
    path: str
    message: str
    certain: bool = True

    @property
    def severity(self) -> Severity:
        return self.rule.severity if self.certain else Severity.LOW
