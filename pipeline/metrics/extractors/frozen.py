"""Networks that were trained elsewhere, on photographs.

Their weights lie in a file of the user's. It is named and hashed, not copied; nothing is downloaded, and no pickle is
run. The file is outside the graph that DVC watches: its sha256 is compared whenever it is read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image
from PIL.Image import Resampling
from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline.errors import UserError
from pipeline.metrics.extractors.extractor import Extractor

State = dict[str, Tensor]
Triple = tuple[float, float, float]
MEAN: Triple = (0.485, 0.456, 0.406)
STD: Triple = (0.229, 0.224, 0.225)
"""Of ImageNet's channels, in [0, 1]."""


class Frozen(Extractor):
    """Weights of a file, never trained; `wanted` tells who lacks the file where it comes from."""

    batch: ClassVar[int] = 32
    stored: ClassVar[bool] = False
    wanted: ClassVar[str] = "a state dict, .safetensors or .pth"
    """Ends an error: what to put in the file's place."""

    def __init__(self, *, weights: str, sha256: str | None, **keywords: Any) -> None:
        """sha256: what the file must have; None takes it as it is.

        Raises:
            UserError: the file cannot be read, has changed, or holds no weights or some that are not finite.
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
        except (RuntimeError, ValueError) as error:  # the latter is MNASNet's, of a file that tells no version
            raise self.misfit(error) from None
        return network.eval().requires_grad_(False)

    def misfit(self, error: Exception) -> UserError:
        """torch lists every name that is missing: the first few words are enough."""
        words = " ".join(str(error).split())
        what = words if len(words) < 160 else f"{words[:160]} ..."
        file = self.architecture["weights"]
        return UserError(f"{file} does not fit extractor {self.name}: {what}; put there {self.wanted}")


def read(path: Path, sha256: str | None, wanted: str) -> tuple[State, str]:
    """The weights in a file, and its sha256 in hex."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"no weights at {path} ({error.strerror}); put there {wanted}") from None
    if sha256 not in (None, found):
        raise UserError(
            f"{path} has sha256 {found[:12]}..., and the features were made with {str(sha256)[:12]}...: "
            "put that file back, or make them again with: coverseek features --task TASK"
        )
    try:
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except Exception as error:  # of a damaged file: whatever torch's readers raise, from IndexError to struct.error
        why = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise _no_weights(path, wanted, f" ({why})") from None
    if not _is_plain(state):
        raise _no_weights(path, wanted)
    bad = next((name for name, value in state.items() if not value.isfinite().all()), None)
    if bad is not None:
        raise UserError(f"{path}: the weights {bad} are not finite; put there {wanted}")
    return state, found


def _no_weights(path: Path, wanted: str, why: str = "") -> UserError:
    return UserError(f"{path} holds no plain weights, a dict of names and tensors{why}; put there {wanted}")


def _is_plain(state: object) -> bool:
    """Whether it is a dict of names and tensors, with at least one."""
    if not isinstance(state, dict) or not state:
        return False
    return all(isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items())


def images(dataset: str, x: Tensor, name: str) -> None:
    """Raises `UserError` unless x are images (N, 1 or 3, H, W)."""
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise UserError(f"dataset {dataset} has no gray or coloured images for extractor {name}; use identity")


def pixels(x: Tensor) -> Tensor:
    """x (N, 1 or 3, H, W) in [-1, 1] -> (N, 3, H, W) uint8, what a file would hold: gray is three equal channels."""
    levels = ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.expand(-1, 3, -1, -1)


def photograph(x: Tensor, side: int, how: Resampling, mean: Triple, std: Triple) -> Tensor:
    """x (N, 1 or 3, H, W) in [-1, 1] -> (N, 3, side, side) of mean 0 and deviation 1 over the photographs.

    Resized on the CPU, by Pillow; the result is on the device of x.
    """
    levels = torch.empty(len(x), 3, side, side, dtype=x.dtype)
    for row, image in zip(levels, pixels(x.cpu()), strict=True):
        row.copy_(_resized(image, side, how))
    levels = levels.to(x.device)
    return (levels / 255 - x.new_tensor(mean)[:, None, None]) / x.new_tensor(std)[:, None, None]


def _resized(image: Tensor, side: int, how: Resampling) -> Tensor:
    """(3, H, W) uint8 -> (3, side, side) uint8.

    WHY Pillow: the networks saw its bytes, and so do published numbers. Bicubic overshoots at edges, and it clips to a
    byte along each axis in turn, which no resize of floats does: black on white is up to 30 levels apart.
    """
    array = np.array(Image.fromarray(image.permute(1, 2, 0).numpy()).resize((side, side), how))
    return torch.from_numpy(array).permute(2, 0, 1)
