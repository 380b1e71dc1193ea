"""The second story: what is tried under the platform's roles comes out as the table of attempts says."""

import json
from collections.abc import Callable
from typing import Any

from rehearsal import attempts
from rehearsal.embedded import ROOT, RehearsalError
from rehearsal.stories.deployed import Deployed

WORKLOAD = "digits"
_TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}


class Story(Deployed):
    """Deploys as the first story does, then makes every call of the table."""

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("start the embedded cloud", self.start),
            ("cdk bootstrap", self.bootstrap),
            ("cdk deploy --all; cdk diff finds nothing", self.deploy),
            ("try what guardrails and roles forbid, and what they allow", self.attempt),
        ]

    def attempt(self) -> str:
        self.cloud.control("jobs", paused=True)  # whether a job may start is asked here, not what it does
        clients, values = self._clients(), self._values()
        rows: list[dict[str, str]] = []
        for attempt, request in attempts.requests(values):
            service = "sagemaker-runtime" if attempt.call == "InvokeEndpoint" else "sagemaker"
            found = attempts.outcome(clients(attempt.who, service), attempt.call, request)
            rows.append({"attempt": str(attempt), "expected": attempt.outcome, "found": found})
        (self.out / "attempts.json").write_text(json.dumps(rows, indent=1) + "\n")
        denied = sum(row["found"] == attempts.DENIED for row in rows)
        told = f"{len(rows)} attempts, {len(rows) - denied} permitted, {denied} denied"
        wrong = [f"{r['attempt']}: {r['found']}, not {r['expected']}" for r in rows if r["found"] != r["expected"]]
        if wrong:
            raise RehearsalError(f"{told}; {len(wrong)} not as the table says:\n" + "\n".join(wrong))
        return f"{told}, all as the table says"

    def _clients(self) -> Callable[[str, str], Any]:
        """A client for each name of the table's `who`."""
        roles = {
            "pipeline": self.role_of("training", f"Pipeline{WORKLOAD}Role"),
            "job": self.role_of("training", f"Pipeline{WORKLOAD}JobRole"),
            "endpoint": self.role_of("serving", f"Endpoint{WORKLOAD}Role"),
            "anything": self._everything("anything"),
            "anybody": self._everything("anybody", persona="data-scientist"),
        }
        users = {user.persona: user.name for user in self.platform.studio.users}

        def client(who: str, service: str) -> Any:
            if who in roles:
                return self.cloud.as_role(service, roles[who])
            if who in users:
                return self.as_persona(who, service)
            return self.cloud.as_role(service, self.role_of("studio", who), (self._domain(), "nobody"))

        return client

    def _values(self) -> dict[str, str]:
        domain = self.sagemaker.describe_domain(DomainId=self._domain())
        images = json.loads((ROOT / "workloads" / WORKLOAD / "images.json").read_text())
        image = images["KmeansImage"][self.cloud.region]
        experiments = self.role_of("studio", "Experiments")
        self.cloud.client("iam").create_role(RoleName="stranger", AssumeRolePolicyDocument=_document(_TRUST))
        container = {"Image": image, "ModelDataUrl": "s3://none/model.tar.gz"}
        self.sagemaker.create_model(
            ModelName=f"{self.platform.prefix}-tried", ExecutionRoleArn=experiments, PrimaryContainer=container
        )
        package = self.sagemaker.create_model_package(ModelPackageGroupName=f"{self.platform.prefix}-{WORKLOAD}")[
            "ModelPackageArn"
        ]
        for owner in ("ada", "grace"):
            self._space(domain["DomainId"], owner)
        team = self.platform.tags["sluice:team"]
        for name, whose in (("try", team), ("foreign", "another")):
            self._job(f"{self.platform.prefix}-{name}", image, experiments, whose)
        return {
            "prefix": self.platform.prefix,
            "team": team,
            "domain": domain["DomainId"],
            "subnet": domain["SubnetIds"][0],
            "group": domain["DefaultUserSettings"]["SecurityGroups"][0],
            "key": domain["KmsKeyId"],
            "artifacts": self.published("artifact-bucket"),
            "image": image,
            "model": f"{self.platform.prefix}-tried",
            "package": package,
            "pipeline": self.sagemaker.describe_pipeline(PipelineName=f"{self.platform.prefix}-{WORKLOAD}")[
                "PipelineArn"
            ],
            "experiments": experiments,
            "job": self.role_of("training", f"Pipeline{WORKLOAD}JobRole"),
            "pipeline_role": self.role_of("training", f"Pipeline{WORKLOAD}Role"),
            "stranger": self._arn("stranger"),
        }

    def _space(self, domain: str, owner: str) -> None:
        space = {"DomainId": domain, "SpaceName": f"of-{owner}"}
        self.sagemaker.create_space(
            **space,
            OwnershipSettings={"OwnerUserProfileName": owner},
            SpaceSharingSettings={"SharingType": "Private"},
        )
        self.until(lambda: self.sagemaker.describe_space(**space), lambda s: s["Status"] == "InService", "a space")

    def _job(self, name: str, image: str, role: str, team: str) -> None:
        self.sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn=role,
            AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
            OutputDataConfig={"S3OutputPath": "s3://none"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
            Tags=[{"Key": "sluice:team", "Value": team}],
        )

    def _everything(self, name: str, **tags: str) -> str:
        """The ARN of a new role that is allowed everything within the platform's boundary."""
        iam, role = self.cloud.client("iam"), f"{self.platform.prefix}-{name}"
        boundary = self._arn(f"{self.platform.prefix}-boundary").replace(":role/", ":policy/")
        arn = iam.create_role(
            RoleName=role,
            AssumeRolePolicyDocument=_document(_TRUST),
            PermissionsBoundary=boundary,
            Tags=[{"Key": f"sluice:{key}", "Value": value} for key, value in tags.items()],
        )["Role"]["Arn"]
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        iam.put_role_policy(RoleName=role, PolicyName="everything", PolicyDocument=_document(everything))
        return arn

    def _arn(self, role: str) -> str:
        account = self.cloud.client("sts").get_caller_identity()["Account"]
        return f"arn:aws:iam::{account}:role/{role}"

    def _domain(self) -> str:
        return self.sagemaker.list_domains()["Domains"][0]["DomainId"]


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
