"""A pipeline over a table: Begin -> preprocess -> train, or search for hyperparameters -> evaluate -> register.

Compiled by `sluice pipelines compile`. What only a deployment knows stands as `${Name}`, which synthesis fills in.
"""

# pyright: reportMissingImports=false

from pathlib import Path

from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep

from config.workload import Workload
from workloads.compiler import processing, registration, training, tuning
from workloads.compiler.plan import SKLEARN_IMAGE, Plan, image
from workloads.compiler.processing import FOLDER
from workloads.compiler.registration import Reports, Served

# Placeholder -> the arguments of `sagemaker.core.image_uris.retrieve` that name its image in each region.
IMAGES = {"SklearnImage": SKLEARN_IMAGE}
OUTPUTS = ["train", "validation", "test", "baseline"]
# The training script puts what serves the model beside it.
SERVING = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}


def build(workload: Workload, session: PipelineSession, role: str) -> Pipeline:
    """The pipeline of `workload`; its jobs run as `role`. No call leaves the machine."""
    plan = Plan(Path(__file__).parent.name, workload, session, role)
    begin = processing.begin(plan)
    preprocess = processing.preprocess(plan, begin, _arguments(workload), OUTPUTS)
    learned = {name: processing.output(preprocess, name) for name in ("train", "validation")}
    channels = [training.channel(name, uri) for name, uri in learned.items()]
    train = tuning.tune(plan, channels) if workload.tuning else training.script(plan, channels)
    test = processing.output(preprocess, "test")
    model = registration.model(plan, train)
    evaluate = processing.evaluate(plan, begin, model, test, _segment(workload), learned)
    better = registration.better(
        plan,
        begin,
        train,
        evaluate,
        data=learned["train"],
        served=Served(image=image(workload, "serve"), environment=SERVING),
        reports=_reports(workload, preprocess, evaluate),
        test=test if workload.monitor else None,
    )
    return registration.pipeline(plan, [begin, preprocess, train, evaluate, better])


def _arguments(workload: Workload) -> list[str]:
    assert workload.data.target is not None  # a script has one: config/workload.py
    given = ["--format", workload.data.format, "--target", workload.data.target, *_segment(workload)]
    given += ["--metric", workload.metric.name]  # refused there, before anything is trained, if the table has no such
    outputs = [word for name in OUTPUTS for word in (f"--{name}", f"{FOLDER}/output/{name}")]
    return [*given, "--manifest", f"{FOLDER}/input/manifest", *outputs]


def _segment(workload: Workload) -> list[str]:
    return ["--segment", workload.data.segment] if workload.data.segment else []


def _reports(workload: Workload, preprocess: ProcessingStep, evaluate: ProcessingStep) -> Reports:
    # Without a segment there are no groups between which a bias could be.
    return Reports(
        bias=processing.file(evaluate, "evaluation", "bias.json") if workload.data.segment else None,
        explanation=processing.file(evaluate, "evaluation", "explanation.json"),
        statistics=processing.file(preprocess, "baseline", "statistics.json"),
        constraints=processing.file(preprocess, "baseline", "constraints.json"),
    )
