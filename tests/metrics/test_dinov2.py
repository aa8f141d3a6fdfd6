"""DINOv2 by its parts: a block is torch's own pre-norm encoder layer, the names are those of the published file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pipeline.errors import UserError
from pipeline.metrics.extractors.dinov2 import SHAPES, TRAINED, Block, Shape, Transformer, dinov2

AFFINE = ("weight", "bias")


@torch.no_grad()
def test_a_block_is_torchs_encoder_layer_with_scaled_branches() -> None:
    torch.manual_seed(0)
    block, layer = Block(12, 3), nn.TransformerEncoderLayer(12, 3, 48, 0, "gelu", 1e-6, True, norm_first=True)
    gamma = torch.rand(2, 12, 1)
    block.ls1.gamma.copy_(gamma[0, :, 0])
    block.ls2.gamma.copy_(gamma[1, :, 0])
    own = block.state_dict()
    names = {
        "self_attn.in_proj_": "attn.qkv.", "self_attn.out_proj.": "attn.proj.", "linear1.": "mlp.fc1.",
        "linear2.": "mlp.fc2.", "norm1.": "norm1.", "norm2.": "norm2.",
    }  # fmt: skip
    state = {f"{a}{part}": own[f"{b}{part}"].clone() for a, b in names.items() for part in ("weight", "bias")}
    for name, scale in (("self_attn.out_proj", gamma[0]), ("linear2", gamma[1])):
        state[f"{name}.weight"] *= scale
        state[f"{name}.bias"] *= scale[:, 0]
    layer.load_state_dict(state)
    x = torch.randn(2, 5, 12)
    assert torch.allclose(block(x), layer(x), atol=1e-5)


def test_the_names_and_shapes_are_those_of_the_published_file() -> None:
    with torch.device("meta"):
        state = Transformer(SHAPES["s"]).state_dict()
    layers = [
        f"{layer}.{part}"
        for layer in ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
        for part in AFFINE
    ]
    block = [*layers, "ls1.gamma", "ls2.gamma"]
    ends = [f"{layer}.{part}" for layer in ("patch_embed.proj", "norm") for part in AFFINE]
    tokens = ["cls_token", "mask_token", "pos_embed"]
    assert state.keys() == {*tokens, *ends, *(f"blocks.{i}.{name}" for i in range(12) for name in block)}
    assert state["pos_embed"].shape == (1, 1370, 384)
    assert state["patch_embed.proj.weight"].shape == (384, 3, 14, 14)
    assert state["blocks.11.ls2.gamma"].shape == (384,)
    assert state["mask_token"].shape == (1, 384)
    assert sum(value.numel() for value in state.values()) == 22_056_576


@torch.no_grad()
def test_positions_are_left_alone_at_the_size_of_the_training_and_stay_in_order_at_others() -> None:
    network = Transformer(SHAPES["s"]._replace(depth=0))
    ramp = torch.arange(TRAINED).repeat_interleave(TRAINED)[:, None].expand(-1, 384).float()
    network.pos_embed[0, 1:] = ramp
    assert torch.equal(network.positions(TRAINED, TRAINED)[0], ramp)
    rows = network.positions(16, 16)[0, :, 0].reshape(16, 16)
    assert torch.allclose(rows, rows[:, :1].expand(-1, 16), atol=1e-4)
    assert (rows[:, 0].diff() > 0).all()


def cubic(size: int, side: int, scale: float) -> Tensor:
    """(side, size): Keys's kernel with a = -3/4, read at (i + 1/2) / scale - 1/2, edges repeated."""
    at = (torch.arange(side).double() + 0.5) / scale - 0.5
    weight = torch.zeros(side, size, dtype=torch.float64)
    for step in range(-1, 3):
        place = at.floor().long() + step
        t = (at - place).abs()
        near, far = (1.25 * t - 2.25) * t**2 + 1, -0.75 * (t**3 - 5 * t**2 + 8 * t - 4)
        weight[torch.arange(side), place.clamp(0, size - 1)] += torch.where(t <= 1, near, far)
    return weight


@torch.no_grad()
def test_positions_at_224_pixels_are_bicubic_at_a_scale_of_16_1_to_37() -> None:
    """The published statement: neither antialiased nor at the scale of the sizes, 16 to 37."""
    network = Transformer(Shape(4, 0, 1))
    nn.init.normal_(network.pos_embed)
    grid = network.pos_embed[0, 1:].double().unflatten(0, (37, 37))
    theirs, plain = (
        torch.einsum("ir,jc,rcw->ijw", weight, weight, grid).flatten(0, 1)
        for weight in (cubic(37, 16, 16.1 / 37), cubic(37, 16, 16 / 37))
    )
    found = network.positions(16, 16)[0].double()
    assert torch.allclose(found, theirs, atol=1e-5)
    assert (found - plain).abs().max() > 0.1


@torch.no_grad()
def test_the_class_token_has_the_first_position_and_is_normed_last() -> None:
    network = Transformer(Shape(12, 0, 3))
    for value in (network.cls_token, network.pos_embed):
        nn.init.normal_(value, std=1e-3)  # so small that the eps of the norm counts
    token = network.cls_token[0, 0] + network.pos_embed[0, 0]
    expected = (token - token.mean()) / (token.var(correction=0) + 1e-6).sqrt()
    assert torch.allclose(network(torch.rand(2, 3, 28, 28)), expected.expand(2, -1), atol=1e-5)


@pytest.mark.slow
def test_features_are_the_class_token_and_another_size_is_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    path = tmp_path / "dinov2_vits14_pretrain.pth"
    network = Transformer(SHAPES["s"])
    nn.init.normal_(network.pos_embed)
    torch.save(network.state_dict(), path)
    x = torch.rand(3, 1, 28, 28) * 2 - 1
    extractor = dinov2("toy", x, None, weights=str(path))
    features = extractor.extract(x)
    assert features.shape == (3, 384)
    assert extractor.extract(x[:0]).shape == (0, 384)
    assert torch.allclose(features[:1], extractor.extract(x[:1]), atol=1e-4)
    assert extractor.id.startswith("dinov2-s14@")
    with pytest.raises(UserError, match=r"vits14_pretrain\.pth does not fit extractor dinov2"):
        dinov2("toy", x, None, weights=str(path), model="b")
