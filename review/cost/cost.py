"""USD a month of what an application's stacks describe, before and after a change, resource by resource."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache

from config.prices import REGION
from controls.pricing.prices import Prices
from review.cloud_assembly import Resource, Stack
from review.cost import endpoint, instances, other, runs
from review.cost.charge import Charge
from review.cost.free import BY_USE, is_free
from review.cost.prices import HOURS, ML_STORAGE, SPOT_SAVING, SPOT_SOURCE, as_of
from review.cost.run import USED_SHARE
from review.cost.side import Side
from review.cost.triggers import triggers
from review.model import Cost, CostLine
from review.pairs import Pair

# What is priced by instances follows its region; all else has the prices of us-east-1.
_BY_INSTANCE: dict[str, Callable[[Side, Stack, Resource], Charge]] = {
    "AWS::SageMaker::App": instances.app,
    "AWS::SageMaker::Cluster": instances.cluster,
    "AWS::SageMaker::Endpoint": endpoint.endpoint,
    "AWS::SageMaker::MonitoringSchedule": runs.monitor,
    "AWS::SageMaker::NotebookInstance": instances.notebook,
    "AWS::SageMaker::Pipeline": runs.pipeline,
    "AWS::SageMaker::ProcessingJob": runs.once,
    "AWS::SageMaker::UserProfile": instances.profile,
    "AWS::StepFunctions::StateMachine": runs.machine,
}
_FLAT: dict[str, Callable[[Side, Stack, Resource], Charge | None]] = {
    "AWS::CloudWatch::Alarm": other.alarm,
    "AWS::CloudWatch::Dashboard": other.dashboard,
    "AWS::DynamoDB::Table": other.table,
    "AWS::EC2::EIP": other.address,
    "AWS::EC2::FlowLog": other.flow_log,
    "AWS::EC2::NatGateway": other.nat_gateway,
    "AWS::EC2::VPCEndpoint": other.network_endpoint,
    "AWS::KMS::Key": other.key,
    "AWS::KMS::ReplicaKey": other.replica_key,
    "AWS::Lambda::Alias": other.function_version,
    "AWS::Lambda::Version": other.function_version,
    "AWS::Logs::MetricFilter": other.metric,
    "AWS::SSM::Parameter": other.parameter,
    "AWS::SageMaker::EndpointConfig": endpoint.configuration,
    "AWS::SageMaker::MlflowTrackingServer": instances.mlflow,
    "AWS::SageMaker::Space": instances.space,
    "AWS::SecretsManager::Secret": other.secret,
}
ASSUMPTIONS = (
    f"On demand, {HOURS} hours a month; AWS's free tiers, taxes, discounts and transfer are left out.",
    f"People work {instances.WORKING_HOURS} hours a month and stop what they do not use.",
    f"A job takes {USED_SHARE:.0%} of its longest run time; each of a search's trainings is made, none is repeated.",
    f"A volume of SageMaker's costs {ML_STORAGE.usd} USD a GB and month, as in eu-west-1.",
    f"Spot saves {SPOT_SAVING:.0%} ({SPOT_SOURCE}).",
    "Idle: nobody works and nothing runs, endpoints are at their least.",
    "What is billed by use alone is listed without a figure, and in no total.",
)


def cost(pairs: Iterable[Pair]) -> Cost:
    """What costs, the lines that change first and the largest change of them; without a price, after those with one."""
    pairs = tuple(pairs)
    table = _table()
    before = _side((pair.stack_before for pair in pairs), table)
    after = _side((pair.stack_after for pair in pairs), table)
    dates: set[str] = set()
    lines = [line for _, line in sorted(_lines(pairs, before, after, dates), key=_order)]
    regions = {stack.region for side in (before, after) for stack in side.stacks.values()}
    return Cost(
        before=math.fsum(line.before or 0 for line in lines),
        after=math.fsum(line.after or 0 for line in lines),
        idle_before=math.fsum(line.idle_before or 0 for line in lines),
        idle_after=math.fsum(line.idle_after or 0 for line in lines),
        lines=tuple(lines),
        as_of=as_of(dates),
        assumptions=(*ASSUMPTIONS, *_of_regions(regions)),
    )


def _side(stacks: Iterable[Stack | None], table: Prices) -> Side:
    side = Side({stack.name: stack for stack in stacks if stack}.values(), table)
    side.triggers = triggers(side)
    return side


def _of_regions(regions: set[str]) -> Iterator[str]:
    if any(region.startswith("cn-") for region in regions):
        yield "China is billed in CNY: its figures are what the same costs elsewhere, in USD."
    if regions - {REGION}:
        yield f"What is not known of a region has the price of {REGION}, and is marked as estimated."


@cache
def _table() -> Prices:
    return Prices.read()


def _lines(pairs: Iterable[Pair], before: Side, after: Side, dates: set[str]) -> Iterator[tuple[bool, CostLine]]:
    """Each with whether anything about it changes."""
    for pair in pairs:
        was = _charge(before, pair.stack_before, pair.before)
        now = _charge(after, pair.stack_after, pair.after)
        if was is None and now is None:
            continue
        old, new = was or Charge(), now or Charge()
        dates.update(old.dates, new.dates)
        yield (
            was != now,
            CostLine(
                place=pair.place,
                before=old.usd,
                after=new.usd,
                idle_before=old.idle,
                idle_after=new.idle,
                assumption=_told(was and was.assumption, now and now.assumption),
                estimated=old.estimated or new.estimated,
                unpriced=_told(was and was.unpriced, now and now.unpriced),
            ),
        )


def _told(was: str | None, now: str | None) -> str:
    """What holds after the change, and where it was otherwise what held before."""
    if was is None or now is None or was == now:
        return now or was or ""
    return "; ".join(([now] if now else []) + ([f"before: {was}"] if was else []))


def _order(told: tuple[bool, CostLine]) -> tuple[object, ...]:
    changed, line = told
    change = abs((line.after or 0) - (line.before or 0))
    idle = abs((line.idle_after or 0) - (line.idle_before or 0))
    unpriced = line.before is None and line.after is None
    size = max(line.before or 0, line.after or 0)
    return (not changed, unpriced, -change, -idle, -size, line.place.stack, line.place.path, line.place.logical_id)


def _charge(side: Side, stack: Stack | None, resource: Resource | None) -> Charge | None:
    """None for what is not there, and for what costs nothing by itself."""
    if stack is None or resource is None:
        return None
    condition = resource.attributes.get("Condition")
    holds = side.values(stack).holds(condition) if condition is not None else True
    if holds is False:
        return None
    found = _priced(side, stack, resource)
    if found is None or (found.usd == 0 and not found.unpriced and found.idle == 0):
        return None
    if not holds:
        found = replace(found, assumption="; ".join(filter(None, (found.assumption, f"if {condition} holds"))))
    return found


def _priced(side: Side, stack: Stack, resource: Resource) -> Charge | None:
    if resource.type in _BY_INSTANCE:
        return _at_home(_BY_INSTANCE[resource.type](side, stack, resource), stack, stack.region != "")
    if resource.type in _FLAT:
        found = _FLAT[resource.type](side, stack, resource)
        return found and _at_home(found, stack, stack.region == REGION)
    if use := BY_USE.get(resource.type):
        return Charge(unpriced=f"by use: {use}")
    return None if is_free(resource.type) else Charge(unpriced=f"no price of {resource.type} is known here")


def _at_home(charge: Charge, stack: Stack, known: bool) -> Charge:
    """Marked as estimated where its price is that of us-east-1 for want of its own."""
    if known or charge.usd is None:
        return charge
    whose = f"{REGION}'s price" if stack.region else f"no region is given: {REGION}'s price"
    return replace(charge, estimated=True, assumption="; ".join(filter(None, (charge.assumption, whose))))
