"""What other packages announce is found by name, runs only when named, and counts in the hash of who uses it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from clone import ROOT, environment
from configuration import params_text, task_entry
from installed import install

from pipeline import families, import_closure, plugins
from pipeline.data import datasets, prepared
from pipeline.data.datasets import DATASETS
from pipeline.errors import UserError
from pipeline.families.catalogue import describe
from pipeline.families.control.density import UniformBox
from pipeline.families.registry import find
from pipeline.html import recipe_texts
from pipeline.metrics.extractors import reference
from pipeline.params import Data, Evaluation, ModelParams, Params
from pipeline.run.stamp import Stamp
from pipeline.stages import evaluate, features, prepare
from pipeline.stages.plan import parameters
from pipeline.training import reproducible

RECIPES = '''"""A family: anything that is ours already."""
from pipeline.families.control.density import UniformBox
from pipeline.contract import Task
__all__ = ["dust_points"]
class Dust(UniformBox):
    """Its own class."""
def dust_points(task: Task, *, margin: float = 0.5) -> Dust:
    """Dust (2026). Equation: p(x) = 1."""
    return Dust(task.event, margin)
'''
RING = params_text(
    {"ring": task_entry("ring", 60, 20, 40, sigma=0.1, extractor={"name": "brightness", "power": 2})},
    evaluation={"samples": 40, "draws": 2, "chunk": 40},
)
DATA = """from pipeline.data.mixtures import ring
def hoop(sizes, seed, *, sigma: float = 0.1):
    return ring(sizes, seed, sigma=sigma)
"""
LIGHT = """from pipeline.metrics.extractors.lookup import Extractor
class Brightness(Extractor):
    name = "brightness"
    def __init__(self, *, power):
        super().__init__()
        self.size, self.architecture = 1, {"power": power}
    @property
    def id(self):
        return f"brightness^{self.architecture['power']}"
    def forward(self, x):
        return x.flatten(1).mean(dim=1, keepdim=True) ** self.architecture["power"]
def brightness(dataset, x, label, *, power: int = 1) -> Brightness:
    return Brightness(power=power)
"""
Install = Callable[..., Path]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package for the length of a test."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def put(name: str, source: str, **entries: str) -> Path:
        monkeypatch.delitem(sys.modules, name, raising=False)
        return install(tmp_path / "site", name, source, **entries)

    return put


def settings(extractor: str = "identity") -> Params:
    """The real configuration with a model and a task of another package, maybe in features of a third."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["models"]["points"]["dust"] = {"family": "sky"}
    params["tasks"]["hoop"] = params["tasks"]["ring"] | {
        "data": {"dataset": "hoop", "train": 8, "validation": 4, "test": 4},
        "extractor": {"name": extractor},
    }
    grid = {"events": "points", "tasks": ["hoop"], "models": ["dust"], "seeds": [0], "sweep": ["dust"]}
    params["suites"]["own"] = {"question": "?", "default": False} | grid
    return Params.model_validate(params)


def test_a_family_is_a_module_of_recipes(site: Install) -> None:
    site("dusty", RECIPES, models="sky = dusty")
    spec = ModelParams(family="sky", recipe="dust", margin=2)
    assert families.check("points", "haze", spec) == {"margin": 2.0}
    entry = describe("sky", "dust_points", find("sky", "dust", "points", "test"))
    assert (entry.likelihood, entry.file, entry.equation) == ("exact", "dusty", "p(x) = 1")


def test_a_dataset_is_a_function(site: Install) -> None:
    site("hoops", DATA, datasets="hoop = hoops:hoop")
    made = datasets.make(Data(dataset="hoop", train=5, validation=4, test=3, sigma=0.2), "tasks.hoop.data")
    assert len(made.splits["train"].x) == 5


def test_an_extractor_is_a_function_and_its_features_are_measured_in(
    site: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named in params.yaml, fitted, kept, built again, and in the protocol of whatever its features say."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproducible, "seed", torch.manual_seed)  # WHY: the flags that it sets would outlive the test
    site("light", LIGHT, extractors="brightness = light:brightness")
    Path("params.yaml").write_text(RING)
    prepare.main("ring")
    features.main("ring")
    data = prepared.load("ring")
    extractor, kept, _ = reference.load(data.task)
    assert extractor.id == "brightness^2"
    assert torch.equal(kept["train"], data.train[0].mean(dim=1, keepdim=True) ** 2)
    counts = Evaluation(samples=40, draws=2, chunk=40, neighbours=1, coverage_neighbours=1, conditions=1, repeats=2)
    model = UniformBox(data.task.event, 0.5)
    model.calibrate([data.train], [])
    measured = evaluate.evaluate(model, data, counts, 0).metrics
    assert measured["precision"]["protocol"] == "test n=40, fake n=40, brightness^2, k=1, closed balls"
    assert "brightness^2" in measured["frechet"]["protocol"]


def test_an_unknown_name_is_answered_with_ours_and_theirs(site: Install) -> None:
    site("dusty", RECIPES, models="sky = dusty")
    with pytest.raises(UserError, match=r"models\.points\.haze\.family: unknown 'skye'; .*flow.*sky.*did you mean sky"):
        families.check("points", "haze", ModelParams(family="skye"))


def test_a_name_of_ours_is_not_for_others(site: Install) -> None:
    site("dusty", RECIPES, models="flow = dusty", datasets="ring = dusty:ring")
    with pytest.raises(UserError, match="'flow' is Coverseek's own"):
        families.check("points", "realnvp", ModelParams(family="flow"))
    with pytest.raises(UserError, match="'ring' is Coverseek's own"):
        plugins.find("datasets", "ring", DATASETS, "tasks.ring.data.dataset")
    with pytest.raises(UserError, match="'flow' is Coverseek's own"):
        parameters(settings())


def test_a_name_announced_twice_is_refused(site: Install) -> None:
    site("dusty", RECIPES, models="sky = dusty")
    site("grimy", RECIPES, models="sky = grimy")
    with pytest.raises(UserError, match=r"'sky' of coverseek\.models is announced twice, by dusty and grimy"):
        plugins.announced("models")


@pytest.mark.parametrize(
    ("source", "value", "why"),
    [
        ("raise OSError('no\\nway')", "broken", r"cannot be loaded \(OSError: no way\)"),
        ("", "broken:lost", r"cannot be loaded \(AttributeError"),
        ("def f(): ...", "broken:f", "no module that lists its recipes in __all__"),
    ],
)
def test_a_package_at_fault_is_named_in_one_line(site: Install, source: str, value: str, why: str) -> None:
    site("broken", source, models=f"sky = {value}")
    with pytest.raises(UserError, match=why) as error:
        find("sky", "dust", "points", "models.points")
    assert "\n" not in str(error.value)


def test_code_is_hashed_unseen_and_each_edit_changes_it(site: Install) -> None:
    module = site("dusty", "raise SystemExit", models="sky = dusty.recipes")
    before = plugins.code(plugins.announced("models")["sky"])
    assert "dusty" not in sys.modules
    module.write_text("raise SystemExit(1)")
    assert plugins.code(plugins.announced("models")["sky"]) != before


def test_code_of_an_editable_package_is_found_where_it_is(
    site: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder is elsewhere, and the installed files say nothing of it."""
    site("dusty", "", models="sky = dusty.recipes").unlink()
    monkeypatch.syspath_prepend(str(tmp_path / "source"))
    recipes = tmp_path / "source/dusty/recipes.py"
    recipes.parent.mkdir(parents=True)
    found = []
    for text in ("one", "two", "one"):
        recipes.write_text(text)
        found.append(plugins.code(plugins.announced("models")["sky"]))
    assert found[0] == found[2] != found[1]


def test_an_edit_in_another_package_changes_the_hashes_of_who_uses_it(site: Install) -> None:
    dusty = site("dusty", RECIPES, models="sky = dusty")
    hoops = site("hoops", DATA, datasets="hoop = hoops:hoop")
    first = parameters(settings())
    dusty.write_text(RECIPES + "\n# else\n")
    second = parameters(settings())
    for stage in ("train", "evaluate", "sweep"):
        changed = {model for model, value in second[stage]["points"].items() if value != first[stage]["points"][model]}
        assert changed == {"dust"}
        assert second[stage]["images"] == first[stage]["images"]
    assert all(second[stage] == first[stage] for stage in ("prepare", "features", "report"))
    hoops.write_text(DATA + "\n# else\n")
    third = parameters(settings())
    assert {key for key in third if third[key] != second[key]} == {"brought", "prepare"}


def test_an_edit_in_an_extractor_of_another_package_reaches_whatever_its_features_do(site: Install) -> None:
    light = site("light", LIGHT, extractors="brightness = light:brightness")
    site("dusty", RECIPES, models="sky = dusty")
    site("hoops", DATA, datasets="hoop = hoops:hoop")
    first = parameters(settings("brightness"))
    assert first["brought"]["extractors"] == {"brightness": plugins.code(plugins.announced("extractors")["brightness"])}
    light.write_text(LIGHT + "\n# else\n")
    second = parameters(settings("brightness"))
    assert {key for key in first if first[key] != second[key]} == {"brought", "features", "evaluate", "sweep"}


def test_what_another_package_imports_of_ours_counts_for_it(site: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own families and networks, which no stage reaches without a family of ours."""
    site("dusty", RECIPES, models="sky = dusty")
    first = parameters(settings())
    monkeypatch.setattr(
        import_closure, "normalized_source", lambda source: source.replace("class UniformBox", "class Other")
    )
    second = parameters(settings())
    changed = {model for model, value in second["train"]["points"].items() if value != first["train"]["points"][model]}
    assert "dust" in changed


def test_an_edit_in_another_package_is_seen_by_the_stamp(
    site: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module = site("dusty", RECIPES, models="sky = dusty")
    Stamp("default").write()
    assert Stamp("default").fresh()
    module.write_text(RECIPES + "\n# else\n")
    assert not Stamp("default").fresh()


@pytest.mark.parametrize("words", [["--help"], ["conformance", "--help"]])
def test_help_imports_neither_torch_nor_another_package(words: list[str], tmp_path: Path) -> None:
    install(tmp_path, "dusty", "raise SystemExit('imported')", models="sky = dusty")
    script = "import sys; from pipeline.cli import main\ntry: main(sys.argv[1:])\nfinally: print(sorted(sys.modules))"
    env = environment(ROOT) | {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    done = subprocess.run([sys.executable, "-c", script, *words], env=env, capture_output=True, text=True, check=True)
    assert not re.search(r"'(torch|dusty|numpy)'", done.stdout)


def test_a_recipe_of_another_package_says_on_the_page_what_it_is_without_being_imported(site: Install) -> None:
    site("dusty", RECIPES, models="sky = dusty")
    (found,) = recipe_texts.recipes(settings(), {"points": {"dust": ["hoop"]}})
    assert found.words == recipe_texts.Words("Dust (2026).", "p(x) = 1")
    assert found.package.startswith("dusty ")
    assert "dusty" not in sys.modules


def test_a_recipe_without_words_has_those_of_its_module(site: Install) -> None:
    site("mute", '"""Mist: it\nis there.\n\nAnd more."""\nfrom elsewhere import fog_points\n', models="sky = mute")
    assert recipe_texts.words("sky", "fog", "points") == recipe_texts.Words("Mist: it is there.")
