"""The `sluice` command itself, by night, under a role that a person who looks after costs would have."""

import json
import sys
from datetime import timedelta
from typing import Any

from rehearsal.embedded import ACCOUNT, RehearsalError
from rehearsal.stories.awkward.table import Made
from rehearsal.stories.cost_story import CostStory

_TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
# The command at the cloud's time, which is days ahead of this machine's.
_THEN = """
import sys
from datetime import datetime
from cli import account
from cli.main import app
now = datetime.fromisoformat(sys.argv.pop(1))
account.clock = lambda: now
app(prog_name="sluice")
"""
WANTED = "serving-wanted"


class Commands(CostStory):
    """A step that needs `evening` before it."""

    _days_made: list[Made]

    def command(self) -> str:
        wanted = next(each for each in self._days_made if each.name == WANTED)
        now = self._now()
        role, last = self._operator(), str((now + timedelta(days=30)).date())
        shown = self._sluice(role, "costs", "--since", str((now - timedelta(days=7)).date()))
        _tells(shown, "saved", "idle", "research")
        judged = self._sluice(role, "sweep", "--all")
        _tells(judged, "serving-kept", "sluice:keep is", "is in production")
        restored = self._sluice(role, "restore", WANTED)
        _tells(restored, f"restored: {WANTED} is being created")
        self._settled([wanted])
        kept = self._sluice(role, "keep", wanted.arn, "--until", last)
        tags = {tag["Key"]: tag["Value"] for tag in self.sagemaker.list_tags(ResourceArn=wanted.arn)["Tags"]}
        if not tags["sluice:keep"].startswith(f"{last} by "):
            raise RehearsalError(f"{kept}: {tags}")
        self._without(role)
        return f"saved and judged were shown; {WANTED} is back, and kept: {tags['sluice:keep']}"

    def _sluice(self, role: str, *arguments: str) -> str:
        """What it wrote. Raises RehearsalError unless it ends with 0."""
        given = self.cloud.control("session", role=role, user=None)
        env = {name.upper(): value for name, value in given.items()}
        log = self.log(f"sluice-{arguments[0]}")
        log.unlink(missing_ok=True)
        then = [sys.executable, "-c", _THEN, self._now().isoformat(), *arguments]
        self.cloud.run(then, log, SLUICE_CONFIG=str(self.config), COLUMNS="400", **env)
        return log.read_text("utf-8")

    def _operator(self) -> str:
        """The ARN of a role that may look at everything, bring endpoints back and tag, and no more."""
        prefix, bucket = self.platform.prefix, self.published("artifact-bucket")
        table = f"arn:aws:dynamodb:{self.cloud.region}:{ACCOUNT}:table/{self.published('sweep-ledger')}"
        name = f"{prefix}-costs-operator"
        looks = [
            *("sagemaker:List*", "sagemaker:Describe*", "cloudwatch:GetMetricData", "tag:GetResources"),
            *("elasticfilesystem:DescribeFileSystems", "logs:Describe*", "logs:GetLogEvents"),
            "logs:ListTagsForResource",
        ]
        ours = {"StringEquals": {"aws:ResourceTag/sluice:platform": prefix}}
        made = {"StringEquals": {"aws:RequestTag/sluice:platform": prefix}}
        statements: list[dict[str, Any]] = [
            _may(looks, ["*"]),
            _may(["ssm:GetParameter"], [f"arn:aws:ssm:{self.cloud.region}:{ACCOUNT}:parameter/{prefix}/*"]),
            _may([f"dynamodb:{each}" for each in ("Query", "GetItem", "PutItem", "DeleteItem")], [table, f"{table}/*"]),
            _may(["s3:ListBucket", "s3:GetObject"], [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/costs/*"]),
            _may(["sagemaker:AddTags"], ["*"]) | {"Condition": ours},
            _may(["sagemaker:AddTags", "sagemaker:CreateEndpoint"], ["*:endpoint/*"]) | {"Condition": made},
            _may(["sagemaker:CreateEndpoint"], ["*:endpoint-config/*"]),
        ]
        iam = self.cloud.client("iam")
        trust = json.dumps({"Version": "2012-10-17", "Statement": [_TRUST]})
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="costs", PolicyDocument=policy)
        return arn

    def _without(self, role: str) -> None:
        iam, name = self.cloud.client("iam"), role.rpartition("/")[2]
        iam.delete_role_policy(RoleName=name, PolicyName="costs")
        iam.delete_role(RoleName=name)


def _may(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _tells(text: str, *words: str) -> None:
    lacking = [each for each in words if each not in text]
    if lacking:
        raise RehearsalError(f"it does not tell of {', '.join(lacking)}:\n{text}")
