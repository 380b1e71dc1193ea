"""What the Autopilot stand-in tries, and how it measures it."""

# pyright: reportMissingImports=false
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from automl_table import BadDataError
from sklearn import ensemble, linear_model
from sklearn import metrics as measures
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

SEED = 0
FOLDS = 5
# AWS, "Autopilot metrics": per problem type the objectives, the default first.
OBJECTIVES = {
    "BinaryClassification": ("F1", "Accuracy", "AUC", "BalancedAccuracy", "Precision", "Recall"),
    "MulticlassClassification": ("Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"),
    "Regression": ("MSE", "MAE", "R2", "RMSE"),
}
MINIMIZED = ("MSE", "MAE", "RMSE")
# Candidates where the request gives no limit: AWS, "Training modes and algorithm support".
DEFAULT_CANDIDATES = {"ENSEMBLING": 10, "HYPERPARAMETER_TUNING": 100}


@dataclass
class Candidate:
    algorithm: str
    estimator: Callable[[], Any]

    def model(self, table):
        """Missing values filled, categories one-hot, numbers scaled, then the estimator."""
        texts = [name for name in table.features.columns if name not in table.numbers]
        numbers = [name for name in table.features.columns if name in table.numbers]
        categories = OneHotEncoder(handle_unknown="ignore", min_frequency=5, sparse_output=False)
        prepared = ColumnTransformer(
            [
                (
                    "numbers",
                    make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()),
                    numbers,
                ),
                ("texts", make_pipeline(SimpleImputer(strategy="most_frequent"), categories), texts),
            ]
        )
        return make_pipeline(prepared, self.estimator())


def chosen(objective, problem):
    """The objective of a search. Raises BadDataError for one that the problem does not have."""
    known = OBJECTIVES[problem]
    if objective and objective not in known:
        raise BadDataError(f"The objective {objective} does not measure {problem}; these do: {', '.join(known)}.")
    return objective or known[0]


def plan(mode, most, problem):
    """The candidates in the order in which they are tried.

    ENSEMBLING: each family as it is, then all of them voting. HYPERPARAMETER_TUNING: the families in turn, from the
    second round on with hyperparameters drawn at random.
    """
    families = _families(problem)
    limit = most or DEFAULT_CANDIDATES[mode]
    if mode == "ENSEMBLING":
        plain = [Candidate(name, make) for name, make, _ in families]
        return [*plain, Candidate("weighted-ensemble", lambda: _vote(plain, problem))][:limit]
    draw, candidates = random.Random(SEED), []
    while len(candidates) < limit:
        for name, make, ranges in families:
            drawn = (
                {key: draw.choice(values) for key, values in ranges.items()} if len(candidates) >= len(families) else {}
            )
            candidates.append(Candidate(name, lambda make=make, drawn=drawn: make().set_params(**drawn)))
    return candidates[:limit]


def _families(problem):
    kind = "Regressor" if problem == "Regression" else "Classifier"
    trees = {"n_estimators": 200, "min_samples_leaf": 3, "random_state": SEED}
    forest, extra, boosting = (
        getattr(ensemble, f"{name}{kind}") for name in ("RandomForest", "ExtraTrees", "HistGradientBoosting")
    )
    leaves = {"min_samples_leaf": [1, 2, 3, 5, 8], "max_features": [0.3, 0.5, 0.8, 1.0]}
    rates = {
        "learning_rate": [0.02, 0.05, 0.1, 0.2],
        "max_leaf_nodes": [7, 15, 31],
        "l2_regularization": [0.0, 1.0, 5.0],
    }
    linear = (
        ("linear-learner", lambda: linear_model.Ridge(), {"alpha": [0.01, 0.1, 1.0, 10.0, 100.0]})
        if problem == "Regression"
        else ("linear-learner", lambda: linear_model.LogisticRegression(max_iter=1000), {"C": [0.01, 0.1, 1.0, 10.0]})
    )
    return (
        ("gradient-boosting", lambda: boosting(max_leaf_nodes=15, learning_rate=0.05, random_state=SEED), rates),
        ("randomforest", lambda: forest(**trees), leaves),
        ("extra-trees", lambda: extra(**trees), leaves),
        linear,
    )


def _vote(plain, problem):
    parts = [(candidate.algorithm, candidate.estimator()) for candidate in plain]
    if problem == "Regression":
        return ensemble.VotingRegressor(parts)
    return ensemble.VotingClassifier(parts, voting="soft")


def out_of_fold(model, table, fraction):
    """What is true and what is predicted, for rows that the model had not seen: (target, prediction, classes).

    The channel `validation`, else a share of the rows, else every row in one of five folds.
    """
    features, target = table.features, table.target
    stratify = None if table.problem == "Regression" else target
    if table.validation:
        parts = [(features, target, *table.validation)]
    elif fraction:
        split = train_test_split(features, target, test_size=fraction, random_state=SEED, stratify=stratify)
        parts = [(split[0], split[2], split[1], split[3])]
    else:
        kind = KFold if stratify is None else StratifiedKFold
        parts = [
            (features.iloc[seen], target.iloc[seen], features.iloc[held], target.iloc[held])
            for seen, held in kind(FOLDS, shuffle=True, random_state=SEED).split(features, stratify)
        ]
    truths, guesses = [], []
    for known, labels, unseen, truth in parts:
        model.fit(known, labels)
        guesses.append(model.predict(unseen) if stratify is None else model.predict_proba(unseen))
        truths.append(truth)
    return np.concatenate(truths), np.concatenate(guesses), None if stratify is None else model.classes_


def metrics(table, truth, guess, classes):
    """Every metric of the problem by AWS's name; of two classes the last by order is the positive one."""
    if table.problem == "Regression":
        mse = measures.mean_squared_error(truth, guess)
        absolute, r2 = measures.mean_absolute_error(truth, guess), measures.r2_score(truth, guess)
        return {"MSE": mse, "RMSE": mse**0.5, "MAE": absolute, "R2": r2}
    labels = classes[guess.argmax(axis=1)]
    found = {
        "Accuracy": measures.accuracy_score(truth, labels),
        "BalancedAccuracy": measures.balanced_accuracy_score(truth, labels),
        "LogLoss": measures.log_loss(truth, guess, labels=classes),
    }
    binary = table.problem == "BinaryClassification"
    how = {"pos_label": classes[-1]} if binary else {"average": "macro"}
    for name, ending, measure in (
        ("F1", "macro", measures.f1_score),
        ("Precision", "Macro", measures.precision_score),
        ("Recall", "Macro", measures.recall_score),
    ):
        found[name if binary else name + ending] = measure(truth, labels, zero_division=0, **how)
    if binary:
        found["AUC"] = measures.roc_auc_score(truth == classes[-1], guess[:, 1])
    return found
