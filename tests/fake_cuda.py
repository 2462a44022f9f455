"""A CUDA device that is none: tensors say ``cuda:0`` and compute on the CPU.

A storage is marked as being on the device. A mode for functions answers what Python asks of tensors and devices; a mode
for operators refuses operands on two devices, draws from the device's own generator, and notes what the host waits for.
Not shown: CUDA's kernels, their rounding, streams, memory and times.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from skorch.callbacks import Callback
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import sklearn_ssl

PACKAGE = str(Path(sklearn_ssl.__file__).parent) + "/"
CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)
ANSWERS = {Tensor.device.__get__: CUDA, Tensor.is_cuda.__get__: True, Tensor.is_cpu.__get__: False}


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# operators whose results the host has to see: a number, a shape, or whether the input is valid
WAITS = words(
    "_local_scalar_dense nonzero masked_select equal _unique2 unique_dim unique_consecutive repeat_interleave bincount "
    "multinomial _linalg_eigh _linalg_svd linalg_qr"
)
INDEXING = words("index index_put index_put_ _index_put_impl_")
# operators that CUDA refuses under torch.use_deterministic_algorithms, by the list in the documentation of torch
UNREPEATABLE = re.compile(
    r"nll_loss2d_forward|put_|histc|bincount|kthvalue|median|max_unpool.*|cumsum|"
    r"(avg_pool3d|_adaptive_avg_pool|max_pool3d|adaptive_max_pool|fractional_max_pool|upsample_.*linear|upsample_bicubic|"
    r"reflection_pad|replication_pad|_ctc_loss|grid_sampler)\w*_backward"
)
# what autocast computes in float32 on CUDA; on a CPU it does so for fewer
IN_FLOAT32 = words(
    "pow __pow__ __rpow__ __rtruediv__ reciprocal rsqrt exp expm1 log log1p log2 sum prod cumsum cumprod norm dist "
    "cdist normalize cosine_similarity softplus softmax log_softmax layer_norm group_norm cross_entropy nll_loss "
    "mse_loss l1_loss smooth_l1_loss kl_div binary_cross_entropy_with_logits"
)


class TwoDevicesError(RuntimeError):
    """Operands on two devices."""


class Call(NamedTuple):
    """A call from Python, in which operators run."""

    name: str
    args: Any
    to_cuda: bool | None = None  # where results were asked to be
    waits: bool = True

    def involves_cuda(self) -> bool:
        return any(is_on_cuda(t) for t in tensors_in(self.args))


def tensors_in(values: Any) -> list[Tensor]:
    found = []
    for value in values.values() if isinstance(values, dict) else values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple, dict)):
            found += tensors_in(value)
    return found


def is_on_cuda(tensor: Tensor) -> bool:
    with torch._C.DisableTorchFunction():
        return tensor.layout is torch.strided and hasattr(tensor.untyped_storage(), "on_fake_cuda")


def put(result: Any) -> Any:
    """Mark the tensors of a result as being on the device."""
    with torch._C.DisableTorchFunction():
        for tensor in tensors_in([result]):
            tensor.untyped_storage().on_fake_cuda = True
    return result


class Operators(TorchDispatchMode):
    """What a device does with operands."""

    def __init__(self, device: FakeCuda):
        super().__init__()
        self.device = device

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunction():
            operands, call, name = tensors_in([args, kwargs]), self.device.call, func._schema.name[6:]
            ours = [is_on_cuda(t) for t in operands]
            if name == "copy_":
                non_blocking = ours[0] and (args[2] if len(args) > 2 else kwargs.get("non_blocking"))
                if ours[0] != ours[1] and not non_blocking and call.name != "__setitem__":
                    self.device.wait("copy_ between devices")
                return func(*args, **kwargs)
            if any(ours) and name != "_to_copy":
                self._check(name, args, [t for t, here in zip(operands, ours, strict=True) if not here], call)
            on_cuda = any(ours) if operands else call.involves_cuda()
            if call.to_cuda is not None and (not operands or kwargs.get("device") or name == "_to_copy"):
                on_cuda = call.to_cuda
            if (
                on_cuda
                and UNREPEATABLE.fullmatch(name)
                and (name != "cumsum" or operands[0].is_floating_point())
            ):
                self.device.unrepeatable[f"{name} at {line_of_the_package()}"] += 1
            if on_cuda and torch.Tag.nondeterministic_seeded in func.tags:
                result = self.device.draw(func, args, kwargs)
            else:
                result = func(*args, **kwargs)
            return put(result) if on_cuda and name != "lift_fresh" else result

    def _check(self, name: str, args: Any, strangers: list[Tensor], call: Call) -> None:
        index = [i for i in args[1] if i is not None] if name in INDEXING else []
        if any(t.ndim and not any(t is i for i in index) for t in strangers):
            raise TwoDevicesError(f"{name} has operands on cuda:0 and on the cpu, at {line_of_the_package()}")
        # several draws with replacement look at nothing
        several = name == "multinomial" and args[1] > 1 and len(args) > 2 and args[2]
        if name in WAITS and call.waits and not several:
            self.device.wait(name)
        masks = [i for i in index if i.dtype in (torch.bool, torch.uint8)]
        fills = "put" in name and len(masks) == len(index) and args[2].numel() == 1  # as masked_fill does
        if masks and not fills:
            self.device.wait("index by a mask")
        if any(not is_on_cuda(i) for i in index):
            self.device.wait("index from the host")


class FakeCuda(TorchFunctionMode):
    """What Python asks of tensors and devices."""

    current: FakeCuda

    def __init__(self) -> None:
        super().__init__()
        FakeCuda.current = self
        self.call = Call("", ())
        self.waits: Counter[str] = Counter()  # what the host waited for, and at which line
        self.waits_of_batches: Counter[str] = Counter()  # noted by Batches
        self.unrepeatable: Counter[str] = Counter()
        self.n_batches = self.n_pinned = 0
        self.generator = torch.Generator().manual_seed(99)

    def wait(self, what: str) -> None:
        self.waits[f"{what} at {line_of_the_package()}"] += 1

    def draw(self, func: Any, args: Any, kwargs: Any) -> Any:
        if kwargs.get("generator") not in (None, self.generator):
            raise TwoDevicesError(f"{func} draws from another generator, at {line_of_the_package()}")
        before = torch.default_generator.get_state()
        torch.default_generator.set_state(self.generator.get_state())
        try:
            return func(*args, **kwargs)
        finally:
            self.generator.set_state(torch.default_generator.get_state())
            torch.default_generator.set_state(before)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        first = args[0] if args and isinstance(args[0], Tensor) else None
        if func in ANSWERS:
            return ANSWERS[func] if is_on_cuda(first) else func(*args)
        name = getattr(func, "__name__", "")
        if name in ("numpy", "__array__", "tolist") and is_on_cuda(first):
            if name != "tolist":
                raise TypeError("can't convert cuda:0 device type tensor to numpy.")
            self.wait(name)
        if name == "pin_memory":
            if is_on_cuda(first):
                raise RuntimeError("only dense CPU tensors can be pinned")
            self.n_pinned += 1
            return first
        if name in ("to", "cpu", "cuda") and first is not None:
            return self._moved(name, first, args[1:], kwargs)
        if name == "backward" and first is not None:
            with self, self._calling(Call(name, [args])):
                return torch.autograd.backward(first, kwargs.pop("gradient", None), **kwargs)
        to_cuda, device = None, kwargs.get("device")
        if device is not None and torch.device(device).type in ("cpu", "cuda"):
            to_cuda = torch.device(device).type == "cuda"
            kwargs["device"] = "cpu"
        if name in IN_FLOAT32 and torch.is_autocast_enabled("cpu"):
            args = [a.float() if isinstance(a, Tensor) and a.dtype == torch.bfloat16 else a for a in args]
        # with a number of classes CUDA does not look at the values
        sees = name != "one_hot" or len(args) + len(kwargs) < 2
        with self._calling(Call(name, [args, kwargs], to_cuda, sees)):
            result = func(*args, **kwargs)
            if name == "__deepcopy__" and is_on_cuda(first):
                return put(result)
            if to_cuda and isinstance(result, Tensor) and not is_on_cuda(result):  # from numbers or arrays
                self.wait("copy to the device")
                result = put(result.clone())
            return result

    def _moved(self, name: str, tensor: Tensor, args: Any, kwargs: dict[str, Any]) -> Tensor:
        device, dtype, non_blocking, form = {"cpu": CPU, "cuda": CUDA}.get(name), None, False, None
        copy = bool(kwargs.pop("copy", False))
        if name == "to" and args and isinstance(args[0], Tensor):
            device, dtype = CUDA if is_on_cuda(args[0]) else CPU, args[0].dtype
        elif name == "to":
            device, dtype, non_blocking, form = torch._C._nn._parse_to(*args, **kwargs)
        here = is_on_cuda(tensor)
        there = here if device is None else device.type == "cuda"
        if here != there and not (there and non_blocking):
            self.wait("copy to the device" if there else "copy to the host")
        more = {} if form is None else {"memory_format": form}
        with self._calling(Call(name, [tensor], there)):
            return Tensor.to(tensor, dtype=dtype or tensor.dtype, copy=copy or here != there, **more)

    @contextmanager
    def _calling(self, call: Call) -> Iterator[None]:
        before, self.call = self.call, call
        try:
            yield
        finally:
            self.call = before


class Batches(Callback):
    """Notes what the host waits for from the beginning of the first batch of a pass to the end of the last."""

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        self.pass_ = None

    def on_batch_begin(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        if self.pass_ is not training:
            self.pass_, self.before_ = training, FakeCuda.current.waits.copy()

    def on_batch_end(self, net: Any, **kwargs: Any) -> None:
        device = FakeCuda.current
        device.n_batches += 1
        device.waits_of_batches += device.waits - self.before_
        self.before_ = device.waits.copy()


def line_of_the_package() -> str:
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGE):
            return f"{frame.f_code.co_filename.removeprefix(PACKAGE)}:{frame.f_lineno}"
        frame = frame.f_back
    return "outside"


@contextmanager
def fake_cuda(capability: tuple[int, int] = (8, 0)) -> Iterator[FakeCuda]:
    """Let torch believe in one CUDA device."""
    device, autocast = FakeCuda(), torch.amp.autocast_mode.autocast.__init__
    enabled, dtype = torch.is_autocast_enabled, torch.get_autocast_dtype
    generator = device.generator

    def cpu_for(name: str) -> str:
        return "cpu" if name == "cuda" else name

    with pytest.MonkeyPatch.context() as patch, ExitStack() as modes:
        for name, value in {
            "is_available": lambda: True,
            "device_count": lambda: 1,
            "current_device": lambda: 0,
            "device": lambda device: nullcontext(),
            "get_rng_state": lambda device="cuda": generator.get_state(),
            "set_rng_state": lambda state, device="cuda": generator.set_state(state),
            "manual_seed": generator.manual_seed,
            "get_device_capability": lambda device=None: capability,
            "max_memory_allocated": lambda device=None: 0,
            "mem_get_info": lambda device=None: (2**30, 2**30),
            "is_current_stream_capturing": lambda: False,  # a build for CUDA asks the driver
        }.items():
            patch.setattr(torch.cuda, name, value)
        patch.setattr(torch, "is_autocast_enabled", lambda d=None: enabled(cpu_for(d)) if d else enabled())
        patch.setattr(torch, "get_autocast_dtype", lambda d: dtype(cpu_for(d)))
        patch.setattr(
            torch.amp.autocast_mode.autocast,
            "__init__",
            lambda self, kind, *args, **kwargs: autocast(self, cpu_for(kind), *args, **kwargs),
        )
        modes.enter_context(Operators(device))
        modes.enter_context(device)
        yield device
