"""The gradients of scikit-learn's networks and linear models, which keep theirs to themselves.

Computed anew from the weights by the definition of the loss, so exact for the rows given, without the optimizer's
momentum or the sampling of batches. A linear model is a network without hidden layers.
"""

# pyright: reportMissingImports=false

import numpy as np

# The derivative of each activation, by its value.
SLOPES = {
    "relu": lambda value: value > 0,
    "logistic": lambda value: value * (1 - value),
    "tanh": lambda value: 1 - value**2,
    "identity": np.ones_like,
}
ACTIVATIONS = {
    "relu": lambda value: np.maximum(value, 0),
    "logistic": lambda value: 0.5 * (1 + np.tanh(value / 2)),
    "tanh": np.tanh,
    "identity": lambda value: value,
}
ACTIVE_SHARE = (
    0.01  # of the rows; a unit active in fewer is dead: SageMaker Debugger's DeadRelu, threshold_inactivity 1 %
)


def backward(coefs, intercepts, activation, output, rows, targets, penalty=0.0):
    """The gradients by layer of the mean loss of `rows` (a matrix) against `targets` (a matrix), and the dead shares.

    `output` is `softmax` or `logistic` (log loss) or `identity` (half the squared error): for these three the
    derivative at the output is the prediction less the target. `penalty` is the factor of half the squared weights.
    """
    values = [rows]
    for layer, coef in enumerate(coefs):
        product = values[-1] @ coef + intercepts[layer]
        values.append(_output(output, product) if layer == len(coefs) - 1 else ACTIVATIONS[activation](product))
    gradients, dead, error = {}, {}, values[-1] - targets
    for layer in reversed(range(len(coefs))):
        gradients[f"layer {layer + 1} intercepts"] = error.mean(axis=0)
        gradients[f"layer {layer + 1} weights"] = values[layer].T @ error / len(rows) + penalty * coefs[layer]
        if layer:
            error = (error @ coefs[layer].T) * SLOPES[activation](values[layer])
            if activation == "relu":
                dead[f"layer {layer}"] = float(np.mean((values[layer] > 0).mean(axis=0) < ACTIVE_SHARE))
    return dict(reversed(gradients.items())), dead


def _output(name, product):
    if name == "softmax":
        powers = np.exp(product - product.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    return ACTIVATIONS[name](product)
