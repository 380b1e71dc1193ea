"""A look inside a training: records losses, gradients and weights, judges them while training, draws a report.

    inside = Inside(output_folder, checkpoint_folder, watch={"overfitting": "alert"})
    inside.labels(y)
    inside.record(epoch, losses={"train": 0.4, "validation": 0.5}, gradients={"rows": array})
    inside.report()

Hooks that record by themselves: `pytorch`, `keras3`, `boosting` (XGBoost) and `estimators` (scikit-learn).
"""

from toolkit.inside.recorder import Inside, StopTrainingError

__all__ = ["Inside", "StopTrainingError"]
