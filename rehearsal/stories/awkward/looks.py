"""What became of the resources of the cost story: used meanwhile, looked at afterwards, taken away at the end."""

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud
from rehearsal.stories.awkward.making import Awkward
from rehearsal.stories.awkward.table import NOTEBOOK_LOGS, Made

_GONE = ("could not find", "does not exist", "not found")
# what: the operations that describe and delete it, the member that names it, the member that holds its state
_KINDS = {
    "notebook": ("notebook_instance", "NotebookInstanceName", "NotebookInstanceStatus"),
    "endpoint": ("endpoint", "EndpointName", "EndpointStatus"),
    "component": ("inference_component", "InferenceComponentName", "InferenceComponentStatus"),
    "server": ("mlflow_tracking_server", "TrackingServerName", "TrackingServerStatus"),
    "config": ("endpoint_config", "EndpointConfigName", ""),
    "model": ("model", "ModelName", ""),
    "lifecycle": ("studio_lifecycle_config", "StudioLifecycleConfigName", ""),
    "setup": ("notebook_instance_lifecycle_config", "NotebookInstanceLifecycleConfigName", ""),
    "image": ("image", "ImageName", "ImageStatus"),
    "schedule": ("monitoring_schedule", "MonitoringScheduleName", "MonitoringScheduleStatus"),
    "package": ("model_package", "ModelPackageName", ""),
    "training": ("training_job", "TrainingJobName", "TrainingJobStatus"),
    "spot": ("training_job", "TrainingJobName", "TrainingJobStatus"),
    "processing": ("processing_job", "ProcessingJobName", "ProcessingJobStatus"),
    "automl": ("auto_ml_job_v2", "AutoMLJobName", "AutoMLJobStatus"),
    "transform": ("transform_job", "TransformJobName", "TransformJobStatus"),
    "tuning": ("hyper_parameter_tuning_job", "HyperParameterTuningJobName", "HyperParameterTuningJobStatus"),
}
STOPPED = ("Stopped", "Stopping")


def is_used(row: dict[str, Any], hour: int) -> bool:
    """Whether somebody uses it in that hour of the story."""
    match row.get("used", "never"):
        case "always":
            return True
        case "once":
            return hour == 0
        case "again":  # it was warned of at the first sweep, in the fourth hour
            return hour == 0 or hour > 4
        case "until-28":
            return hour <= 28
        case _:
            return False


class Looks:
    def __init__(self, cloud: EmbeddedCloud, awkward: Awkward) -> None:
        self._cloud, self._awkward = cloud, awkward

    def use(self, made: Iterable[Made], hour: int) -> None:
        """Whoever uses what was ended meanwhile finds it gone."""
        now = self._awkward.now()
        for each in made:
            quiet = each.what == "app" and each.row.get("used") == "quiet"
            if not (quiet or is_used(each.row, hour)) or self.state(each) != "InService":
                continue
            if quiet:
                self._cloud.control("activity", app=each.arn, user=now, health=now)
            else:
                self._use(each, now)

    def _use(self, each: Made, now: float) -> None:
        if each.what == "app":
            self._cloud.control("activity", app=each.arn, user=now - 60, health=now)
        elif each.what == "endpoint":
            runtime = self._awkward.client("sagemaker-runtime", each.region)
            runtime.invoke_endpoint(EndpointName=each.name, TargetVariant="v0", ContentType="text/csv", Body=b"1")
        elif each.what == "notebook":
            logs, stream = self._awkward.client("logs", each.region), f"{each.name}/jupyter.log"
            names = {"logGroupName": NOTEBOOK_LOGS, "logStreamName": stream}
            if not logs.describe_log_streams(logGroupName=NOTEBOOK_LOGS, logStreamNamePrefix=stream)["logStreams"]:
                logs.create_log_stream(**names)
            logs.put_log_events(**names, logEvents=[{"timestamp": int(now * 1000), "message": "Kernel started"}])

    def state(self, each: Made) -> str:
        """Its state, as one word; empty when it is gone."""
        try:
            return self._state(each)
        except ClientError as error:
            if any(words in str(error).lower() for words in _GONE):
                return ""
            raise

    def _state(self, each: Made) -> str:
        sagemaker, what = self._awkward.client("sagemaker", each.region), each.what
        match what:
            case "app":
                status = sagemaker.describe_app(**self.app(each))["Status"]
                return "" if status == "Deleted" else status
            case "space":
                return sagemaker.describe_space(DomainId=each.arn.split("/")[1], SpaceName=each.name)["Status"]
            case "files":
                name = each.arn.rsplit("/", 1)[-1]
                return self._awkward.client("efs", each.region).describe_file_systems(FileSystemId=name)["FileSystems"][
                    0
                ]["LifeCycleState"]
            case "logs":
                logs = self._awkward.client("logs", each.region)
                groups = logs.describe_log_groups(logGroupNamePrefix=each.name)["logGroups"]
                return "there" if groups else ""
        noun, member, status = _KINDS[each.row.get("type", "") if what == "job" else what]
        name = each.arn if what == "package" else each.name
        told = getattr(sagemaker, f"describe_{noun}")(**{member: name})
        if what == "component" and not told["RuntimeConfig"]["DesiredCopyCount"]:
            return "at zero"
        return told[status] if status else "there"

    def has_started(self, each: Made) -> bool:
        """Of a job: whether its instances are there, so that its time counts."""
        noun, member, _ = _KINDS[each.row["type"]]
        told = getattr(self._awkward.client("sagemaker", each.region), f"describe_{noun}")(**{member: each.name})
        return "TrainingStartTime" in told or "ProcessingStartTime" in told

    def app(self, each: Made) -> dict[str, str]:
        """The members that name an app: the last parts of its ARN, in the row's own spelling."""
        _, domain, owner, _, name = each.arn.split("/")
        within = "UserProfileName" if each.row.get("in") == "profile" else "SpaceName"
        return {"DomainId": domain, within: owner, "AppType": each.row.get("type", "JupyterLab"), "AppName": name}

    def came_of(self, each: Made, done: dict[str, str], warned: dict[str, str]) -> str:
        """In the words of the table. `done`: by ARN the rule of what the ledger says was done; `warned` likewise."""
        state, rule = self.state(each), done.get(each.arn)
        was_stopped = state in STOPPED and each.row.get("state") != "stopped"
        came = "deleted" if not state else "stopped" if was_stopped else "at zero" if state == "at zero" else ""
        if came or rule:
            return f"{came or 'unchanged'} {rule or 'and the ledger does not say why'}"
        return f"told {warned[each.arn]}" if each.arn in warned else "kept"
