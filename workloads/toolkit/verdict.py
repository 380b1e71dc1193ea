"""Whether a model is better than the approved one, the champion, measured on the same rows: evaluation.json."""

import json
import math
import sys

from toolkit import decision

NO_CHAMPION = "0"


def metric_of(name, known, problem):
    """The metric that `name` means, perhaps as training prints it: validation:auc is auc. Exits where there is none."""
    metric = name.rpartition(":")[2]
    if metric not in known:
        told = f"there is no metric {name!r}; a {problem} model has {', '.join(known)}"
        sys.exit(f"{told}: write one of them as metric.name of workload.yaml")
    return metric


def conclude(output, metric, values, options, champion, contests=None, deviations=None, **more):
    """Writes evaluation.json into the folder `output` and prints the verdict. Values are by the metrics' names.

    Metrics are told as SageMaker tells those of model quality, {"value", "standard_deviation"}: the latter of those
    that `deviations` has. Source: AWS, "Model quality metrics and Amazon CloudWatch monitoring".

    `champion` gives those of the model whose version is `options.champion_version`, and is not called where there is
    none; `options.direction` and `options.worst` say what is better and what is not good enough. `contests` gives what
    rows tell of the two beyond chance (decision.decided), and is called where both are measured and the model is good
    enough. `proven` in the file: these say that the model is better; a machine approves no other one.
    """
    theirs, trouble, proven = {}, None, False
    if options.champion_version != NO_CHAMPION:
        try:
            theirs = champion()
            if not math.isfinite(theirs.get(metric, math.nan)):
                trouble = f"it has no {metric}, or one that is not finite"
        # Somebody's older model may fail in any way, and would keep its place for ever by that.
        except Exception as error:  # noqa: BLE001
            trouble = f"{type(error).__name__}: {error}"
    better, reason = judge(metric, values[metric], theirs.get(metric), trouble, options)
    if contests and theirs and not trouble and not unfit(metric, values[metric], options):
        found, version = contests(), options.champion_version
        better, reason = decision.decided(found, metric, version, getattr(options, "segment", None), reason)
        more, proven = {**more, "challenge": found}, better
    told = {"version": options.champion_version, "metrics": _named(theirs)}
    report = {
        "metrics": _named(values, deviations),
        "champion": None if options.champion_version == NO_CHAMPION else told,
    }
    output.mkdir(parents=True, exist_ok=True)
    report |= {"better": better, "proven": proven, "reason": reason, **more}
    (output / "evaluation.json").write_text(json.dumps(report) + "\n")
    print(f"{'better' if better else 'not better'}: {reason}")


def judge(metric, value, theirs, trouble, options):
    """(better, why). A champion that cannot be measured on today's rows does not keep its place by that."""
    if why := unfit(metric, value, options):
        return False, why
    champion = f"champion version {options.champion_version}"
    if trouble:
        return True, f"{metric} is {value:.6g}; {champion} could not be measured on the same rows ({trouble})"
    if theirs is None:
        return True, f"{metric} is {value:.6g}; there is no champion"
    better = _beats(value, theirs, options)
    words = "better" if better else "not better"
    return better, f"{metric} is {value:.6g}, {words} than the {theirs:.6g} of {champion}"


def unfit(metric, value, options):
    """Why a model is not good enough, whatever the champion is like; nothing where it is."""
    if not math.isfinite(value):
        return f"{metric} is {value}, which is no measure"
    if options.worst is not None and _beats(options.worst, value, options):
        return f"{metric} is {value:.6g}, worse than the {options.worst:g} that is asked for"
    return ""


def _beats(one, other, options):
    return one > other if options.direction == "maximize" else one < other


def _named(values, deviations=None):
    # JSON has no number that is not finite.
    told = {name: {"value": value if math.isfinite(value) else None} for name, value in values.items()}
    for name, deviation in (deviations or {}).items():
        told[name]["standard_deviation"] = deviation
    return told
