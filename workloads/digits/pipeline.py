"""A pipeline that clusters: Begin -> preprocess -> train (built-in K-means) -> evaluate -> register, if it is better.

Compiled by `sluice pipelines compile`. What only a deployment knows stands as `${Name}`, which synthesis fills in.
"""

# pyright: reportMissingImports=false

from pathlib import Path

from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline

from config.workload import Workload
from workloads.compiler import processing, registration, training
from workloads.compiler.plan import KMEANS_IMAGE, SKLEARN_IMAGE, Plan
from workloads.compiler.processing import FOLDER
from workloads.compiler.registration import Reports, Served

# Placeholder -> the arguments of `sagemaker.core.image_uris.retrieve` that name its image in each region.
IMAGES = {"KmeansImage": KMEANS_IMAGE, "SklearnImage": SKLEARN_IMAGE}
IMAGE = "${KmeansImage}"
OUTPUTS = ["train", "test", "baseline"]


def build(workload: Workload, session: PipelineSession, role: str) -> Pipeline:
    """The pipeline of `workload`; its jobs run as `role`. No call leaves the machine."""
    plan = Plan(Path(__file__).parent.name, workload, session, role)
    begin = processing.begin(plan)
    # Twice as many shards as instances, so that sharding by key leaves no instance without data.
    arguments = [word for name in OUTPUTS for word in (f"--{name}", f"{FOLDER}/output/{name}")]
    arguments += ["--shards", str(2 * plan.training.instance_count)]
    arguments += ["--manifest", f"{FOLDER}/input/manifest"]
    preprocess = processing.preprocess(plan, begin, arguments, OUTPUTS)
    data = processing.output(preprocess, "train")
    algorithm = workload.algorithm.model_dump(exclude={"name"})
    channel = training.channel("train", data, shard=True, content_type="text/csv;label_size=0")
    train = training.built_in(plan, IMAGE, algorithm, [channel])
    test = processing.output(preprocess, "test")
    evaluate = processing.evaluate(plan, begin, registration.model(plan, train), test)
    reports = Reports(
        statistics=processing.file(preprocess, "baseline", "statistics.json"),
        constraints=processing.file(preprocess, "baseline", "constraints.json"),
    )
    better = registration.better(plan, begin, train, evaluate, data=data, served=Served(image=IMAGE), reports=reports)
    return registration.pipeline(plan, [begin, preprocess, train, evaluate, better])
