"""The hook for PyTorch.

    watched = watch_module(inside, model)
    ...
    loss.backward()
    watched.record(step, train=loss.item())   # before optimizer.step() and zero_grad()

Recorded are the gradients as `backward` left them in each parameter, so before any clipping; those of an automatic
mixed precision are scaled until `GradScaler.unscale_` was called. A parameter without a gradient (frozen) is left out.
"""

# pyright: reportMissingImports=false

import torch

# The layers whose first axis of `weight` is one unit each.
LAYERS = (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)


def watch_module(inside, module):
    """What records the gradients and weights of a module's parameters, by their names."""
    inside.gradients_are("exact, of the last batch, as backward left them")
    return WatchedModule(inside, module)


class WatchedModule:
    """`dead` is exact for units behind ReLU: a unit whose incoming weights have a gradient of exactly zero was shut
    for every row of the batch (or everything behind it was)."""

    def __init__(self, inside, module):
        self.inside, self.module = inside, module

    def record(self, step, **losses):
        """Records losses (numbers), gradients and weights of this step, if it is due. Raises StopTrainingError."""
        if not self.inside.due(step):
            return self.inside.record(step, losses)
        # DistributedDataParallel puts its own name in front.
        parameters = {name.removeprefix("module."): one for name, one in self.module.named_parameters()}
        gradients = {name: _array(one.grad) for name, one in parameters.items() if one.grad is not None}
        weights = {name: _array(one) for name, one in parameters.items()}
        return self.inside.record(step, losses, gradients, weights, self._dead())

    def _dead(self):
        shares = {}
        layers = [(name, layer) for name, layer in self.module.named_modules() if isinstance(layer, LAYERS)]
        # The last layer gives the answer, not units that could be shut.
        for name, layer in layers[:-1]:
            if layer.weight.grad is not None:
                gradient = layer.weight.grad.reshape(len(layer.weight), -1)
                shares[name.removeprefix("module.")] = (gradient == 0).all(dim=1).float().mean().item()
        return shares


def _array(tensor):
    # numpy knows no bfloat16.
    return tensor.detach().float().cpu().numpy()
