"""What runs when it is started: pipelines, state machines with jobs of SageMaker, monitors."""

from collections.abc import Mapping
from typing import Any

from review.cloud_assembly import Resource, Stack
from review.cost_charge import Charge
from review.cost_definition import machine_definition, parsed, plain
from review.cost_prices import HOURS
from review.cost_run import USED_SHARE, Run, of_cluster, of_machine, of_pipeline
from review.cost_schedule import runs_a_month
from review.cost_side import Side, Trigger

_DAY_SECONDS = 86_400
_JOB_DEFINITIONS = tuple(
    f"AWS::SageMaker::{kind}JobDefinition"
    for kind in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
)


def pipeline(side: Side, stack: Stack, resource: Resource) -> Charge:
    values = side.values(stack)
    told = values.at(resource.properties, "PipelineDefinition")
    if isinstance(told, Mapping) and values.at(told, "PipelineDefinitionS3Location") is not None:
        return Charge(unpriced="its definition lies in S3")
    body = values.raw(told, "PipelineDefinitionBody")
    definition = parsed(values, body)
    if definition is None:
        return Charge(unpriced="its definition is not known from the template")
    return _started(side, stack, resource, lambda handed: of_pipeline(definition, handed, _rates(side, stack)))


def machine(side: Side, stack: Stack, resource: Resource) -> Charge:
    """One without jobs of SageMaker is billed by its transitions alone."""
    definition = machine_definition(side.values(stack), resource)
    if definition is None:
        return Charge(unpriced="its definition is not known from the template")
    run = of_machine(definition, _rates(side, stack))
    if not run.steps and not run.unpriced:
        return Charge(unpriced="by use: state transitions")
    return _started(side, stack, resource, lambda _: run)


def monitor(side: Side, stack: Stack, resource: Resource) -> Charge:
    values = side.values(stack)
    config = values.at(resource.properties, "MonitoringScheduleConfig")
    home, job = stack, values.at(config, "MonitoringJobDefinition")
    cluster = values.at(job, "MonitoringResources", "ClusterConfig")
    if job is None:
        name = values.raw(config, "MonitoringJobDefinitionName")
        keys = [key for kind in _JOB_DEFINITIONS for key in side.named(stack, name, kind)]
        if not keys:
            return Charge(unpriced="its job definition is not part of these stacks")
        home = side.stacks[keys[0][0]]
        values, job = side.values(home), home.resources[keys[0][1]].properties
        cluster = values.at(job, "JobResources", "ClusterConfig")
    expression = side.values(stack).at(config, "ScheduleConfig", "ScheduleExpression")
    runs = runs_a_month(expression) if isinstance(expression, str) else None
    stop = plain(values, values.raw(job, "StoppingCondition"))
    if stop is None and runs:
        # One run ends before the next begins.
        stop = {"MaxRuntimeInSeconds": min(_DAY_SECONDS, HOURS * 3600 / runs)}
    run = of_cluster("monitoring", plain(values, cluster), stop, _rates(side, home))
    return _monthly(run, [Trigger(runs, str(expression), {})])


def once(side: Side, stack: Stack, resource: Resource) -> Charge:
    """A processing job that a stack starts itself, when it is made."""
    values = side.values(stack)
    properties = plain(values, resource.properties)
    cluster = values.at(properties, "ProcessingResources", "ClusterConfig")
    run = of_cluster("job", cluster, values.at(properties, "StoppingCondition"), _rates(side, stack))
    return _unscheduled(run, "runs when the stack makes it")


def _started(side: Side, stack: Stack, resource: Resource, run: Any) -> Charge:
    triggers = side.triggers.get((stack.name, resource.logical_id), [])
    if not triggers:
        return _unscheduled(run({}), "nothing in these stacks says how often it runs")
    charges = [_monthly(run(trigger.parameters), [trigger]) for trigger in triggers]
    figures = [charge.usd for charge in charges if charge.usd is not None]
    return Charge(
        sum(figures) if figures else None,
        0.0 if figures else None,
        "; ".join(dict.fromkeys(filter(None, (charge.assumption for charge in charges)))),
        any(charge.estimated for charge in charges),
        "; ".join(dict.fromkeys(filter(None, (charge.unpriced for charge in charges)))),
        tuple(date for charge in charges for date in charge.dates),
    )


def _unscheduled(run: Run, why: str) -> Charge:
    told = f"{run.usd:,.2f} USD a run: {'; '.join(run.steps)}" if run.steps else ""
    return Charge(None, None, told, run.estimated, "; ".join((why, *run.unpriced)), run.dates)


def _monthly(run: Run, triggers: list[Trigger]) -> Charge:
    [trigger] = triggers
    if trigger.runs is None:
        return _unscheduled(run, f"how often it runs is not known: {trigger.expression}")
    if not run.steps:
        return Charge(unpriced="; ".join(run.unpriced) or "none of its steps starts instances: by use")
    share = f"each job {USED_SHARE:.0%} of its longest run time"
    told = f"{trigger.runs:,.4g} runs a month by {trigger.expression}, {run.usd:,.2f} USD each, {share}: "
    return Charge(
        trigger.runs * run.usd, 0.0, told + "; ".join(run.steps), run.estimated, "; ".join(run.unpriced), run.dates
    )


def _rates(side: Side, stack: Stack) -> Any:
    return lambda component, kind: side.rate(stack, component, kind)
