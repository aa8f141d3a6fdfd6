"""A second device that needs no hardware: its tensors hold their values on the CPU, and mixing them is an error.

The tensors say that they are on `meta`, whose own ones have no values. Every operation is that of the CPU, so that a
result equals the CPU's to the last bit. Refused, as on a GPU: operations on tensors of both devices (but for numbers,
copies and indices), generators of the CPU, and `.numpy()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

DEVICE = torch.device("meta")
MIXING = ("copy_",)
"""Operations that take tensors of both."""


class OtherTensor(Tensor):
    """A tensor on the other device."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor) -> OtherTensor:
        made = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            device=DEVICE,
        )  # fmt: skip
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class OtherDevice(TorchDispatchMode):
    """Inside it `to(DEVICE)` and `device=DEVICE` give tensors of the other device."""

    def __enter__(self) -> Self:
        self._literals = Literals()
        self._literals.__enter__()
        return super().__enter__()  # type: ignore[no-any-return]

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._literals.__exit__(*error)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class Literals(TorchFunctionMode):
    """Make tensors of Python's numbers on the CPU and move them: on `meta` torch leaves the values out."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func not in (torch.tensor, torch.as_tensor, Tensor.new_tensor):
            return func(*args, **(kwargs or {}))
        options = dict(kwargs or {})
        device = options.pop("device", None)
        if func is Tensor.new_tensor:
            like, *args = args
            options, device = {"dtype": like.dtype} | options, device or like.device
        made = (torch.as_tensor if func is torch.as_tensor else torch.tensor)(*args, **options)
        return made if device is None else made.to(device)


def place(module: nn.Module) -> nn.Module:
    """Move the parameters and buffers of a module to the other device, in place."""
    for part in module.modules():
        for name, value in part._parameters.items():
            part._parameters[name] = value if value is None else nn.Parameter(OtherTensor(value.data), False)
        for name, value in part._buffers.items():
            part._buffers[name] = value if value is None else OtherTensor(value)
    return module


def _run(func: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
    owners: dict[int, OtherTensor] = {}
    places = set()

    def held(value: Any) -> Any:
        if isinstance(value, OtherTensor):
            owners[id(value.held)] = value
            places.add("other")
            return value.held
        if isinstance(value, Tensor) and value.device == DEVICE:
            raise RuntimeError(f"{func} reads a tensor without values")
        if isinstance(value, Tensor) and value.dim():
            places.add("cpu")
        return value

    plain_args, plain = tree_map(held, (args, dict(kwargs)))
    if len(places) > 1 and func._opname not in MIXING:
        raise RuntimeError(f"{func} mixes devices")
    wanted = plain.get("device")
    other = "other" in places if wanted is None else torch.device(wanted) == DEVICE
    if wanted is not None:
        plain["device"] = torch.device("cpu")
    if other and plain.get("generator") is not None:
        raise RuntimeError(f"{func} draws on another device than that of its generator")

    def owned(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        known = owners.get(id(value))
        return (OtherTensor(value) if other else value) if known is None else known

    return tree_map(owned, func(*plain_args, **plain))
