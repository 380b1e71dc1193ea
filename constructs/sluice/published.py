"""What readers outside the application may rely on: one parameter for each value, at a name that stays."""

from collections.abc import Mapping

from aws_cdk import aws_ssm as ssm
from constructs import Construct

# Every value that may be published; docs/published.md shows the same.
VALUES = {
    "key-arn": "The customer key of everything that the platform stores",
    "data-bucket": "The bucket that workloads read from, each under its own name",
    "artifact-bucket": "The bucket that workloads write to, each under its own name",
    "vpc-id": "The network of jobs, endpoints and Studio",
    "subnet-ids": "The subnets of jobs and models, with commas between them",
    "security-group-ids": "The security groups of jobs and models, with commas between them",
    "permissions-boundary-arn": "The permissions boundary of every role of the platform",
    "alert-topic-arn": "The topic that alarms speak through",
    "domain-id": "The Studio domain",
    "experiment-role-arn": "What jobs run as that people start themselves",
    "pipelines": "The pipelines, as a JSON list of names; a model package group has the name of its pipeline",
    "state-machines": "The state machines around Autopilot, as a JSON list of names; package groups as with pipelines",
    "endpoints": "The endpoints, as a JSON list of names; each exists once a model is approved",
    "monitors": "The workloads that have a monitor, as a JSON list of names",
    "sweep-ledger": "The table of what the sweep found and did",
}


class Published(Construct):
    """Publishes `values`, which are keyed as VALUES is, as the parameters `/<prefix>/<name>`."""

    def __init__(self, scope: Construct, id: str, *, prefix: str, values: Mapping[str, str]) -> None:
        super().__init__(scope, id)
        for name, value in values.items():
            ssm.CfnParameter(self, name, name=f"/{prefix}/{name}", type="String", value=value, description=VALUES[name])
