"""Runs that begin by themselves."""

from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from config.workload import Schedule
from sluice.permission import Role, allow, from_this_account

# In an input, what Scheduler puts the moment for at which a run is due, however late it begins. Source: AWS, "Adding
# context attributes in EventBridge Scheduler".
DUE = "<aws.scheduler.scheduled-time>"


class RunSchedule(Construct):
    """Takes `action` on `target` on `schedule`, an hour late at most; what cannot start waits in `dead_letters`.

    `target` is an ARN by reference, and `named` the ARN that IAM is asked for. `input` is JSON, in which DUE may stand.

    An encrypted schedule is read by the role that it runs as, which sends its dead letters as well: the key is for
    both. That Scheduler asks no more of the role is not verified.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        action: str,
        target: str,
        named: str,
        schedule: Schedule,
        key: kms.IKey,
        dead_letters: sqs.IQueue,
        input: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        service = from_this_account("scheduler.amazonaws.com")
        role = Role(self, "Role", assumed_by=service, description=f"Starts {name} on schedule")
        allow(role, [action], [named])
        allow(role, ["sqs:SendMessage"], [dead_letters.queue_arn])
        allow(role, ["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])
        # The group is there for its tags: a schedule has none.
        group = scheduler.CfnScheduleGroup(self, "Group", name=name)
        resource = scheduler.CfnSchedule(
            self,
            "Resource",
            name=name,
            group_name=group.ref,
            schedule_expression=schedule.expression,
            schedule_expression_timezone=schedule.time_zone,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            kms_key_arn=key.key_arn,
            target=scheduler.CfnSchedule.TargetProperty(
                arn=target,
                role_arn=role.role_arn,
                input=input,
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(maximum_event_age_in_seconds=3600),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead_letters.queue_arn),
            ),
        )
        resource.node.add_dependency(role.node.find_child("DefaultPolicy"))
