"""The search of a tuning job: which hyperparameters to try next.

Sources: AWS, "Understand the hyperparameter tuning strategies available in Amazon SageMaker AI" and "Define
Hyperparameter Ranges". Optuna's TPE sampler stands in for AWS's own Bayesian optimization, which is not public, so
that the values tried are other ones than AWS's, with a RandomSeed too.
"""

# pyright: reportMissingImports=false
# optuna lives in .venv-cloud only.
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

Chosen = dict[str, str]

# So many jobs are random before the Bayesian search learns: on x**2 + y**2, four of eight jobs at a time, 2 and 3 did
# worse than 4, and from 6 on it was no better than random.
RANDOM_JOBS = 4
# AWS does not say when Auto means a logarithmic scale; its guide calls for one over "several orders of magnitude".
AUTO_LOGARITHMIC = 100
# The check at creation says that there are enough combinations; a sampler may still draw one twice.
DRAWS = 20


class Grid:
    """Every combination once. AWS does not say in which order: that of the ranges as given."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        ranges = config["ParameterRanges"]["CategoricalParameterRanges"]
        names = [each["Name"] for each in ranges]
        rows = itertools.product(*(each["Values"] for each in ranges))
        self._combinations = [dict(zip(names, row, strict=True)) for row in rows]

    def suggest(self, number: int) -> Chosen:
        """The hyperparameters of the job of this number."""
        return self._combinations[number - 1]

    def learn(self, number: int, value: float | None) -> None:
        """Nothing: a grid is the same whatever comes of its jobs."""


class Sampled:
    """Chooses hyperparameters, as text, by Optuna. Importing Optuna costs 40 MB: only who tunes pays for it."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        ranges, seed = config["ParameterRanges"], config.get("RandomSeed")
        samplers: dict[str, Callable[[], Any]] = {
            "Bayesian": lambda: optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=RANDOM_JOBS, multivariate=True, constant_liar=True
            ),
            "Random": lambda: optuna.samplers.RandomSampler(seed=seed),
        }
        direction = config["HyperParameterTuningJobObjective"]["Type"].lower()
        self._study = optuna.create_study(direction=direction, sampler=samplers[config["Strategy"]]())
        self._spaces, self._texts = _spaces(ranges, optuna.distributions)
        self._failed = optuna.trial.TrialState.FAIL
        self._trials: dict[int, Any] = {}
        self._seen: list[Chosen] = []

    def suggest(self, number: int) -> Chosen:
        """The hyperparameters of the job of this number; others than before, if that many draws find any."""
        trial, chosen = self._draw()
        for _ in range(DRAWS):
            if chosen not in self._seen:
                break
            self._study.tell(trial, state=self._failed)
            trial, chosen = self._draw()
        self._trials[number] = trial
        self._seen.append(chosen)
        return chosen

    def _draw(self) -> tuple[Any, Chosen]:
        trial = self._study.ask(self._spaces)
        return trial, {name: self._texts[name](value) for name, value in trial.params.items()}

    def learn(self, number: int, value: float | None) -> None:
        """Take in the final objective of a job; None: it has none."""
        if value is None:
            self._study.tell(self._trials[number], state=self._failed)
        else:
            self._study.tell(self._trials[number], value)


def search(config: Mapping[str, Any]) -> Grid | Sampled:
    """The search that a HyperParameterTuningJobConfig asks for."""
    return Grid(config) if config["Strategy"] == "Grid" else Sampled(config)


def scale(each: Mapping[str, Any]) -> str:
    """The scale that a range of numbers is searched on."""
    wanted = each.get("ScalingType", "Auto")
    if wanted != "Auto":
        return wanted
    low, high = float(each["MinValue"]), float(each["MaxValue"])
    return "Logarithmic" if low > 0 and high / low >= AUTO_LOGARITHMIC else "Linear"


def combinations(ranges: Mapping[str, Any]) -> float:
    """How many there are; infinite with a continuous range."""
    if ranges.get("ContinuousParameterRanges"):
        return math.inf
    whole = (int(each["MaxValue"]) - int(each["MinValue"]) + 1 for each in ranges.get("IntegerParameterRanges", []))
    return math.prod([*whole, *(len(each["Values"]) for each in ranges.get("CategoricalParameterRanges", []))])


def _spaces(ranges: Mapping[str, Any], kinds: Any) -> tuple[dict[str, Any], dict[str, Callable[[Any], str]]]:
    """For each hyperparameter what Optuna draws from, and how a draw is written as AWS writes it."""
    spaces: dict[str, Any] = {}
    texts: dict[str, Callable[[Any], str]] = {}
    for each in ranges.get("CategoricalParameterRanges", []):
        spaces[each["Name"]], texts[each["Name"]] = kinds.CategoricalDistribution(each["Values"]), str
    for each in ranges.get("IntegerParameterRanges", []):
        low, high, log = int(each["MinValue"]), int(each["MaxValue"]), scale(each) == "Logarithmic"
        spaces[each["Name"]], texts[each["Name"]] = kinds.IntDistribution(low, high, log=log), str
    for each in ranges.get("ContinuousParameterRanges", []):
        low, high, log = float(each["MinValue"]), float(each["MaxValue"]), scale(each) == "Logarithmic"
        texts[each["Name"]] = repr
        if scale(each) == "ReverseLogarithmic":  # fine steps near 1: the distance from 1 is drawn
            low, high, log = 1 - high, 1 - low, True
            texts[each["Name"]] = lambda distance: repr(1 - distance)
        spaces[each["Name"]] = kinds.FloatDistribution(low, high, log=log)
    return spaces, texts
