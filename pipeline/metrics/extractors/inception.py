"""Inception-v3 as FID uses it: the network of torch-fidelity, with TensorFlow 1's bilinear resize to 299 x 299.

Only with the weights that everybody shares is a Fréchet distance in its features called FID, and its `id` says so.

Compared with the source of torch-fidelity 0.4.0, feature_extractor_inceptionv3.py, which runs here, and of pytorch-fid,
inception.py: the same names of weights; average pooling that leaves the padding out of the count in Mixed_5b to 7b, and
max pooling in Mixed_7c; BatchNorm's eps 0.001; 2,048 features before `fc`. The resize and (x - 128) / 128 are
torch-fidelity's, after TensorFlow; pytorch-fid has others. The published file was not at hand.

Heusel et al. 2017, GANs trained by a two time-scale update rule, arXiv:1706.08500; Obukhov et al. 2020, torch-fidelity,
doi:10.5281/zenodo.4957738.
"""

from __future__ import annotations

import io
from typing import Any

import torch
from torch import Tensor

from pipeline.errors import UserError
from pipeline.metrics.extractors.frozen import Frozen, images, pixels

PUBLISHED = "6726825d"
"""How the sha256 of the file begins that FID is defined by; its name says so too."""


class Inception(Frozen):
    """Images in [-1, 1] -> the 2,048 features after the last pooling."""

    name = "inception"
    size = 2048
    wanted = f"weights-inception-2015-12-05-{PUBLISHED}.pth (sha256 {PUBLISHED}...) of torch-fidelity's release v0.2.0"

    def __init__(self, *, weights: str, sha256: str | None = None) -> None:
        super().__init__(weights=weights, sha256=sha256)
        network = _network()
        held = io.BytesIO()  # WHY: theirs downloads or runs a pickle, so it is given one that was written just here
        torch.save(self._state, held)
        held.seek(0)
        self._state = {}
        try:
            self.network = network("inception", ["2048"], feature_extractor_weights_path=held)
        except RuntimeError as error:
            raise self.misfit(error) from None

    @property
    def id(self) -> str:
        fid = self.architecture["sha256"].startswith(PUBLISHED)
        return f"{'FID-' * fid}inception@{self.digest}"

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.network(pixels(x))[0]
        return features


def inception(dataset: str, x: Tensor, label: Tensor | None, *, weights: str) -> Inception:
    """x (N, 1 or 3, H, W).

    Raises:
        UserError: x are no images, the weights are not there or not Inception's, or torch-fidelity is not installed.
    """
    images(dataset, x, "inception")
    return Inception(weights=weights)


def _network() -> Any:
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3  # WHY here: an extra
    except ImportError:
        raise UserError("extractor inception needs torch-fidelity: pip install 'coverseek[extractors]'") from None
    return FeatureExtractorInceptionV3
