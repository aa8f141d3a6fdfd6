"""What CelebA promises, on a folder of tiny size in its own format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny import write_celeba

from pipeline.data.dataset import SPLITS, Sizes
from pipeline.data.vision.celeba import celeba
from pipeline.errors import UserError

SIZES = Sizes(6, 3, 2)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Faces 1 .. 8 are of the train split, 9 .. 12 of validation, 13 .. 15 of test."""
    write_celeba(tmp_path, {0: 8, 1: 4, 2: 3})
    return tmp_path


def test_faces_keep_their_split_and_their_attribute(root: Path) -> None:
    dataset = celeba(SIZES, 0, data_root=root, condition="class", attribute="Smiling", crop=140, side=8)
    assert (dataset.event.shape, dataset.event.levels, dataset.condition.size) == ((3, 8, 8), 256, 2)
    for split, faces in zip(SPLITS, (range(1, 9), range(9, 13), range(13, 16)), strict=True):
        part = dataset.splits[split]
        seen = np.round(part.x.mean(axis=(1, 2, 3)) / 10).astype(int).tolist()
        assert len(set(seen)) == len(seen) == getattr(SIZES, split)
        assert set(seen) <= set(faces)
        assert part.c.tolist() == part.label.tolist() == [face % 2 for face in seen]


def test_without_an_attribute_there_are_no_labels(root: Path) -> None:
    dataset = celeba(SIZES, 0, data_root=root)
    assert dataset.event.shape == (3, 218, 178)
    assert dataset.splits["train"].label is None
    with pytest.raises(UserError, match="condition class of dataset celeba needs an attribute"):
        celeba(SIZES, 0, data_root=root, condition="class")


def test_an_attribute_that_is_none_is_refused(root: Path) -> None:
    with pytest.raises(UserError, match="attribute: unknown 'Smilng'; allowed: Bald, Smiling; did you mean Smiling"):
        celeba(SIZES, 0, data_root=root, attribute="Smilng")


def test_more_faces_than_a_split_has(root: Path) -> None:
    with pytest.raises(UserError, match="celeba has 4 validation images; validation = 5 is too many"):
        celeba(Sizes(1, 5, 1), 0, data_root=root)


@pytest.mark.parametrize("name", ["img_align_celeba", "list_eval_partition.txt", "list_attr_celeba.txt"])
def test_what_is_missing_is_named_with_the_place_to_get_it(name: str, root: Path) -> None:
    (root / "celeba" / name).rename(root / "elsewhere")
    with pytest.raises(UserError, match=rf"{name} is missing: .*celeba must hold .*by hand, from https://mmlab"):
        celeba(SIZES, 0, data_root=root)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list_eval_partition.txt", "000001.jpg 3\n"),
        ("list_eval_partition.txt", "000001.jpg\n"),
        ("list_eval_partition.txt", ""),
        ("list_attr_celeba.txt", "1\nBald Smiling\n000001.jpg -1\n"),
        ("list_attr_celeba.txt", "1\nBald Smiling\n000001.jpg -1 -1\n"),
    ],
)
def test_a_damaged_table_is_named(name: str, text: str, root: Path) -> None:
    (root / "celeba" / name).write_text(text)
    with pytest.raises(UserError, match=f"{name} is damaged: "):
        celeba(SIZES, 0, data_root=root, attribute="Smiling")


def test_a_damaged_face_is_named(root: Path) -> None:
    for path in (root / "celeba/img_align_celeba").iterdir():
        path.write_bytes(b"no face")
    with pytest.raises(UserError, match=r"\d{6}\.jpg cannot be read as an image"):
        celeba(SIZES, 0, data_root=root)
