"""Makes what the table of the cost story lists, each in its awkward state."""

import io
import json
import tarfile
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import boto3

from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from rehearsal.stories.awkward import jobs, left, serving, studio
from rehearsal.stories.awkward.table import IMAGE, NOTEBOOK_LOGS, Made, Row, table

_TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_SERVES = "def model_fn(folder): return None\ndef transform_fn(model, body, kind, accept): return '1'\n"


class Awkward:
    """Makes and removes with the account's own credentials, whatever the platform's roles may."""

    def __init__(self, cloud: EmbeddedCloud, tags: Mapping[str, str], dates: Mapping[str, str]) -> None:
        self.cloud, self._tags, self._dates = cloud, tags, dates
        self.role = f"{tags['sluice:platform']}-awkward"  # as only the platform's roles are called
        self.role_arn = f"arn:aws:iam::{ACCOUNT}:role/{self.role}"
        self.domains = {"us": cloud.client("sagemaker").list_domains()["Domains"][0]}
        domain = cloud.client("sagemaker").describe_domain(DomainId=self.domains["us"]["DomainId"])
        self.key = domain["KmsKeyId"]
        self.client = cache(self._client)

    def _client(self, service: str, region: str) -> Any:
        given = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "rehearsal"}
        return boto3.client(service, region_name=region, endpoint_url=self.cloud.url, **given)

    def prepare(self) -> None:
        """A role for everything, a model that answers 1, and domains that are not ours."""
        iam, s3, home = self.cloud.client("iam"), self.cloud.client("s3"), self.cloud.region
        trust = json.dumps({"Version": "2012-10-17", "Statement": [_TRUST]})
        iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=trust)
        policy = json.dumps({"Version": "2012-10-17", "Statement": [_ALL]})
        iam.put_role_policy(RoleName=self.role, PolicyName="all", PolicyDocument=policy)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            member = tarfile.TarInfo("code/inference.py")
            member.size = len(_SERVES)
            tar.addfile(member, io.BytesIO(_SERVES.encode()))
        s3.create_bucket(Bucket="awkward")
        s3.put_object(Bucket="awkward", Key="model.tar.gz", Body=packed.getvalue())
        serving.model(self, "awkward", home, self.tags({}), IMAGE)
        sagemaker = self.client("sagemaker", home)
        for of in ("other", "nobody"):
            tags = self.tags({"of": of})
            arn = sagemaker.create_domain(DomainName=of, AuthMode="IAM", DefaultUserSettings={}, Tags=tags)["DomainArn"]
            self.domains[of] = {"DomainId": arn.rsplit("/", 1)[-1], "DomainArn": arn}
        for region in (home, *table()["abroad"]["regions"]):
            self.client("logs", region).create_log_group(logGroupName=NOTEBOOK_LOGS)
        self.cloud.control("advance", seconds=1)
        for of in ("other", "nobody"):
            sagemaker.create_user_profile(DomainId=self.domains[of]["DomainId"], UserProfileName="ada")
        self.cloud.control("advance", seconds=1)

    def tags(self, row: Row) -> list[dict[str, str]]:
        """As SageMaker takes them."""
        owned = {"us": dict(self._tags), "other": {"sluice:platform": "another"}, "nobody": {}}[row.get("of", "us")]
        own = {key: value.format_map(self._dates) for key, value in row.get("tags", {}).items()}
        return [{"Key": key, "Value": value} for key, value in {**owned, **own}.items()]

    def make(self, what: str, region: str, row: Row) -> Made:
        return Made(row, what, region, _WAYS[what](self, region, row))

    def now(self) -> float:
        return self.cloud.control("advance", seconds=0)["now"]


_WAYS: dict[str, Callable[[Awkward, str, Row], str]] = {
    "app": studio.app,
    "space": lambda shop, region, row: studio.space(shop, row),
    "notebook": studio.notebook,
    "server": studio.server,
    "endpoint": serving.endpoint,
    "component": serving.component,
    "config": lambda shop, region, row: serving.config(shop, region, row, shop.tags(row)),
    "model": lambda shop, region, row: serving.model(shop, row["name"], region, shop.tags(row), IMAGE),
    "job": jobs.job,
    "lifecycle": left.lifecycle,
    "setup": left.setup,
    "image": left.image,
    "files": left.files,
    "schedule": left.schedule,
    "logs": left.log_group,
    "package": left.package,
}
