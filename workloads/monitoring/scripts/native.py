"""What SageMaker's own Model Monitor found in a window, in the form that the alarms and the dashboard here read.

Its results are constraint_violations.json, which lists what it objects to, and of data quality statistics.json. Which
kind of monitor has written a violation is told by its check. Sources: AWS, "Schema for Violations", "Schema for
Statistics", "Bias Drift Violations", "Model Feature Attribution Drift Violations"; the check of model quality, which no
page there lists, is any other with a metric's name.
"""

import argparse
import json
from pathlib import Path

KINDS = {"bias_drift_check": "bias", "feature_attribution_drift_check": "attribution"}
TABLE = ("missing_column_check", "extra_column_check")  # of no single feature


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True, metavar="DIR", help="of one execution of one schedule")
    parser.add_argument("--watch", type=Path, required=True, metavar="FILE", help="JSON: window, model, settings")
    parser.add_argument("--kind", required=True, choices=("data-quality", "model-quality", "bias", "attribution"))
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    options = parser.parse_args(argv)
    import page

    watch = json.loads(options.watch.read_text())
    found = read(options.results, options.kind, watch)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "metrics.json").write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    (options.output / "report.html").write_text(page.whole(found["workload"], page.head(found)), encoding="utf-8")


def read(folder, kind, watch):
    """metrics.json of what lies in `folder`. A file that is absent or no JSON is counted and stands for no finding."""
    skipped, settings = {}, watch.get("settings", {})
    violations = _loaded(folder, "constraint_violations.json", skipped).get("violations") or []
    statistics = _loaded(folder, "statistics.json", skipped) if kind == "data-quality" else {}
    rows = int(statistics.get("dataset", {}).get("item_count", 0))
    chosen = [one for one in violations if KINDS.get(one["constraint_check_type"], _other(one)) == kind]
    told = _features(chosen, statistics, settings) if kind == "data-quality" else _metrics(chosen)
    causes = told.pop("causes")
    # Of the other kinds no file says how many rows there were: they ran on some.
    few = kind == "data-quality" and rows < settings.get("minimum_rows", 200)
    state = "examined" if not few else "too-little" if rows else "no-traffic"
    return {
        "version": 1,
        "workload": watch["workload"],
        "window": watch["window"],
        "package_version": watch["package_version"],
        "state": state,
        "rows": rows,
        "examined_rows": rows,
        "skipped": skipped,
        "kinds": {kind: told} if state == "examined" else {},
        "causes": [f"{kind}: {cause}" for cause in causes] if state == "examined" else [],
    }


def _loaded(folder, name, skipped):
    try:
        told = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        skipped[f"no {name}"] = 1
    except ValueError:
        skipped[f"{name} is no JSON"] = 1
    else:
        return told
    return {}


def _other(violation):
    return "data-quality" if "feature_name" in violation else "model-quality"


def _metrics(violations):
    """Any violation is drift."""
    causes = []
    for one in violations:
        of = [str(one[name]) for name in ("facet", "facet_value", "label", "metric_name") if one.get(name)]
        causes.append(f"{' '.join(of)}: {one['description']}")
    return {"drifted": bool(causes), "violations": len(causes), "causes": causes}


def _features(violations, statistics, settings):
    """As of our own engine, one feature's violation is drift where it is critical, or where enough of them have one."""
    critical, by_name = set(settings.get("critical", [])), {}
    for one in violations:
        by_name.setdefault(one["feature_name"].strip(), []).append(one)
    features = [_feature(one, by_name.get(one["name"], []), critical) for one in statistics.get("features", [])]
    known = {feature["name"] for feature in features}
    changed = [feature for feature in features if feature["drifted"]]
    share = len(changed) / len(features) if features else 0.0
    causes = [
        f"{one['feature_name'].strip()}: {one['description']}"
        for one in violations
        if one["constraint_check_type"] in TABLE
        or one["feature_name"].strip() in critical
        or one["feature_name"].strip() not in known
    ]
    if changed and share >= settings.get("drift_share", 0.3):
        causes.append(f"{len(changed)} of {len(features)} features violate their constraints")
    return {"drifted": bool(causes), "share": share, "features": features, "causes": causes}


def _feature(told, violations, critical):
    common = (told.get("numerical_statistics") or told.get("string_statistics") or {}).get("common", {})
    absent, present = common.get("num_missing", 0), common.get("num_present", 0)
    return {
        "name": told["name"],
        "type": "text" if told.get("inferred_type") == "String" else "number",
        "test": ", ".join(sorted({one["constraint_check_type"] for one in violations})) or "none",
        "missing": absent / (absent + present) if absent + present else 0.0,
        "drifted": bool(violations),
        "critical": told["name"] in critical,
    }


if __name__ == "__main__":
    main()
