"""Networks that were trained elsewhere, on photographs.

Their weights lie in a file of the user's. It is named and hashed, not copied; nothing is downloaded, and no pickle is
run. The file is outside the graph that DVC watches: its sha256 is compared whenever it is read.
"""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline.errors import UserError
from pipeline.metrics.extractors.extractor import Extractor

State = dict[str, Tensor]


class Frozen(Extractor):
    """Weights of a file, never trained; `wanted` tells who lacks the file where it comes from."""

    batch: ClassVar[int] = 32
    stored: ClassVar[bool] = False
    wanted: ClassVar[str] = "a state dict, .safetensors or .pth"

    def __init__(self, *, weights: str, sha256: str | None, **keywords: Any) -> None:
        """sha256: what the file must have; None takes it as it is.

        Raises:
            UserError: there is no such file, it has changed, or it holds no weights.
        """
        super().__init__()
        self._state, found = read(Path(weights), sha256, self.wanted)
        self.architecture = {"weights": weights, "sha256": found, **keywords}

    @property
    def digest(self) -> str:
        """The first six digits of the sha256 of the file."""
        return str(self.architecture["sha256"][:6])

    def fill(self, network: nn.Module) -> nn.Module:
        """Take the weights over, and freeze them.

        Raises:
            UserError: they are those of another network.
        """
        state, self._state = self._state, {}
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise self.misfit(error) from None
        return network.eval().requires_grad_(False)

    def misfit(self, error: Exception) -> UserError:
        """torch lists every name that is missing: the first few words are enough."""
        words = " ".join(str(error).split())
        what = words if len(words) < 160 else f"{words[:160]} ..."
        return UserError(f"{self.architecture['weights']} does not fit extractor {self.name}: {what}")


def read(path: Path, sha256: str | None, wanted: str) -> tuple[State, str]:
    """The weights in a file, and its sha256 in hex."""
    if not path.is_file():
        raise UserError(f"no weights at {path}; put there {wanted}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 not in (None, found):
        raise UserError(
            f"{path} has sha256 {found[:12]}..., and the features were made with {str(sha256)[:12]}...: "
            "put that file back, or make them again with: coverseek features --task TASK"
        )
    try:
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError):
        state = None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(f"{path} holds no plain weights; put there {wanted}")
    return dict(state), found


def images(dataset: str, x: Tensor, name: str) -> None:
    """Raises `UserError` unless x are images (N, 1 or 3, H, W)."""
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise UserError(f"dataset {dataset} has no gray or coloured images for extractor {name}; use identity")


def coloured(x: Tensor) -> Tensor:
    """(N, 1 or 3, H, W) -> (N, 3, H, W): gray is three equal channels."""
    return x.expand(-1, 3, -1, -1)
