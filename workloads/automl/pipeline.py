"""The automl state machine: preprocess -> search (Autopilot) -> leaderboard -> predict -> evaluate -> register.

A state machine, because SageMaker's pipelines cannot start an AutoML job of the second version. Compiled by `sluice
pipelines compile` without the SDK. What only a deployment knows stands as `${Name}`, which synthesis fills in.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.workload import Autopilot, Workload
from workloads.compiler.asl import (
    PROCESSING,
    State,
    code,
    data,
    job,
    jsonata,
    output,
    processing,
    retry,
    source,
    task,
    vpc,
)
from workloads.compiler.machine import OBJECTIVES

NAME = Path(__file__).parent.name
OUTPUTS = ("train", "features", "labels", "baseline")  # Autopilot reads all that is in the first
SEARCH_POLL_SECONDS = 60
TRANSFORM_SECONDS, SLACK_SECONDS = 3600, 1800
MOST_TOLD = 50  # candidates on the leaderboard: a task's answer is 256 KiB at most
# Probabilities with their labels mean the same in both of Autopilot's modes; `probability` alone does not.
KEYS = ("predicted_label", "probabilities", "labels")


def build(workload: Workload) -> dict[str, Any]:
    """The state machine of `workload`."""
    assert isinstance(workload.algorithm, Autopilot)
    search = workload.algorithm.search_seconds
    return {
        "Comment": workload.description,
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": search + 2 * workload.process.max_run_seconds + 2 * TRANSFORM_SECONDS + SLACK_SECONDS,
        "StartAt": "Name",
        "States": dict(_states(workload)),
    }


def _states(workload: Workload) -> Iterator[tuple[str, State]]:
    yield from _beginning(workload)
    yield from job("Preprocess", "ProcessingJob", _preprocess(workload), "Search", workload)
    objective = "ResolvedAttributes.AutoMLJobObjective.MetricName"
    found = {"best": "$states.result.BestCandidate", "objective": f"$states.result.{objective}"}
    yield from job(
        "Search",
        "AutoMLJobV2",
        _search(workload),
        "Candidates",
        workload,
        poll_seconds=SEARCH_POLL_SECONDS,
        keeps=found,
    )
    yield from _leaderboard(workload)
    yield from _predictions("Challenger", "$containers", workload, "HasChampion")
    compare = {"Condition": jsonata("$begin.ChampionVersion != '0'"), "Next": "ChampionModel"}
    yield "HasChampion", {"Type": "Choice", "Choices": [compare], "Default": "Evaluate"}
    champion = "[{'ModelPackageName': '${PackageArn}/' & $begin.ChampionVersion}]"
    yield from _predictions("Champion", champion, workload, "Evaluate")
    yield from job("Evaluate", "ProcessingJob", _evaluate(workload), "Verdict", workload)
    yield from _conclusion(workload)


def _beginning(workload: Workload) -> Iterator[tuple[str, State]]:
    """Names of this execution alone: AWS allows an AutoML job 32 characters, and an execution 80."""
    run = "'${JobStem}-' & $substring($hash($states.context.Execution.Id, 'SHA-256'), 0, 12)"
    uri = f"'s3://${{ArtifactBucket}}/{NAME}/' & $states.context.Execution.Name"
    yield "Name", {"Type": "Pass", "Assign": {"run": jsonata(run), "uri": jsonata(uri)}, "Next": "Begin"}
    payload = {
        "workload": NAME,
        "execution": jsonata("$states.context.Execution.Name"),
        "path": workload.data.path,
        "manifest": jsonata("$exists($states.input.Manifest) ? $states.input.Manifest : ''"),
    }
    begun = jsonata("$states.result.Payload")
    yield (
        "Begin",
        {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::lambda:invoke",
            "Arguments": {"FunctionName": "${BeginFunctionArn}", "Payload": payload},
            "Assign": {"begin": begun, "against": jsonata("$states.result.Payload.ManifestUri")},
            **retry(
                workload, "Lambda.ServiceException", "Lambda.TooManyRequestsException", "Lambda.SdkClientException"
            ),
            "Next": "Preprocess",
        },
    )


def _preprocess(workload: Workload) -> State:
    words = ["preprocess", "--input", data(workload.data.path), "--target", workload.data.target]
    words += ["--format", workload.data.format, "--manifest", f"{PROCESSING}/input/manifest"]
    assert isinstance(workload.algorithm, Autopilot)
    if workload.algorithm.problem == "auto":  # else config/metrics.py has compared the two
        words += ["--metric", workload.metric.name]
    for name in OUTPUTS:
        words += [f"--{name}", f"{PROCESSING}/output/{name}"]
    inputs = [code(), source("data", jsonata("$begin.DataUri")), source("manifest", jsonata("$begin.ManifestUri"))]
    outputs = [output("preprocess", name) for name in OUTPUTS]
    return processing(workload, words, inputs, outputs)


def _search(workload: Workload) -> State:
    algorithm = workload.algorithm
    assert isinstance(algorithm, Autopilot)
    tabular: State = {
        "TargetAttributeName": workload.data.target,
        "Mode": algorithm.mode,
        "CompletionCriteria": {
            "MaxCandidates": algorithm.candidates,
            "MaxAutoMLJobRuntimeInSeconds": algorithm.search_seconds,
            "MaxRuntimePerTrainingJobInSeconds": algorithm.candidate_seconds,
        },
    }
    place = {"S3DataType": "S3Prefix", "S3Uri": jsonata("$uri & '/preprocess/train'")}
    request: State = {
        "RoleArn": "${ExecutionRoleArn}",
        "AutoMLJobInputDataConfig": [{"ChannelType": "training", "DataSource": {"S3DataSource": place}}],
        "OutputDataConfig": {"S3OutputPath": jsonata("$uri & '/search'"), "KmsKeyId": "${KeyArn}"},
        "AutoMLProblemTypeConfig": {"TabularJobConfig": tabular},
        "SecurityConfig": {
            "VolumeKmsKeyId": "${KeyArn}",
            "EnableInterContainerTrafficEncryption": True,
            "VpcConfig": vpc(),
        },
    }
    if algorithm.problem != "auto":  # AWS takes both of these or neither
        tabular["ProblemType"] = algorithm.problem
        request["AutoMLJobObjective"] = {"MetricName": OBJECTIVES.get(workload.metric.name, workload.metric.name)}
    return request


def _leaderboard(workload: Workload) -> Iterator[tuple[str, State]]:
    """The candidates, the best first, in a file; then the best one's containers as they are used from here on."""
    metric = "function($m) {{$m.StandardMetricName: $m.Value}}"
    told = {
        "name": "$c.CandidateName",
        "algorithm": "$replace($c.CandidateName, $run & '-', '')",  # whatever Autopilot calls it: AWS tells no more
        "objective": "$c.FinalAutoMLJobObjectiveMetric.Value",
        "metrics": f"$merge([$map($c.CandidateProperties.CandidateMetrics[Set = 'Validation'], {metric})])",
        "model": "$c.InferenceContainers[-1].ModelDataUrl",
    }
    row = ", ".join(f"'{name}': {value}" for name, value in told.items())
    rows = f"[$map($states.result.Candidates, function($c) {{{{{row}}}}})]"
    head = "'execution': $states.context.Execution.Name, 'job': $run, 'objective': $objective, "
    head += "'manifest': $begin.ManifestUri"
    order = "$best.FinalAutoMLJobObjectiveMetric.Type = 'Minimize' ? 'Ascending' : 'Descending'"
    arguments = {
        "AutoMLJobName": jsonata("$run"),
        "StatusEquals": "Completed",
        "SortBy": "FinalObjectiveMetricValue",
        "SortOrder": jsonata(order),
        "MaxResults": MOST_TOLD,
    }
    assign = {
        "leaderboard": jsonata(f"{{{head}, 'candidates': {rows}}}"),
        "containers": jsonata(_answering("$best.InferenceContainers")),
    }
    yield "Candidates", task("listCandidatesForAutoMLJob", arguments, "Leaderboard", workload, Assign=assign)
    put = {
        "Bucket": "${ArtifactBucket}",
        "Key": jsonata(f"'{NAME}/' & $states.context.Execution.Name & '/leaderboard/leaderboard.json'"),
        "ContentType": "application/json",
        "Body": jsonata("$leaderboard"),
    }
    yield "Leaderboard", task("s3:putObject", put, "ChallengerModel", workload)


def _answering(containers: str) -> str:
    """The containers, told to answer with KEYS, as far as each can, and to take what the one before it answers.

    Source: AWS, "Configure inference output in generated containers". Those of a regression support no key.
    """
    asked = ", ".join(f"'{key}'" for key in KEYS)
    supported = "$split($c.Environment.SAGEMAKER_INFERENCE_SUPPORTED, /\\s*,\\s*/)"
    keys = (
        f"$keys := function($c) {{$exists($c.Environment.SAGEMAKER_INFERENCE_SUPPORTED) ? "
        f"$join([{asked}][$ in {supported}], ',') : ''}}"
    )
    change = (
        "$change := function($c, $i) {("
        "$gives := $keys($c); $takes := $i > 0 ? $keys($all[$i - 1]) : ''; "
        "$merge([$c, {'Environment': $merge([$c.Environment, "
        "$gives != '' ? {'SAGEMAKER_INFERENCE_OUTPUT': $gives} : {}, "
        "$takes != '' and $gives != '' ? {'SAGEMAKER_INFERENCE_INPUT': $takes} : {}])}]))}"
    )
    return f"($all := {containers}; {keys}; {change}; [$map($all, $change)])"


def _predictions(who: str, containers: str, workload: Workload, then: str) -> Iterator[tuple[str, State]]:
    """A model for as long as its transform job runs over the held-out rows. What fails leaves it to `cancel`."""
    suffix = who.lower()
    named = {"ModelName": jsonata(f"$run & '-{suffix}'")}
    model = {
        **named,
        "ExecutionRoleArn": "${ExecutionRoleArn}",
        "EnableNetworkIsolation": True,
        "VpcConfig": vpc(),
        "Containers": jsonata(containers),
    }
    yield f"{who}Model", task("createModel", model, f"{who}Predict", workload)
    place = {"S3DataType": "S3Prefix", "S3Uri": jsonata("$uri & '/preprocess/features'")}
    target = {"S3OutputPath": jsonata(f"$uri & '/predict/{suffix}'"), "KmsKeyId": "${KeyArn}"}
    request = {
        **named,
        "BatchStrategy": "MultiRecord",
        "TransformInput": {"DataSource": {"S3DataSource": place}, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {**target, "Accept": "text/csv", "AssembleWith": "Line"},
        "TransformResources": {
            "InstanceType": workload.serve.instance_type,
            "InstanceCount": 1,
            "VolumeKmsKeyId": "${KeyArn}",
        },
    }
    yield from job(f"{who}Predict", "TransformJob", request, f"Drop{who}", workload, suffix=suffix)
    kept = {"Assign": {"against": target["S3OutputPath"]}} if who == "Champion" else {}
    yield f"Drop{who}", task("deleteModel", named, then, workload, **kept)


def _evaluate(workload: Workload) -> State:
    metric = workload.metric
    words = ["evaluate", "--predictions", f"{PROCESSING}/input/predictions", "--labels", f"{PROCESSING}/input/labels"]
    words += ["--champion", f"{PROCESSING}/input/champion", "--champion-version", jsonata("$begin.ChampionVersion")]
    words += ["--metric", metric.name, "--direction", metric.direction]
    words += [] if metric.worst is None else ["--worst", str(metric.worst)]
    inputs = [
        code(),
        source("predictions", jsonata("$uri & '/predict/challenger'")),
        source("champion", jsonata("$against")),
        source("labels", jsonata("$uri & '/preprocess/labels'")),
    ]
    words += ["--output", f"{PROCESSING}/output/evaluation"]
    return processing(workload, words, inputs, [output("evaluate", "evaluation")])


def _conclusion(workload: Workload) -> Iterator[tuple[str, State]]:
    where = "'/evaluate/evaluation/evaluation.json'"
    arguments = {"Bucket": "${ArtifactBucket}", "Key": jsonata(f"'{NAME}/' & $states.context.Execution.Name & {where}")}
    verdict = {"verdict": jsonata("$parse($states.result.Body)"), "card": _card(workload, f"$uri & {where}")}
    yield "Verdict", task("s3:getObject", arguments, "Better", workload, Assign=verdict)
    better = {"Condition": jsonata("$verdict.better = true"), "Next": "Register"}
    yield "Better", {"Type": "Choice", "Choices": [better], "Default": "NotBetter"}
    yield "NotBetter", {"Type": "Fail", "Error": "NotBetter", "Cause": jsonata("$verdict.reason")}
    reports = {
        "ModelQuality": {"Statistics": _report(where)},
        "ModelDataQuality": {
            "Statistics": _report("'/preprocess/baseline/statistics.json'"),
            "Constraints": _report("'/preprocess/baseline/constraints.json'"),
        },
    }
    package = {
        "ModelPackageGroupName": "${PackageGroup}",
        "ClientToken": jsonata("$run"),
        "ModelPackageDescription": jsonata("'The best candidate of AutoML job ' & $run"),
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": jsonata("$containers"),
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
            "SupportedRealtimeInferenceInstanceTypes": [workload.serve.instance_type],
            "SupportedTransformInstanceTypes": [workload.serve.instance_type],
        },
        "MetadataProperties": {"GeneratedBy": jsonata("$states.context.Execution.Id")},
        "ModelCard": {"ModelCardContent": jsonata("$string($card)"), "ModelCardStatus": "Draft"},
        "ModelMetrics": reports,
        "DriftCheckBaselines": reports,  # what a monitor of the model compares with
        "CustomerMetadataProperties": {
            "candidate": jsonata("$best.CandidateName"),
            "execution": jsonata("$states.context.Execution.Name"),
            "search-job": jsonata("$run"),
            "manifest": jsonata("$begin.ManifestUri"),
            "champion_version": jsonata("$begin.ChampionVersion"),
        },
    }
    yield "Register", task("createModelPackage", package, "Done", workload)
    yield "Done", {"Type": "Succeed"}


def _report(where: str) -> State:
    return {"ContentType": "application/json", "S3Uri": jsonata(f"$uri & {where}")}


def _card(workload: Workload, evaluation: str) -> State:
    """The model card, of the same schema as that of a pipeline (workloads/compiler/card.py)."""
    metric = workload.metric
    return {
        "model_overview": {
            "model_creator": f"state machine of the workload {NAME}",
            "model_artifact": jsonata("[$containers.ModelDataUrl]"),
        },
        "intended_uses": {
            "purpose_of_model": workload.description,
            "intended_uses": "What the workload's endpoint is asked for",
            "risk_rating": "Unknown",
            "explanations_for_risk_rating": "Nobody has rated it: whoever approves the model does",
        },
        "training_details": {
            "objective_function": {
                "function": {"function": metric.direction.capitalize(), "facet": metric.name[:63]},
                "notes": jsonata("'The best candidate of AutoML job ' & $run & ' by ' & $objective"),
            },
            "training_job_details": {"training_datasets": [jsonata("$uri & '/preprocess/train'")]},
        },
        "evaluation_details": [
            {
                "name": "Evaluate",
                "evaluation_observation": "The model and the champion of its group, on the same held-out data",
                "datasets": [jsonata(evaluation)],
            }
        ],
    }
