"""Whether a model is better than the approved one, the champion, measured on the same rows: evaluation.json."""

import json
import math
import sys

NO_CHAMPION = "0"


def metric_of(name, known, problem):
    """The metric that `name` means, perhaps as training prints it: validation:auc is auc. Exits where there is none."""
    metric = name.rpartition(":")[2]
    if metric not in known:
        told = f"there is no metric {name!r}; a {problem} model has {', '.join(known)}"
        sys.exit(f"{told}: write one of them as metric.name of workload.yaml")
    return metric


def conclude(output, metric, values, options, champion, **more):
    """Writes evaluation.json into the folder `output` and prints the verdict. Values are by the metrics' names.

    `champion` gives those of the model whose version is `options.champion_version`, and is not called where there is
    none; `options.direction` and `options.worst` say what is better and what is not good enough.
    """
    theirs, trouble = {}, None
    if options.champion_version != NO_CHAMPION:
        try:
            theirs = champion()
            if not math.isfinite(theirs.get(metric, math.nan)):
                trouble = f"it has no {metric}, or one that is not finite"
        # Somebody's older model may fail in any way, and would keep its place for ever by that.
        except Exception as error:  # noqa: BLE001
            trouble = f"{type(error).__name__}: {error}"
    better, reason = judge(metric, values[metric], theirs.get(metric), trouble, options)
    told = {"version": options.champion_version, "metrics": _named(theirs)}
    report = {"metrics": _named(values), "champion": None if options.champion_version == NO_CHAMPION else told}
    output.mkdir(parents=True, exist_ok=True)
    (output / "evaluation.json").write_text(json.dumps({**report, "better": better, "reason": reason, **more}) + "\n")
    print(f"{'better' if better else 'not better'}: {reason}")


def judge(metric, value, theirs, trouble, options):
    """(better, why). A champion that cannot be measured on today's rows does not keep its place by that."""

    def beats(one, other):
        return one > other if options.direction == "maximize" else one < other

    if not math.isfinite(value):
        return False, f"{metric} is {value}, which is no measure"
    if options.worst is not None and beats(options.worst, value):
        return False, f"{metric} is {value:.6g}, worse than the {options.worst:g} that is asked for"
    champion = f"champion version {options.champion_version}"
    if trouble:
        return True, f"{metric} is {value:.6g}; {champion} could not be measured on the same rows ({trouble})"
    if theirs is None:
        return True, f"{metric} is {value:.6g}; there is no champion"
    words = "better" if beats(value, theirs) else "not better"
    return beats(value, theirs), f"{metric} is {value:.6g}, {words} than the {theirs:.6g} of {champion}"


def _named(values):
    # JSON has no number that is not finite.
    return {name: {"value": value if math.isfinite(value) else None} for name, value in values.items()}
