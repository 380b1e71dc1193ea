"""The hook for Keras 3: `model.fit(..., callbacks=[Watch(inside)])`; a step is an epoch.

Keras hands no gradients to callbacks. On the torch backend training runs step by step, so there the hook stands before
`optimizer.apply` while `fit` runs and keeps the last batch's gradients: they are exact, before Keras' own clipping. On
TensorFlow and JAX the step is compiled and no gradient is to be had (not tried there): recorded instead are the changes
of the weights over an epoch, which the optimizer's learning rate scales. The report says which it was.
"""

# pyright: reportMissingImports=false

import keras
import numpy as np

from toolkit.inside.recorder import StopTrainingError


class Watch(keras.callbacks.Callback):
    """Records `loss` as train and `val_loss` as validation, and gradients and weights by the path of the variable.

    `exact=False` records changes of weights on torch as well. Raises StopTrainingError out of `fit`.
    """

    def __init__(self, inside, exact=None):
        super().__init__()
        self.inside = inside
        self.exact = keras.backend.backend() == "torch" if exact is None else exact
        self._gradients, self._before = {}, {}
        inside.gradients_are(
            "exact, of the last batch of the epoch" if self.exact else "no gradients but changes of weights in an epoch"
        )

    def on_train_begin(self, logs=None):
        self._before = self._weights()
        if self.exact:
            self.model.optimizer.apply = self._before_apply(self.model.optimizer.apply)

    def on_train_end(self, logs=None):
        if self.exact:
            del self.model.optimizer.apply  # the class's own shows again

    def on_epoch_end(self, epoch, logs=None):
        names = {"loss": "train", "val_loss": "validation"}
        losses = {name: (logs or {})[key] for key, name in names.items() if key in (logs or {})}
        if not self.inside.due(epoch):
            self.inside.record(epoch, losses)
            return
        weights = self._weights()
        gradients = {path: keras.ops.convert_to_numpy(one) for path, one in self._gradients.items()}
        if not self.exact:
            gradients = {path: weights[path] - self._before[path] for path in weights}
        self._before = weights
        try:
            self.inside.record(epoch, losses, gradients, weights, self._dead(gradients))
        except StopTrainingError:
            self.on_train_end()  # which Keras does not call when a callback raises
            raise

    def _before_apply(self, apply):
        def keep_and_apply(gradients, trainable_variables=None):
            variables = trainable_variables or self.model.trainable_variables
            self._gradients = {variables[at].path: one for at, one in enumerate(gradients) if one is not None}
            return apply(gradients, trainable_variables)

        return keep_and_apply

    def _weights(self):
        return {one.path: keras.ops.convert_to_numpy(one).copy() for one in self.model.trainable_variables}

    def _dead(self, gradients):
        """By kernel (units on the last axis) the share of units that the batch left without any gradient."""
        kernels = [path for path in gradients if path.endswith("kernel")] if self.exact else []
        units = {path: gradients[path].reshape(-1, gradients[path].shape[-1]) for path in kernels[:-1]}
        return {path: float(np.mean(~gradient.any(axis=0))) for path, gradient in units.items()}
