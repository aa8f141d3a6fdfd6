"""The networks of the papers at toy width pass the laws that apply to their recipes."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.conformance.law import Law
from pipeline.conformance.model_laws import LAWS
from pipeline.conformance.subject import Subject
from pipeline.conformance.toy_tasks import Problem
from pipeline.families.registry import find

UNET: dict[str, Any] = {"channels": 8, "widths": (1, 2), "blocks": 1, "attention": (4,), "heads": 2, "steps": 3}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "ddpm": ("diffusion", UNET),
    "flow_matching": ("diffusion", UNET),
    "sngan_hinge": ("gan", {"network": "resnet", "latent": 3, "width": 8, "generator_width": 4, "depth": 1}),
    "wgan_gp": ("gan", {"network": "resnet", "latent": 3, "width": 8, "depth": 1, "steps_per_round": 2}),
    "realnvp": ("flow", {"network": "residual", "channels": 8, "blocks": 1, "couplings": 2, "last": 1}),
    "glow": ("flow", {"network": "shallow", "channels": 8, "couplings": 2, "dequantisation": "uniform"}),
    "conv_vae": ("vae", {"network": "strided", "latent": 3, "channels": 8, "halvings": 2, "kernel": 5}),
    "hierarchical_vae": ("vae", {"latent": 2, "channels": 8, "depths": (1, 2, 1), "encoder_depths": (1, 1, 1)}),
}
PROBLEMS = (Problem("grey", "class"), Problem("grey", "grayscale"), Problem("colour", "none"))


def _subjects() -> dict[str, Subject]:
    return {
        f"{recipe}-{problem.event}-{problem.condition}": Subject(
            find(family, recipe, "images", "test"), problem, keywords
        )
        for recipe, (family, keywords) in VARIANTS.items()
        for problem in PROBLEMS
    }


CASES = [
    pytest.param(subject, law, id=f"{name}-{law.name}")
    for name, subject in _subjects().items()
    for law in LAWS
    if law.applies(subject)
]


@pytest.mark.parametrize(("recipe", "law"), CASES)
def test_the_networks_of_a_paper_pass(recipe: Subject, law: Law[Subject]) -> None:
    law.check(recipe)
