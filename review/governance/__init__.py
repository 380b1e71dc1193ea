"""Rules over what any application's templates say of SageMaker. docs/rules.md, made from them, tells each."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from review.cloud_assembly import Stack
from review.governance import compute, data, general, notebooks, roles, serving, studio
from review.governance.rule import Rule, View, Violation
from review.governance.settings import Settings

RULES: tuple[Rule, ...] = tuple(
    rule for part in (studio, notebooks, serving, compute, data, roles, general) for rule in part.RULES
)
_BY_TYPE: dict[str, list[Rule]] = defaultdict(list)
for _rule in RULES:
    for _type in dict.fromkeys(_rule.types):
        _BY_TYPE[_type].append(_rule)

DEFAULTS = Settings()


def check(stack: Stack, settings: Settings = DEFAULTS, beside: Iterable[Stack] = ()) -> Iterator[Violation]:
    """What the rules find in a stack. `beside` are the application's others: an alarm may be in one of them."""
    others = tuple(beside)
    for resource in stack.resources.values():
        rules = _BY_TYPE.get(resource.type, ())
        if not rules:
            continue
        view = View(stack, resource, settings, others, resource.properties, stack.template)
        for rule in rules:
            if rule.id not in settings.switched_off:
                for found in rule.check(view):
                    yield Violation(rule, stack, resource, found.path, found.message, found.certain)
