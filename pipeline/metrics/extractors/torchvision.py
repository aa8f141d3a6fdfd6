"""Any classifier of torchvision, cut off at one of its nodes."""

from __future__ import annotations

import re

import torch
from PIL.Image import Resampling
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn

from pipeline.errors import UserError, suggest
from pipeline.metrics.extractors.frozen import MEAN, STD, Frozen, Triple, images, photograph

OWN_RANGE = {name: {"transform_input": True, "init_weights": False} for name in ("googlenet", "inception_v3")}
"""WHY: their published weights want [-1, 1], which torchvision sees to only where it downloads them itself."""
OLD = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(?=[12]\.)")
"""DenseNet's published names, norm.1, are older than its modules, norm1; torchvision renames them after a download."""


class Torchvision(Frozen):
    """Images in [-1, 1] -> what a node says of them, flattened."""

    name = "torchvision"
    wanted = "the state dict that torchvision publishes for that model, .pth or .safetensors"

    def __init__(
        self, *, model: str, weights: str, node: str, resize: int, mean: Triple, std: Triple, sha256: str | None = None
    ) -> None:
        described = {"model": model, "node": node, "resize": resize, "mean": list(mean), "std": list(std)}
        super().__init__(weights=weights, sha256=sha256, **described)
        network = _model(model)
        if model.startswith("densenet"):
            self._state = {OLD.sub(r"\1", name): value for name, value in self._state.items()}
        self.network = _cut(self.fill(network), model, node)
        self.size = self._probe(resize)

    @property
    def id(self) -> str:
        of = self.architecture
        usual = (tuple(of["mean"]), tuple(of["std"])) == (MEAN, STD)
        scale = "" if usual else f" mean {_words(of['mean'])} std {_words(of['std'])}"
        return f"{of['model']}.{of['node']}@{self.digest} {of['resize']}px{scale}"

    def forward(self, x: Tensor) -> Tensor:
        of = self.architecture
        features: Tensor = self.network(photograph(x, of["resize"], Resampling.BILINEAR, of["mean"], of["std"]))
        return features.flatten(1)

    def _probe(self, side: int) -> int:
        """How many features an image has."""
        try:
            return self.extract(torch.zeros(1, 3, side, side)).shape[1]
        except Exception as error:  # whatever their layers raise at a size that they were not made for
            why, of = " ".join(f"{type(error).__name__}: {error}".split()), self.architecture
            where = f"node {of['node']!r} of torchvision's {of['model']}"
            raise UserError(f"{where} gives no features at resize {side} ({why}); set another resize or node") from None


def torchvision(
    dataset: str,
    x: Tensor,
    label: Tensor | None,
    *,
    model: str,
    weights: str,
    node: str = "avgpool",
    resize: PositiveInt = 224,
    mean: Triple = MEAN,
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = STD,
) -> Torchvision:
    """x (N, 1 or 3, H, W); mean and std of the channels in [0, 1].

    Raises:
        UserError: x are no images, torchvision has no such classifier, it has no such node or none at this size, or the
            weights do not fit.
    """
    images(dataset, x, "torchvision")
    return Torchvision(model=model, weights=weights, node=node, resize=resize, mean=mean, std=std)


def _model(name: str) -> nn.Module:
    from torchvision import models  # WHY here: the import costs seconds

    known = models.list_models(module=models)  # WHY these alone: a detector's constructor downloads its backbone
    if name not in known:
        raise UserError(f"torchvision has no image classifier {name!r}; {suggest(name, known)}")
    return models.get_model(name, weights=None, **OWN_RANGE.get(name, {}))


def _cut(network: nn.Module, model: str, node: str) -> nn.Module:
    from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

    nodes = get_graph_node_names(network, suppress_diff_warning=True)[1]
    if not any(f"{each}.".startswith(f"{node}.") for each in nodes):
        known = {each.partition(".")[0] for each in nodes}
        raise UserError(f"torchvision's {model} has no node {node!r}; {suggest(node, known)}; or a part, as layer4.1")
    return nn.Sequential(create_feature_extractor(network, {node: "features"}, suppress_diff_warning=True), _Only())


class _Only(nn.Module):
    """{"features": value} -> value."""

    def forward(self, found: dict[str, Tensor]) -> Tensor:
        return found["features"]


def _words(numbers: Triple) -> str:
    return " ".join(f"{number:g}" for number in numbers)
