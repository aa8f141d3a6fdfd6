"""Any classifier of torchvision, cut off at one of its nodes."""

from __future__ import annotations

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn

from pipeline.errors import UserError, suggest
from pipeline.metrics.extractors.frozen import Frozen, images
from pipeline.metrics.extractors.photograph import MEAN, STD, Triple, photograph


class Torchvision(Frozen):
    """Images in [-1, 1] -> what a node says of them, flattened."""

    name = "torchvision"

    def __init__(
        self, *, model: str, weights: str, node: str, resize: int, mean: Triple, std: Triple, sha256: str | None = None
    ) -> None:
        kept = {"model": model, "node": node, "resize": resize, "mean": list(mean), "std": list(std)}
        super().__init__(weights=weights, sha256=sha256, **kept)
        self.network = _cut(self.fill(_model(model)), model, node)
        self.size = self.extract(torch.zeros(1, 3, resize, resize)).shape[1]

    @property
    def id(self) -> str:
        of = self.architecture
        usual = (tuple(of["mean"]), tuple(of["std"])) == (MEAN, STD)
        scale = "" if usual else f" mean {_words(of['mean'])} std {_words(of['std'])}"
        return f"{of['model']}.{of['node']}@{self.digest} {of['resize']}px{scale}"

    def forward(self, x: Tensor) -> Tensor:
        of = self.architecture
        features: Tensor = self.network(photograph(x, of["resize"], "bilinear", of["mean"], of["std"]))
        return features.flatten(1)


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
        UserError: x are no images, torchvision has no such model or it no such node, or the weights do not fit.
    """
    images(dataset, x, "torchvision")
    return Torchvision(model=model, weights=weights, node=node, resize=resize, mean=mean, std=std)


def _model(name: str) -> nn.Module:
    from torchvision.models import get_model, list_models  # WHY here: the import costs seconds

    if name not in list_models():
        raise UserError(f"torchvision has no model {name!r}; {suggest(name, list_models())}")
    return get_model(name, weights=None)


def _cut(network: nn.Module, model: str, node: str) -> nn.Module:
    from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

    nodes = get_graph_node_names(network)[1]
    if not any(f"{each}.".startswith(f"{node}.") for each in nodes):
        known = {each.partition(".")[0] for each in nodes}
        raise UserError(f"torchvision's {model} has no node {node!r}; {suggest(node, known)}; or a part, as layer4.1")
    return nn.Sequential(create_feature_extractor(network, {node: "features"}), _Only())


class _Only(nn.Module):
    """{"features": value} -> value."""

    def forward(self, found: dict[str, Tensor]) -> Tensor:
        return found["features"]


def _words(numbers: Triple) -> str:
    return " ".join(f"{number:g}" for number in numbers)
