"""A changed configuration takes away what one stack consumes and another one makes: one deployment each time."""

import shutil
from collections.abc import Callable

import yaml
from botocore.exceptions import ClientError

from rehearsal.embedded import RehearsalError
from rehearsal.stories import digits
from rehearsal.stories.deployed import Deployed
from rehearsal.stories.project import Project, copied

OTHER = "digits-two"


class Story(Project, digits.Story):
    """The platform with two workloads, then with one, then with none."""

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("start the embedded cloud", self.start),
            ("cdk bootstrap", self.bootstrap),
            ("cdk deploy --all, with two workloads", self.deploy),
            ("put the digits into the data bucket", self.put_data),
            ("run the pipeline of one", self.train),
            ("approve its model: promotion makes the endpoint", self.promote),
            ("take that workload out: one cdk deploy --all", self.remove_one),
            ("take out the last workload, a user and an interface endpoint: one cdk deploy --all", self.remove_last),
            ("another network is refused and rolled back", self.change_network),
            ("cdk destroy --all", self.destroy),
        ]

    def bootstrap(self) -> str:
        """A team's project has another workload: a copy of ours, with `digits-two` beside `digits`."""
        self.project = copied(self.out)
        shutil.copytree(self.project / "workloads" / "digits", self.project / "workloads" / OTHER)
        self._settings = yaml.safe_load(self.config.read_text())
        self._settings["workloads"] = ["digits", OTHER]
        self._choose("two")
        return super().bootstrap()

    def remove_one(self) -> str:
        self._settings["workloads"] = [OTHER]
        self._deploy_changed("one")
        self._check_gone(self._name)
        found = self._pipelines()
        if found != [f"{self.platform.prefix}-{OTHER}"]:
            raise RehearsalError(f"the pipelines are {found}")
        return f"endpoint, models, packages, group and pipeline of {self._name} are gone; {found[0]} stays"

    def remove_last(self) -> str:
        self._settings["workloads"] = []
        user = self._settings["studio"]["users"].pop()["name"]
        self._settings["network"]["interface_endpoints"] = ["sagemaker.api", "sagemaker.runtime", "logs"]
        self._deploy_changed("none")
        self._check_gone(f"{self.platform.prefix}-{OTHER}")
        users = [row["UserProfileName"] for row in self.sagemaker.list_user_profiles()["UserProfiles"]]
        services = [row["ServiceName"] for row in self.cloud.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]]
        if self._pipelines() or user in users or any(name.endswith(".sts") for name in services):
            raise RehearsalError(f"left: pipelines {self._pipelines()}, users {users}, endpoints {services}")
        return f"no pipeline, no endpoint; {user} and the interface endpoint of sts are gone as well"

    def change_network(self) -> str:
        """The export that others import is held by CloudFormation: docs/operations.md has the order that works."""
        before = self._network()
        current = self.assembly
        self._settings["network"]["cidr"] = "10.43.0.0/16"
        try:
            self._deploy_changed("network")
        except RehearsalError:
            if not (refusals := self._refusals()):
                raise
        else:
            raise RehearsalError("the subnets that Studio lives in were replaced beneath it")
        self.assembly = current
        if self._network() != before:
            raise RehearsalError(f"the network was {before} and is {self._network()}")
        return refusals[0]

    def destroy(self) -> str:
        return Deployed.destroy(self)  # the digits' own keeps a record of their calls

    def _choose(self, name: str) -> None:
        self.config = self.out / f"{name}.yaml"
        self.config.write_text(yaml.safe_dump(self._settings, sort_keys=False))

    def _deploy_changed(self, name: str) -> None:
        self._choose(name)
        self.assembly = self.out / f"cdk.{name}.out"
        self.synthesize(self.config, self.assembly)
        self.deploy_all(f"deploy-{name}")

    def _check_gone(self, name: str) -> None:
        """Raises RehearsalError if anything of a workload is left, whether a stack made it or promotion did."""
        sagemaker = self.sagemaker
        left = [
            *sagemaker.list_endpoints(NameContains=name)["Endpoints"],
            *sagemaker.list_endpoint_configs(NameContains=f"{name}-v")["EndpointConfigs"],
            *sagemaker.list_models(NameContains=f"{name}-v")["Models"],
        ]
        for look in (
            lambda: sagemaker.describe_model_package_group(ModelPackageGroupName=name),
            lambda: sagemaker.describe_pipeline(PipelineName=name),
        ):
            try:
                left.append(look())
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("ResourceNotFound", "ValidationException"):
                    raise
        if left:
            raise RehearsalError(f"left of {name}: {left}")

    def _pipelines(self) -> list[str]:
        return [row["PipelineName"] for row in self.sagemaker.list_pipelines()["PipelineSummaries"]]

    def _refusals(self) -> list[str]:
        """What CloudFormation said of exports in use when it refused updates of the foundation."""
        events = self.formation.describe_stack_events(StackName=f"{self.platform.prefix}-foundation")["StackEvents"]
        reasons = [event.get("ResourceStatusReason", "") for event in events]
        return [reason for reason in reasons if reason.startswith("Export") and "as it is in use by" in reason]

    def _network(self) -> tuple[str, str]:
        """The published subnets, and those of the domain."""
        domain = self.sagemaker.describe_domain(DomainId=self.published("domain-id"))
        return self.published("subnet-ids"), ",".join(domain["SubnetIds"])
