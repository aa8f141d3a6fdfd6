"""What a folder of one's own images promises, on folders of a few tiny images."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import png16
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.data.conditions import luma
from pipeline.data.dataset import SPLITS, Dataset, Sizes
from pipeline.data.folder import folder
from pipeline.data.image_files import read_image, read_images
from pipeline.data.image_transform import ImageTransform
from pipeline.errors import UserError

SIZES = Sizes(5, 2, 3)
SIDE = 16  # of the stored images
CLASSES = ("bird", "cat")
NAMES = [f"{CLASSES[k % 2]}/{k}.png" for k in range(10)]
PLACES = [(left, top) for left in (1, 4, 7, 10, 5) for top in (2, 9)]  # of a 5 x 4 block of label 1 + k % 2
COLOUR = (204, 102, 51)  # in the palette that Pillow gives to a GIF
SMALL = (13, 0, 15, 2)  # a second instance of label 2, which may touch no block: left, top, right, bottom


def block(k: int) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the larger instance of image k, in pixels."""
    left, top = PLACES[k]
    return left, top, left + 5, top + 4


def label_map(k: int) -> NDArray[np.uint8]:
    labels = np.zeros((SIDE, SIDE), np.uint8)
    for value, (left, top, right, bottom) in ((2, SMALL), (1 + k % 2, block(k))):
        labels[top:bottom, left:right] = value
    return labels


def picture(k: int) -> NDArray[np.uint8]:
    """(H, W, 3): red is 100 times the label, green the number of the image, blue is noise."""
    noise = np.random.default_rng(k).integers(0, 256, (SIDE, SIDE), np.uint8)
    return np.stack([100 * label_map(k), np.full_like(noise, k), noise], axis=-1)


def corners(box: tuple[int, int, int, int]) -> list[int]:
    left, top, right, bottom = box
    return [left, top, right, top, right, bottom, left, bottom]


def coco() -> dict[str, Any]:
    """The same instances as the label maps, the smaller one listed last; category ids out of order and with gaps."""
    instances = [(k, box, label) for k in range(10) for box, label in ((block(k), 1 + k % 2), (SMALL, 2))]
    return {
        "info": {"year": 2014},
        "images": [{"id": 70 + k, "file_name": name, "width": SIDE, "height": SIDE} for k, name in enumerate(NAMES)],
        "annotations": [
            {
                "id": number,
                "image_id": 70 + k,
                "category_id": {1: 3, 2: 17}[label],
                "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
                "segmentation": [corners(box)],
            }
            for number, (k, box, label) in enumerate(instances)
        ],
        "categories": [{"id": 17, "name": "beak"}, {"id": 3, "name": "feather"}],
    }


def save(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """images/<class>/<k>.png, masks/<class>/<k>.png and instances.json, which say the same."""
    for k, name in enumerate(NAMES):
        save(tmp_path / "images" / name, picture(k))
        save(tmp_path / "masks" / name, label_map(k))
    (tmp_path / "instances.json").write_text(json.dumps(coco()))
    return tmp_path


def made(here: Path, seed: int = 0, sizes: Sizes = SIZES, **keywords: Any) -> Dataset:
    return folder(sizes, seed, data_root=here / "images", **keywords)


def annotated(here: Path, kind: str, source: str, **keywords: Any) -> Dataset:
    path = {"masks": here / "masks", "annotations": here / "instances.json"}[source]
    return made(here, condition=kind, **{source: path}, **keywords)


def numbers(x: NDArray[np.uint8]) -> list[int]:
    """Which image each of x (N, 3, H, W) is."""
    return [int(image[1, 0, 0]) for image in x]


def every(dataset: Dataset, what: str) -> NDArray[Any]:
    return np.concatenate([getattr(dataset.splits[name], what) for name in SPLITS])


def edit(here: Path, change: Any) -> None:
    """Change the json's content in place."""
    content = coco()
    change(content)
    (here / "instances.json").write_text(json.dumps(content))


def test_splits_have_their_sizes_share_no_image_and_follow_the_seed(here: Path) -> None:
    one, same, other = made(here), made(here), made(here, seed=1)
    assert tuple(len(one.splits[name].x) for name in SPLITS) == SIZES
    assert sorted(numbers(every(one, "x"))) == list(range(10))
    assert np.array_equal(every(one, "x"), every(same, "x"))
    assert not np.array_equal(every(one, "x"), every(other, "x"))


def test_pixels_are_those_of_the_file_and_labels_those_of_the_folder(here: Path) -> None:
    dataset = made(here)
    x, label = every(dataset, "x"), every(dataset, "label")
    assert (dataset.event.shape, dataset.event.levels) == ((3, SIDE, SIDE), 256)
    for image, k, of in zip(x, numbers(x), label, strict=True):
        assert np.array_equal(np.moveaxis(image, 0, -1), picture(k))
        assert of == k % 2


@pytest.mark.parametrize("kind", ["class", "grayscale", "segmentation", "box"])
def test_images_and_labels_are_the_same_under_every_condition(kind: str, here: Path) -> None:
    plain, other = made(here), annotated(here, kind, "masks")
    for name in SPLITS:
        assert np.array_equal(plain.splits[name].x, other.splits[name].x)
        assert np.array_equal(plain.splits[name].label, other.splits[name].label)
    c = other.splits["test"].c
    assert (other.condition.kind, other.condition.shape) == (kind, c.shape[1:])


def test_class_is_the_label_and_grayscale_the_luma(here: Path) -> None:
    of_class, gray = made(here, condition="class"), made(here, condition="grayscale")
    assert of_class.condition.size == len(CLASSES)
    assert np.array_equal(every(of_class, "c"), every(of_class, "label"))
    assert np.array_equal(every(gray, "c"), luma(every(gray, "x")))


@pytest.mark.parametrize("source", ["masks", "annotations"])
def test_a_segmentation_lies_on_its_image(source: str, here: Path) -> None:
    dataset = annotated(here, "segmentation", source)
    assert dataset.condition.size == 3
    assert np.array_equal(100 * every(dataset, "c"), every(dataset, "x")[:, 0])


@pytest.mark.parametrize("source", ["masks", "annotations"])
def test_the_box_is_that_of_the_largest_instance(source: str, here: Path) -> None:
    dataset = annotated(here, "box", source)
    expected = [np.array(block(k)) / SIDE for k in numbers(every(dataset, "x"))]
    assert np.allclose(every(dataset, "c"), expected, atol=1e-6)
    assert every(dataset, "c").dtype == np.float32


@pytest.mark.parametrize("source", ["masks", "annotations"])
@pytest.mark.parametrize("factor", [1, 3])
def test_side_cuts_what_is_told_like_the_image(source: str, factor: int, here: Path) -> None:
    """The images are put in the middle of wider ones and enlarged: resized and cut, they are what they were."""
    margin = 2 * factor
    enlarge = np.ones((factor, factor), np.uint8)
    for k, name in enumerate(NAMES):
        for where, pixels in (("images", picture(k)), ("masks", label_map(k))):
            big = np.stack([np.kron(band, enlarge) for band in np.atleast_3d(pixels).transpose(2, 0, 1)], axis=-1)
            wide = np.pad(big, ((0, 0), (margin, margin), (0, 0)), mode="edge")
            save(here / where / name, wide.squeeze())

    def widened(content: dict[str, Any]) -> None:
        for image in content["images"]:
            image.update(width=SIDE * factor + 2 * margin, height=SIDE * factor)
        for instance in content["annotations"]:
            left, top, width, height = (factor * value for value in instance["bbox"])
            instance["bbox"] = [left + margin, top, width, height]
            points = np.reshape(instance["segmentation"], (-1, 2)) * factor + (margin, 0)
            instance["segmentation"] = [points.ravel().tolist()]

    edit(here, widened)
    box, map_ = (annotated(here, kind, source, side=SIDE) for kind in ("box", "segmentation"))
    x = every(box, "x")
    assert box.event.shape == (3, SIDE, SIDE)
    for found, labels, k in zip(every(box, "c"), every(map_, "c"), numbers(x), strict=True):
        assert np.allclose(found, np.array(block(k)) / SIDE, atol=1e-6)
        assert np.array_equal(labels, label_map(k))


def test_side_takes_images_of_every_size_format_and_mode(tmp_path: Path) -> None:
    modes = {
        "a.png": "RGBA",
        "b.gif": "P",
        "c.bmp": "RGB",
        "d.jpg": "CMYK",
        "e.webp": "RGB",
        "f.tif": "RGB",
        "g.ppm": "RGB",
    }
    (tmp_path / "images/x").mkdir(parents=True)
    for k, (name, mode) in enumerate(modes.items()):
        Image.new("RGB", (9 + k, 20 - k), COLOUR).convert(mode).save(tmp_path / "images/x" / name)
    for channels in (1, 3):
        dataset = made(tmp_path, sizes=Sizes(4, 1, 2), side=8, channels=channels)
        assert dataset.event.shape == (channels, 8, 8)
        expected = np.array(Image.new("RGB", (1, 1), COLOUR).convert("L" if channels == 1 else "RGB")).reshape(-1, 1, 1)
        assert np.abs(every(dataset, "x").astype(int) - expected).max() <= 4  # JPEG is lossy


def test_hidden_files_and_other_files_are_no_images(here: Path) -> None:
    for name in ("notes.txt", "cat/.thumb.png", ".cache/cat.png"):
        (here / "images" / name).parent.mkdir(exist_ok=True)
        (here / "images" / name).write_bytes(b"nothing")
    assert sorted(numbers(every(made(here), "x"))) == list(range(10))


def test_files_that_are_not_read_are_named_and_counted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(here)
    assert capsys.readouterr().err == ""
    for name in ("notes.txt", "cat/1.heic", "cat/2.HEIC", "cat/plain"):
        (here / "images" / name).write_bytes(b"nothing")
    made(here)
    said = capsys.readouterr().err
    assert "4 files are not read (2 .heic, 1 .txt, 1 without an ending), the first is cat/1.heic" in said
    (here / "other").mkdir()
    (here / "other/1.heic").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"holds no image \(1 file is not read"):
        folder(SIZES, 0, data_root=here / "other")


def test_a_class_folder_that_is_a_link_is_read_and_a_loop_of_links_ends(here: Path) -> None:
    (here / "images/cat").rename(here / "elsewhere")
    (here / "images/cat").symlink_to(here / "elsewhere")
    (here / "elsewhere/again").symlink_to(here / "images")
    dataset = made(here, condition="class")
    assert dataset.condition.size == len(CLASSES)
    assert sorted(numbers(every(dataset, "x"))) == list(range(10))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_of_16_bits_per_channel_is_refused(channels: int, here: Path) -> None:
    png16.write_png(here / "images" / NAMES[4], np.full((SIDE, SIDE, channels), 1000))
    refused("has 16 bits per channel", here)


@pytest.mark.parametrize(("magic", "channels"), [("P5", 1), ("P6", 3)])
def test_a_ppm_of_more_than_8_bits_per_channel_is_refused(magic: str, channels: int, here: Path) -> None:
    (here / "images" / NAMES[4]).unlink()
    file = (here / "images" / NAMES[4]).with_suffix(".ppm")
    pixels = np.full((SIDE, SIDE, channels), 1000, ">u2").tobytes()
    file.write_bytes(f"{magic}\n# made by a camera\n{SIDE} {SIDE}\n1023\n".encode() + pixels)
    refused("has 10 bits per channel", here)


def test_a_tiff_of_16_bits_per_channel_is_refused(here: Path) -> None:
    (here / "images" / NAMES[4]).unlink()
    Image.new("I;16", (SIDE, SIDE), 1000).save((here / "images" / NAMES[4]).with_suffix(".tif"))
    refused("has 16 bits per channel", here)


def test_a_mask_of_16_bits_is_refused(here: Path) -> None:
    png16.write_png(here / "masks" / NAMES[4], np.full((SIDE, SIDE, 1), 1))
    refused("has 16 bits per channel", here, condition="segmentation", masks=here / "masks")


def test_images_without_class_folders_have_no_label(here: Path) -> None:
    save(here / "images/loose.png", picture(3))
    assert all(split.label is None for split in made(here).splits.values())
    with pytest.raises(UserError, match=r"images/loose\.png is in no class folder"):
        made(here, condition="class")


def test_a_smaller_instance_stays_visible_on_a_larger_one(here: Path) -> None:
    def nested(content: dict[str, Any]) -> None:
        for instance in content["annotations"][1::2]:  # the smaller ones
            k = instance["image_id"] - 70
            left, top, _, _ = block(k)
            small = left + 1, top + 1, left + 3, top + 3
            instance.update(bbox=[small[0], small[1], 2, 2], segmentation=[corners(small)])
        content["annotations"].reverse()

    edit(here, nested)
    dataset = annotated(here, "segmentation", "annotations")
    for labels, k in zip(every(dataset, "c"), numbers(every(dataset, "x")), strict=True):
        left, top, right, bottom = block(k)
        expected = np.zeros((SIDE, SIDE))
        expected[top:bottom, left:right] = 1 + k % 2
        expected[top + 1 : top + 3, left + 1 : left + 3] = 2
        assert np.array_equal(labels, expected)


def refused(words: str, here: Path, **keywords: Any) -> None:
    with pytest.raises(UserError, match=words) as caught:
        made(here, **keywords)
    assert "\n" not in str(caught.value)


def test_folders_that_do_not_do(here: Path) -> None:
    (here / "empty").mkdir()
    with pytest.raises(UserError, match="nowhere is not a folder: data_root must name"):
        folder(SIZES, 0, data_root=here / "nowhere")
    with pytest.raises(UserError, match=r"empty holds no image: data_root must hold files that end in .*\.png"):
        folder(SIZES, 0, data_root=here / "empty")
    refused(r"10 images; train \+ validation \+ test = 11 is too many", here, sizes=Sizes(6, 2, 3))
    refused("masks: .* is inside data_root", here, masks=here / "images/cat")


def test_images_that_do_not_do(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = here / "images" / NAMES[4]
    whole = file.read_bytes()
    for broken in (b"", b"text", whole[:40], whole[:-30], whole[:60] + b"?" + whole[61:]):
        file.write_bytes(broken)
        refused(re.escape(f"{file} cannot be read as an image"), here)
    save(file, picture(4)[:, 1:])
    refused(r"several sizes \(.*bird/4\.png is 15x16.*\); give `side`", here)
    Image.new("I;16", (SIDE, SIDE)).save(file)
    refused(re.escape(f"{file} has 16 bits per channel"), here)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)  # 256 pixels are a warning of Pillow's, an error of ours
    refused(r"\.png is larger than 200 pixels; make it smaller", here)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    refused(r"\.png is larger than 100 pixels; make it smaller", here)


def test_images_that_several_threads_decode_come_in_order_and_the_first_damaged_one_is_named(here: Path) -> None:
    images, many = here / "images", NAMES * 8
    warnings_before = list(warnings.filters)
    found = read_images(images, many, ImageTransform(), channels=3)
    assert all(np.array_equal(image.x, read_image(images, name, ImageTransform(), 3).x)
               for image, name in zip(found, many, strict=True))  # fmt: skip
    for k in (4, 7):
        (images / NAMES[k]).write_bytes(b"no image")
    with pytest.raises(UserError, match=NAMES[4]):
        list(read_images(images, many, ImageTransform(), channels=3))
    assert warnings.filters == warnings_before


def test_a_disguised_format_is_not_opened(here: Path) -> None:
    file = here / "images" / NAMES[0]
    file.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n%%EndComments\n%%EOF\n")
    refused(re.escape(f"{file} cannot be read as an image"), here)


def test_conditions_that_lack_what_they_are_made_from(here: Path) -> None:
    masks, annotations = here / "masks", here / "instances.json"
    refused(r"condition grayscale .* needs channels: 3", here, condition="grayscale", channels=1)
    for kind in ("box", "segmentation"):
        words = rf"condition {kind} .* needs masks \(a folder\) or annotations \(a COCO json\)"
        refused(words, here, condition=kind)
        refused(words, here, condition=kind, masks=masks, annotations=annotations)
    refused("none.json cannot be read", here, condition="box", annotations=here / "none.json")


def test_masks_that_do_not_do(here: Path) -> None:
    file = here / "masks" / NAMES[6]
    asked = {"condition": "box", "masks": here / "masks"}
    save(file, np.zeros((SIDE, SIDE), np.uint8))
    refused(re.escape(f"{file} has no label in the part of the image that is used"), here, **asked)
    save(file, label_map(6)[1:])
    refused(re.escape(f"{file} is 16x15, but image {NAMES[6]} is 16x16"), here, **asked)
    save(file, picture(6))
    refused(re.escape(f"{file} has mode RGB"), here, **asked)
    file.unlink()
    refused(re.escape(f"{file} is missing: it must hold the mask of image {NAMES[6]}"), here, **asked)


def change(kind: str, **values: Any) -> Any:
    """What sets keys of the first image or annotation."""
    return lambda content: content[kind][0].update(values)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (change("images", file_name="../secret.png"), r"file_name '\.\./secret\.png' leaves the folder of images"),
        (change("images", file_name="/etc/passwd.png"), "file_name '/etc/passwd.png' leaves the folder"),
        (change("images", file_name="bird/other.png"), r"has no image with file_name bird/0\.png"),
        (change("images", width=99), r"image bird/0\.png is 99x16, the file is 16x16"),
        (change("images", id="x"), r"not in the COCO format: images\.0\.id: input should be a valid integer"),
        (change("annotations", image_id=5), "annotation 0 has an unknown image_id 5"),
        (change("annotations", category_id=5), "annotation 0 has an unknown category_id 5"),
        (change("annotations", bbox=[1, 2, 3]), r"not in the COCO format: annotations\.0\.bbox"),
        (change("annotations", bbox=[1, 2, -3, 4]), r"not in the COCO format: annotations\.0\.bbox\.2"),
        (change("annotations", segmentation={"counts": "abc", "size": [16, 16]}), "annotation 0 is run-length encoded"),
        (change("annotations", segmentation=[[1, 1, 5, 1, 5, 5, 1]]), "annotation 0 needs polygons"),
        (change("annotations", segmentation=[]), "annotation 0 needs polygons"),
        (lambda content: content.pop("categories"), "not in the COCO format: categories: field required"),
    ],
)
def test_annotations_that_do_not_do(changed: Any, words: str, here: Path) -> None:
    edit(here, changed)
    refused(words, here, condition="segmentation", annotations=here / "instances.json")


def test_annotations_that_are_no_json(here: Path) -> None:
    (here / "instances.json").write_text('{"images": [')
    refused(
        "instances.json is not in the COCO format: the file: invalid json",
        here,
        condition="box",
        annotations=here / "instances.json",
    )


def test_a_crowd_is_no_instance_for_a_box_whatever_its_encoding(here: Path) -> None:
    def crowded(content: dict[str, Any]) -> None:
        crowd = {"bbox": [0, 0, SIDE, SIDE], "iscrowd": 1, "segmentation": {"counts": [256], "size": [SIDE, SIDE]}}
        content["annotations"] += [content["annotations"][2 * k] | crowd | {"id": 100 + k} for k in range(10)]

    plain = annotated(here, "box", "annotations")
    edit(here, crowded)
    assert np.array_equal(every(annotated(here, "box", "annotations"), "c"), every(plain, "c"))


def test_an_instance_that_is_cut_away_makes_no_box(here: Path) -> None:
    def emptied(content: dict[str, Any]) -> None:
        content["annotations"] = [a for a in content["annotations"] if a["image_id"] != 70]

    edit(here, emptied)
    refused(
        r"no instance in the part of image bird/0\.png that is used",
        here,
        condition="box",
        annotations=here / "instances.json",
    )


@pytest.mark.parametrize("source", ["masks", "annotations"])
def test_crop_cuts_what_is_told_like_the_image(source: str, here: Path) -> None:
    """The centre of the images, of their label maps and of their boxes."""
    kept = slice(1, SIDE - 1)
    map_ = annotated(here, "segmentation", source, crop=SIDE - 2)
    for x, labels in zip(every(map_, "x"), every(map_, "c"), strict=True):
        k = int(x[1, 0, 0])
        assert np.array_equal(x, picture(k).transpose(2, 0, 1)[:, kept, kept])
        assert np.array_equal(labels, label_map(k)[kept, kept])


def test_levels_are_those_of_the_event(here: Path) -> None:
    fine, coarse = (made(here, levels=levels) for levels in (256, 4))
    assert coarse.event.levels == 4
    assert np.array_equal(every(coarse, "x"), every(fine, "x") // 64)
