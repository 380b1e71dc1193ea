"""What every story of a deployed platform begins with and looks at: the cloud, the stacks, and people's roles."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.load import load
from rehearsal.embedded import ACCOUNT, ROOT, EmbeddedCloud, RehearsalError, tail
from rehearsal.leftovers import OUTLIVING, Inventory

CONFIG = ROOT / "config" / "team.yaml"
PATIENCE_SECONDS = 90


def region() -> str:
    """The region of the embedded default configuration."""
    return load(CONFIG).region


class Deployed:
    """The platform of `config`. Public methods without arguments are steps; `pictures` is what the report draws."""

    def __init__(self, cloud: EmbeddedCloud, out: Path, *, config: Path = CONFIG, root: Path = ROOT) -> None:
        """`root`: the folder that holds `workloads/`."""
        self.cloud, self.out, self.config = cloud, out, config
        self.platform = load(config, root=root)
        self.assembly = out / "cdk.out"
        self.stand_ins: list[str] = []
        self.pictures: dict[str, Any] = {}

    def start(self) -> str:
        self.cloud.start()
        self.stand_ins += self.cloud.control("stand-ins")["stand_ins"]
        self.sagemaker, self.formation = self.cloud.client("sagemaker"), self.cloud.client("cloudformation")
        return f"127.0.0.1:{self.cloud.port}, IAM enforcement on"

    def bootstrap(self) -> str:
        self.synthesize(self.config, self.assembly)
        self.cdk("bootstrap", "--app", str(self.assembly), log="bootstrap")
        self.before = Inventory(self.cloud).take()
        return "CDKToolkit stack complete"

    def deploy(self) -> str:
        self.deploy_all("deploy")
        self.cdk("diff", "--all", "--fail", "--app", str(self.assembly), log="diff")
        stacks = self.stacks()
        made = Inventory(self.cloud).take() - self.before
        self.pictures["made"] = sorted(made)
        return f"{len(stacks)} stacks, {len(made)} resources: {', '.join(sorted(stacks))}"

    def destroy(self) -> str:
        inventory = Inventory(self.cloud)
        meant_to_stay = inventory.retained(self.stacks())
        self.cdk("destroy", "--all", "--force", "--app", str(self.assembly), log="destroy")
        left = inventory.take() - self.before
        kept = {item for item in left if item in meant_to_stay or item.startswith(OUTLIVING)}
        self.pictures["kept"] = sorted(kept)
        if left - kept or self.stacks():
            raise RehearsalError(f"left behind: {', '.join([*sorted(left - kept), *self.stacks()])}")
        return f"nothing left but, by design: {', '.join(sorted(kept))}"

    def synthesize(self, config: Path, assembly: Path) -> None:
        self.cdk("synth", "--quiet", "--output", str(assembly), log=f"synth-{assembly.name}", SLUICE_CONFIG=str(config))

    def deploy_all(self, log: str) -> None:
        """One `cdk deploy --all` of the assembly that is current."""
        self.cdk("deploy", "--all", "--require-approval", "never", "--app", str(self.assembly), log=log)

    def cdk(self, *arguments: str, log: str, **extra: str) -> None:
        self.cloud.cdk(*arguments, log=self.log(log), **extra)

    def log(self, name: str) -> Path:
        return self.out / "logs" / f"{name}.log"

    def stacks(self) -> list[str]:
        pages = self.formation.get_paginator("describe_stacks").paginate()
        return [s["StackName"] for page in pages for s in page["Stacks"] if s["StackName"] != "CDKToolkit"]

    def published(self, name: str) -> str:
        """What the platform publishes for readers outside, such as `data-bucket`."""
        parameter = self.cloud.client("ssm").get_parameter(Name=f"/{self.platform.prefix}/{name}")
        return parameter["Parameter"]["Value"]

    def check_tags(self, *arns: str) -> None:
        """Raises RehearsalError unless each of these carries the platform's owner and team."""
        wanted = {name: self.platform.tags[name] for name in ("sluice:owner", "sluice:team", "sluice:cost-centre")}
        for arn in arns:
            tags = {tag["Key"]: tag["Value"] for tag in self.sagemaker.list_tags(ResourceArn=arn)["Tags"]}
            if not wanted.items() <= tags.items():
                raise RehearsalError(f"{arn} has the tags {tags}, not all of {wanted}")

    def as_persona(self, persona: str, service: str) -> Any:
        """A client under the role that Studio gives the first user of a persona."""
        user = next(user.name for user in self.platform.studio.users if user.persona == persona)
        domain = self.sagemaker.list_domains()["Domains"][0]["DomainId"]
        profile = self.sagemaker.describe_user_profile(DomainId=domain, UserProfileName=user)
        return self.cloud.as_role(service, profile["UserSettings"]["ExecutionRole"], (domain, user))

    def role_of(self, stack: str, start: str) -> str:
        """The ARN of the one role of a stack whose logical id begins so, dashes aside."""
        pages = self.formation.get_paginator("list_stack_resources").paginate(
            StackName=f"{self.platform.prefix}-{stack}"
        )
        rows = [row for page in pages for row in page["StackResourceSummaries"]]
        wanted = start.replace("-", "")
        [name] = [
            row["PhysicalResourceId"]
            for row in rows
            if row["ResourceType"] == "AWS::IAM::Role"
            and row["LogicalResourceId"].startswith(wanted)
            and len(row["LogicalResourceId"]) == len(wanted) + 8  # CDK adds eight digits of a hash
        ]
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def until(self, look: Callable[[], Any], enough: Callable[[Any], bool], what: str) -> Any:
        """What `look` finds once that is `enough`. Raises RehearsalError with what was seen last."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not enough(seen := look()):
            if time.monotonic() > deadline:
                raise RehearsalError(
                    f"waited {PATIENCE_SECONDS} s for {what}; last seen: {seen}\n{tail(self.log('cloud'))}"
                )
            time.sleep(0.1)
        return seen
