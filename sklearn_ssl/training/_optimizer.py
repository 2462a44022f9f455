"""The optimizer of every training."""

from __future__ import annotations

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import torch

STEP = unwrap(torch.optim.AdamW.step)


class EagerAdamW(torch.optim.AdamW):
    """AdamW that cannot be compiled.

    torch's optimizers import its compiler, and sympy with it, before anything is trained. In each process this takes
    longer than a small fit, and more memory than most networks, and nothing is compiled here. What they wrap for the
    compiler's sake is called as it is. The arithmetic is torch's.
    """

    add_param_group = unwrap(torch.optim.AdamW.add_param_group)
    state_dict = unwrap(torch.optim.AdamW.state_dict)
    load_state_dict = unwrap(torch.optim.AdamW.load_state_dict)
    zero_grad = unwrap(torch.optim.AdamW.zero_grad)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters; `closure` computes their gradients."""
        with torch.set_grad_enabled(self.defaults["differentiable"]):
            return STEP(self, closure)
