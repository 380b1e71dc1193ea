"""Runs that begin by themselves."""

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from config.workload import Schedule
from sluice.arn import arn
from sluice.permission import Role, allow, from_this_account


class PipelineSchedule(Construct):
    """Starts `pipeline`, called `name`, on `schedule`, an hour late at most; what cannot start waits in `dead_letters`.

    An encrypted schedule is read by the role that it runs as, which sends its dead letters as well: the key is for
    both. That Scheduler asks no more of the role is not verified.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        pipeline: sagemaker.CfnPipeline,
        schedule: Schedule,
        key: kms.IKey,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        service = from_this_account("scheduler.amazonaws.com")
        role = Role(self, "Role", assumed_by=service, description=f"Starts the pipeline {name} on schedule")
        allow(role, ["sagemaker:StartPipelineExecution"], [arn(self, "sagemaker", f"pipeline/{name}")])
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
                # By reference: a rate is due as soon as the schedule is there, and then all else must be.
                arn=arn(self, "sagemaker", f"pipeline/{pipeline.ref}"),
                role_arn=role.role_arn,
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(maximum_event_age_in_seconds=3600),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead_letters.queue_arn),
            ),
        )
        resource.node.add_dependency(role.node.find_child("DefaultPolicy"))
