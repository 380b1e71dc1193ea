"""Training jobs, on demand and managed spot.

Source: AWS, "How Amazon SageMaker AI Runs Your Training Image", "Managed Spot Training Lifecycle", StoppingCondition
and DescribeTrainingJob. TrainingTimeInSeconds is the time on instances, of all attempts; BillableTimeInSeconds is the
same, since AWS lowers it by the spot price and this cloud has none: savings read 0.
"""

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from rehearsal.sagemaker import container, images, storage
from rehearsal.sagemaker.checkpoints import Checkpoints
from rehearsal.sagemaker.container import ML, Instance
from rehearsal.sagemaker.joblog import JobLog
from rehearsal.sagemaker.kinds import DAY_SECONDS
from rehearsal.sagemaker.run import Run
from rehearsal.sagemaker.training_command import Command, command, variables

POLL_SECONDS = 0.05
NO_CAPACITY = "Insufficient capacity error from EC2 while launching instances, retrying!"


class Training:
    """Carries out one training job, in as many attempts as spot capacity makes necessary."""

    def __init__(self, run: Run, environment: Mapping[str, str]) -> None:
        self._run, self._record, self._environment = run, run.record, environment
        self._clock, self._faults = run.service.clock, run.service.faults
        self._resources: dict[str, Any] = run.record["ResourceConfig"]
        self._spot: bool = run.record.get("EnableManagedSpotTraining", False)
        self._runner = images.runner(run.record["AlgorithmSpecification"]["TrainingImage"])
        self._s3 = run.client("s3", run.record["RoleArn"])
        self._attempt, self._seconds = 1, 0.0
        self._interruption, self._was_interrupted = threading.Event(), False
        self._kills, self._unasked = 0, False
        self._interruption_due = self._interrupted_at = 0.0

    def carry_out(self) -> None:
        """Raises JobError, EndedError, and what S3 raises. Artifacts are uploaded of a job that must end early too."""
        stopping, output = self._record["StoppingCondition"], self._record["OutputDataConfig"]
        target = f"{output['S3OutputPath'].rstrip('/')}/{self._run.name}/output"
        if self._spot:
            self._clock.after(stopping["MaxWaitTimeInSeconds"], lambda: self._run.end("MaxWaitTimeExceeded"))
        while True:
            self._get_capacity()
            began = self._clock.now()
            try:
                cluster = self._try()
                if not self._interrupted_at:
                    return self._upload(cluster, target)
            finally:
                self._seconds += (self._run.verdict_at or self._interrupted_at or self._clock.now()) - began
                told = max(1, round(self._seconds))
                self._record["TrainingTimeInSeconds"] = self._record["BillableTimeInSeconds"] = told
            self._attempt += 1  # before the interruption is forgotten: the limit of this attempt is no more
            self._interrupted_at = 0.0
            self._interruption.clear()
            self._run.enter("Starting", "Restarting the training job after a spot interruption")

    def _get_capacity(self) -> None:
        """Returns when there are instances. Raises JobError on demand; spot waits until it must not any more."""
        kind = self._resources["InstanceType"]
        if not self._spot:
            self._run.require_capacity(kind)
        if self._spot and self._lacks(kind):
            self._run.enter("Starting", NO_CAPACITY)
        while self._spot and self._lacks(kind):
            self._run.check()
            time.sleep(POLL_SECONDS)
        self._run.check()

    def _lacks(self, kind: str) -> bool:
        return kind in self._faults.no_spot_capacity or kind in self._faults.no_capacity

    def _try(self) -> list[Instance]:
        """One attempt on new instances, until it is done, interrupted or must end. Gives the instances, all ended."""
        self._record.setdefault("TrainingStartTime", self._clock.now())
        self._limit_runtime()
        self._run.enter("Downloading", "Downloading input data")
        folder = self._run.folder / f"attempt-{self._attempt}"
        cluster = container.instances(folder, self._resources["InstanceCount"], self._resources["InstanceType"])
        checkpoints = self._checkpoints(cluster)
        checkpoints.download()
        self._download(cluster)
        chosen = command(self._record, self._runner, cluster, self._s3)
        self._run.check()
        told = f"Training image download completed. Training in progress. Stand-in: {self._runner.stand_in}."
        self._run.enter("Training", told)
        self._plan_interruption()
        self._carry_out_command(cluster, chosen, checkpoints)
        return cluster

    def _carry_out_command(self, cluster: list[Instance], chosen: Command, checkpoints: Checkpoints) -> None:
        run = self._run
        log = JobLog(run, self._record["RoleArn"], [(instance.host, instance.log) for instance in cluster])

        def tick() -> None:
            log.follow()
            checkpoints.sync()

        own = variables(self._record, chosen, cluster)
        try:
            container.start(cluster, chosen.words, self._environment, own, chosen.folder)
            if not container.wait(cluster, lambda: bool(run.verdict) or self._interruption.is_set(), tick):
                if not run.verdict:
                    self._interrupted_at = self._interruption_due
                    run.enter("Interrupted", "The managed spot training instances were interrupted")
                if self._unasked and not run.verdict:
                    for instance in cluster:
                        instance.kill()
                container.terminate(cluster, self._clock, tick)
        finally:
            for instance in cluster:
                instance.end()
            log.follow(to_the_end=True)
            checkpoints.sync(now=True)

    def _limit_runtime(self) -> None:
        """AWS does not say whether an interruption starts MaxRuntimeInSeconds anew: here all attempts count."""
        limit = self._record["StoppingCondition"].get("MaxRuntimeInSeconds", DAY_SECONDS)
        attempt = self._attempt

        def end() -> None:
            if self._attempt == attempt and not self._interruption.is_set():
                self._run.end("MaxRuntimeExceeded")

        self._clock.after(max(0.0, limit - self._seconds), end)

    def _plan_interruption(self) -> None:
        after, within = self._faults.interrupt_spot_after_seconds, self._faults.kill_spot_within_seconds
        if self._spot and after is not None and not self._was_interrupted:
            self._was_interrupted, self._unasked = True, False
            self._clock.after(after, self._interrupt)
        elif self._spot and within is not None and self._kills < self._faults.kill_spot_times:
            # The processes alone are lost: what they wrote still reaches S3. Whether it does in AWS, AWS does not say.
            self._kills, self._unasked = self._kills + 1, True
            self._clock.after(self._faults.moment(within), self._interrupt)

    def _interrupt(self) -> None:
        self._interruption_due = self._clock.now()
        self._interruption.set()

    def _checkpoints(self, cluster: list[Instance]) -> Checkpoints:
        config = self._record.get("CheckpointConfig", {})
        folders = [instance.path(config.get("LocalPath", f"{ML}/checkpoints")) for instance in cluster]
        return Checkpoints(self._s3, config.get("S3Uri", ""), folders if config else [])

    def _download(self, cluster: list[Instance]) -> None:
        channels = self._record.get("InputDataConfig", [])
        for channel in channels:
            self._run.check()
            _download_channel(self._s3, channel, cluster)
        described = {channel["ChannelName"]: _described(channel) for channel in channels}
        for instance in cluster:
            config = instance.folder / "input" / "config"
            (config / "hyperparameters.json").write_text(json.dumps(self._record.get("HyperParameters", {})))
            (config / "inputdataconfig.json").write_text(json.dumps(described))
            instance.log.write_text(f"stand-in: {self._runner.stand_in}\n")

    def _upload(self, cluster: list[Instance], target: str) -> None:
        """What /opt/ml/model and /opt/ml/output/data hold; a job that must end early may have nothing yet."""
        self._run.enter("Uploading", "Uploading generated training model")
        key = self._record["OutputDataConfig"].get("KmsKeyId")
        for name, parts in (("model", "model"), ("output", "output/data")):
            folders = [instance.folder / parts for instance in cluster]
            if any(any(part.iterdir()) for part in folders) or (name == "model" and not self._run.verdict):
                storage.upload_tar(self._s3, folders, f"{target}/{name}.tar.gz", key, self._run.folder)


def _described(channel: Mapping[str, Any]) -> dict[str, str]:
    """A channel as inputdataconfig.json tells of it: AWS, "Input Data Configuration"."""
    source = channel["DataSource"]["S3DataSource"]
    return {
        "ContentType": channel.get("ContentType", ""),
        "TrainingInputMode": "File",
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": "None",
    }


def _download_channel(s3: Any, channel: Mapping[str, Any], cluster: list[Instance]) -> None:
    source, name = channel["DataSource"]["S3DataSource"], channel["ChannelName"]
    found = storage.keys(s3, source["S3Uri"])
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    for index, instance in enumerate(cluster):
        share = found[index :: len(cluster)] if sharded else found
        folder = instance.folder / "input" / "data" / name
        storage.download(s3, source["S3Uri"], folder, share)
        if name == "sm_drivers":  # the SDK's own scripts name /opt/ml, which is elsewhere here; user code is left alone
            for script in (path for path in folder.rglob("*") if path.suffix in (".sh", ".py", ".json")):
                script.write_text(instance.local(script.read_text()))
