"""Whatever does not fit is refused in one line that says what to do; nothing is written, run or blown up."""

from __future__ import annotations

import os
import pickle
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image
from png16 import write_png
from safetensors.torch import save_file

from pipeline.data import export

if TYPE_CHECKING:
    from tests.score.conftest import Score

LEVELS = np.random.default_rng(0).integers(0, 17, (40, 1, 8, 8), dtype=np.uint8)
BITS = export.eight_bits(LEVELS, 17)
POINTS = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
HUGE = 10**9


class Trap:
    """A pickle that leaves a mark when it is opened."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("sprung",)


def header(shape: tuple[int, ...], descr: str = "|u1") -> bytes:
    """An npy's first bytes, whatever follows."""
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def archive(name: str, content: bytes, declared: int | None = None) -> None:
    """An npz with one member, which may claim another size than it has."""
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", content)
        if declared is not None:
            file.filelist[0].file_size = declared


def pngs(folder: str = "x", images: np.ndarray[Any, Any] = BITS) -> Path:
    Path(folder).mkdir()
    for place, image in enumerate(images):
        Image.fromarray(image[0]).save(f"{folder}/{place:04d}.png")
    return Path(folder)


def png_that_declares(path: Path, width: int, height: int) -> None:
    """A few bytes that promise an image."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


def linked_out() -> None:
    Image.fromarray(BITS[0, 0]).save("secret.png")
    (pngs() / "9999.png").symlink_to(Path("secret.png").resolve())


def samples_linked_out() -> None:
    np.savez("secret.npz", x=LEVELS)
    Path("x").mkdir()
    Path("x/samples.npz").symlink_to(Path("secret.npz").resolve())


def jpeg_by_another_name() -> None:
    Image.fromarray(BITS[0, 0]).save("photo.jpg")
    Path("photo.jpg").rename(pngs() / "0003.png")


def overlong_header() -> None:
    """Version 2.0 of npy: a header of gigabytes, deflated."""
    archive("x.npz", b"\x93NUMPY\x02\x00" + struct.pack("<I", 10**8) + b" " * 10**8)


Make = Callable[[], object]
FILES: dict[str, tuple[Make, str, str]] = {
    "missing": (lambda: None, "x.npz", "x.npz is missing"),
    "missing folder": (lambda: None, "x", "x is missing: give a folder of PNG"),
    "another kind": (lambda: Path("x.tar").write_bytes(b""), "x.tar", "x.tar is not read: give a folder of PNG"),
    "empty folder": (lambda: Path("x").mkdir(), "x", "x holds no PNG file"),
    "pickle": (lambda: Path("x.pkl").write_bytes(pickle.dumps(Trap())), "x.pkl", "save .safetensors, .npz or .npy"),
    "torch": (lambda: Path("x.pt").write_bytes(pickle.dumps(Trap())), "x.pt", "is a pickle"),
    "pickle in npy": (lambda: np.save("x.npy", np.array([Trap()])), "x.npy", "holds a pickle"),
    "pickle in npz": (lambda: np.savez("x.npz", x=np.array([Trap()])), "x.npz", "holds a pickle"),
    "pickle named npy": (lambda: Path("x.npy").write_bytes(pickle.dumps(Trap())), "x.npy", "damaged"),
    "damaged npz": (lambda: Path("x.npz").write_bytes(b"PK\x03\x04"), "x.npz", "damaged"),
    "damaged safetensors": (lambda: Path("x.safetensors").write_bytes(b"\xff" * 64), "x.safetensors", "damaged"),
    "cut off": (lambda: Path("x.npy").write_bytes(header((40, 1, 8, 8)) + bytes(9)), "x.npy", "damaged"),
    "negative": (lambda: Path("x.npy").write_bytes(header((-1, 1, 8, 8))), "x.npy", "damaged"),
    "bomb": (lambda: archive("x.npz", header((HUGE, 1, 8, 8)), HUGE * 64), "x.npz", "declares 64,000,000,000 bytes"),
    "bomb in npy": (lambda: Path("x.npy").write_bytes(header((HUGE, 1, 8, 8))), "x.npy", "damaged"),
    "bomb that lies": (lambda: archive("x.npz", header((40, 1, 8, 8)) + bytes(10**8), 200), "x.npz", "damaged"),
    "header bomb": (overlong_header, "x.npz", "not of version 1.0 of the npy format"),
    "no x": (lambda: np.savez("x.npz", a=BITS, b=BITS), "x.npz", "holds a, b: name the array x"),
    "a thousand arrays": (lambda: np.savez("x.npz", **{f"a{k}": 0 for k in range(1000)}), "x.npz", "save only those"),
    "a name of two lines": (lambda: np.savez("x.npz", **{"a\nb": BITS, "x": BITS}), "x.npz", "save only those"),
    "a number": (lambda: np.save("x.npy", 1), "x.npy", "x.npy is a number"),
    "size": (lambda: np.save("x.npy", BITS[..., :7]), "x.npy", "is N x 1 x 8 x 7: samples of task digits are"),
    "channels": (lambda: np.save("x.npy", BITS.repeat(3, axis=1)), "x.npy", "N x 3 x 8 x 8"),
    "channels last": (lambda: np.save("x.npy", BITS.transpose(0, 2, 3, 1)), "x.npy", "channels x height x width"),
    "too few": (lambda: np.save("x.npy", BITS[:29]), "x.npy", "holds 29 samples: task digits is measured on 30"),
    "too few images": (lambda: pngs(images=BITS[:29]), "x", "holds 29 samples"),
    "complex": (lambda: np.save("x.npy", BITS.astype(np.complex64)), "x.npy", "save uint8 or float32"),
    "words": (lambda: np.save("x.npy", BITS.astype("U3")), "x.npy", "save uint8 or float32"),
    "float of no range": (lambda: np.save("x.npy", LEVELS / 16), "x.npy", "as in --range=-1,1"),
    "levels for bits": (lambda: np.save("x.npy", LEVELS), "x.npy", "name the range with --range"),
    "bfloat16": (lambda: bfloat16(), "x.safetensors", "holds BF16: save it as float32"),
    "jpeg": (lambda: Image.new("L", (8, 8)).save("x.jpg"), "x.jpg", "JPEG is lossy"),
    "jpeg among png": (lambda: Image.new("L", (8, 8)).save(pngs() / "a.JPG"), "x", "JPEG is lossy"),
    "jpeg by another name": (jpeg_by_another_name, "x", "0003.png is a JPEG by another name"),
    "gif among png": (lambda: Image.new("L", (8, 8)).save(pngs() / "a.gif"), "x", "a.gif is no PNG file"),
    "folder in folder": (lambda: (pngs() / "more").mkdir(), "x", "more is no PNG file"),
    "damaged png": (lambda: (pngs() / "0001.png").write_bytes(b"\x89PNG\r\n\x1a\n"), "x", "write it again"),
    "png bomb": (lambda: png_that_declares(pngs() / "0001.png", 60_000, 60_000), "x", "0001.png"),
    "png of another size": (lambda: png_that_declares(pngs() / "0001.png", 9, 8), "x", "is 9 x 8 of mode L"),
    "png cut off": (lambda: cut(pngs() / "0001.png"), "x", "write it again"),
    "transparent": (lambda: Image.new("LA", (8, 8)).save(pngs() / "0001.png"), "x", "no transparency"),
    "16 bits": (lambda: Image.new("I;16", (8, 8)).save(pngs() / "0001.png"), "x", "16 bits per channel"),
    "16 bits in colour": (lambda: write_png(pngs() / "0001.png", np.full((8, 8, 3), 1000)), "x", "16 bits per channel"),
    "16 bits with alpha": (lambda: write_png(pngs() / "0001.png", np.full((8, 8, 2), 1000)), "x", "16 bits per"),
    "coloured": (lambda: Image.new("RGB", (8, 8)).save(pngs() / "0001.png"), "x", "takes 8 x 8 of mode L"),
    "link out": (linked_out, "x", "is a link that leaves the folder"),
    "samples linked out": (samples_linked_out, "x", "is a link that leaves the folder"),
    "pipe": (lambda: os.mkfifo("x.npy"), "x.npy", "x.npy is not a file"),
    "of another task": (lambda: of_another_task(), "x", "holds samples of task 'ring'"),
    "manifest of brackets": (lambda: of_brackets(), "x", "make it again with: coverseek sample"),
    "name": (lambda: np.save("x y.npy", BITS), "x y.npy", "choose one with --name"),
    "name of a model": (lambda: np.save("pixelcnn.npy", BITS), "pixelcnn.npy", "is a model of params.yaml"),
}  # fmt: skip


def bfloat16() -> None:
    save_file({"x": torch.zeros(40, 1, 8, 8, dtype=torch.bfloat16)}, "x.safetensors")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def of_brackets() -> None:
    of_another_task()
    Path("x/manifest.json").write_text("[" * 100_000)


def of_another_task() -> None:
    Path("x").mkdir()
    np.savez("x/samples.npz", x=LEVELS)
    Path("x/manifest.json").write_text('{"task": "ring"}')


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_does_not_fit_is_refused(score: Score, case: str) -> None:
    make, path, says = FILES[case]
    make()
    assert says in score.refused(path)
    assert not Path("sprung").exists()


@pytest.mark.parametrize("case", ["bomb", "bomb in npy", "bomb that lies", "header bomb", "png bomb"])
def test_a_bomb_is_refused_before_memory_is_spent(score: Score, case: str) -> None:
    make, path, _ = FILES[case]
    make()
    score.data()  # what is imported and loaded anyway
    tracemalloc.start()
    try:
        score.refused(path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


WORDS: dict[str, tuple[tuple[str, ...], str]] = {
    "nothing": ((), "give a PATH with samples, or --nll"),
    "range of words": (("x.npy", "--range", "a,b"), "as in --range=-1,1"),
    "range upside down": (("x.npy", "--range", "1,0"), "the lower one first"),
    "range without end": (("x.npy", "--range", "0,inf"), "give two numbers"),
    "out of range": (("x.npy", "--range", "0,128"), "outside the range 0 to 128"),
    "name out of the folder": (("x.npy", "--name", "../x"), "choose one with --name"),
    "empty name": (("x.npy", "--name", ""), "choose one with --name"),
    "remove what is not there": (("--remove", "x"), "nothing of that name is scored"),
    "remove a path": (("--remove", "../../params"), "nothing of that name is scored"),
    "remove and score": (("x.npy", "--remove", "x"), "--remove goes with --task alone"),
}


@pytest.mark.parametrize("case", WORDS)
def test_words_that_do_not_fit_are_refused(score: Score, case: str) -> None:
    words, says = WORDS[case]
    np.save("x.npy", BITS)
    assert says in score.refused(*words)


def test_an_unknown_task_is_refused_with_those_there_are(score: Score) -> None:
    assert "did you mean digits?" in score.refused("x.npy", task="digit")


@pytest.mark.parametrize(
    ("x", "words", "says"),
    [
        (np.where(POINTS > 2, np.nan, POINTS), (), "is not finite"),
        (np.where(POINTS > 2, np.inf, POINTS), (), "is not finite"),
        (POINTS.astype(np.float64) * 1e300, (), "is not finite"),
        (POINTS.astype(int), (), "save points as float32"),
        (POINTS[:, :1], (), "samples of task ring are N x 2"),
        (POINTS, ("--range=-1,1",), "--range is for images"),
    ],
)
def test_points_that_do_not_fit_are_refused(
    score: Score, x: np.ndarray[Any, Any], words: tuple[str, ...], says: str
) -> None:
    np.save("x.npy", x)
    assert says in score.refused("x.npy", *words, task="ring")


def test_images_are_no_points(score: Score) -> None:
    pngs()
    assert "the task is one of points" in score.refused("x", task="ring")


CLASSES = np.arange(40) % 10


@pytest.mark.parametrize(
    ("c", "says"),
    [
        (None, "come with the class that each was made under"),
        (CLASSES[:39], "holds 39 conditions for 40 samples"),
        (CLASSES + 1, "is out of range"),
        (CLASSES / 1, "holds float64"),
        (CLASSES[:, None], "has the shape"),
        (CLASSES[0], "is a number: give an array with a row for each sample"),
        (np.zeros(40, int), "no sample left that was made under a condition"),
    ],
)
@pytest.mark.parametrize("folder", [False, True])
def test_samples_of_a_task_with_a_condition_say_theirs(
    score: Score, c: np.ndarray[Any, Any] | None, says: str, folder: bool
) -> None:
    told = {} if c is None else {"c": c}
    if folder:
        pngs()
        for name, array in told.items():
            np.save(f"x/{name}.npy", array)
    else:
        np.savez("x.npz", x=BITS, **told)
    assert says in score.refused("x" if folder else "x.npz", task="digits_class")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("loss\n" + "1\n" * 40, "names no unit; allowed: bits, bits_per_dim, nats"),
        ("nats,bits\n" + "1,2\n" * 40, "names no unit"),
        ("nats\n" + "1\n" * 39, "holds 39 numbers: the test split has 40 items"),
        ("nats\n" + "1\n" * 38 + "nan\n1\n", "line 40: 'nan' is no finite number"),
        ("nats\n" + "one\n" * 40, "line 2: 'one' is no finite number"),
        ("nats\n\xff", "is no csv in UTF-8"),
        ("nats\n" + "80\n" * 39 + "-80\n", "line 41: -80 nats would be a probability above 1 of an image"),
        ("bits_per_dim\n" + "-1.8\n" * 40, "line 2: -1.8 bits_per_dim would be a probability above 1"),
    ],
)
def test_likelihoods_that_do_not_fit_are_refused(score: Score, text: str, says: str) -> None:
    Path("nll.csv").write_bytes(text.encode("latin-1"))
    assert says in score.refused("--nll", "nll.csv")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("metric,value\n", "has metric,value, and a line each"),
        ("name,value\nfrechet,1\n", "has the columns 'name,value'"),
        ("metric,value\nfid,1\n", "unknown metric 'fid'"),
        ("metric,value\nnats,1\n", "unknown metric 'nats'"),
        ("metric,value\nfrechet,1\nfrechet,2\n", "is named twice"),
        ("metric,value\nfrechet\n", "wants one value"),
        ("metric,value\nfrechet,inf\n", "is no finite number"),
        ("metric,value\nprecision,79.6\n", "a share between 0 and 1, not 79.6: a percentage? 79.6 % is 0.796"),
        ("metric,value\ncoverage,-3\n", "a share between 0 and 1, not -3"),
        ("metric,value\nf_8,2\n", "a F-score between 0 and 1, not 2"),
        ("metric,value\nfrechet,-3\n", "frechet is at least 0, not -3"),
        ("metric,value\ndensity,-1\n", "density is at least 0, not -1"),
        ("metric,value\nbits_per_dim,-1.71\n", "at least 0, not -1.71: the sign, or a density"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(score: Score, text: str, says: str) -> None:
    Path("paper.csv").write_text(text)
    assert says in score.refused("paper.csv")


def test_numbers_that_do_not_come_out_finite_are_refused(score: Score) -> None:
    Path("nll.csv").write_text("bits_per_dim\n" + "1e308\n" * 40)
    assert "nll cannot be measured: the ELBO of item 0 is not finite" in score.refused("--nll", "nll.csv")
