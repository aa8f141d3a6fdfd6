"""Laws of every sampler."""

from __future__ import annotations

import torch
from safetensors.torch import load, save

from pipeline.contract import GenerativeModel, Reconstructs
from pipeline.laws.law import BrokenLawError, law, require
from pipeline.laws.problem import conditions
from pipeline.laws.subject import Subject


@law()
def samples_are_one_draw_per_row_on_the_events_support(subject: Subject) -> None:
    """`sample(c)` is one draw for each row of c: finite float32, images on the level grid."""
    event = subject.task.event
    x = subject.calibrated().sample(conditions(subject.task, 7))
    expected = (7, *event.shape)
    require(tuple(x.shape) == expected, f"7 rows of c gave samples of shape {tuple(x.shape)}; it must be {expected}")
    require(x.dtype == torch.float32, f"samples are {x.dtype}; they must be torch.float32")
    require(torch.isfinite(x).all(), "some samples are not finite")
    on_grid = event.levels is None or torch.equal(x, event.quantise(x))
    require(on_grid, f"samples lie beside the {event.levels} levels of [-1, 1]; task.event.quantise puts them there")


@law()
def a_model_comes_back_from_its_state(subject: Subject) -> None:
    """A model restored from its saved `state_dict` draws the same from the same seed."""
    model, again = subject.calibrated(), subject.build()
    again.load_state_dict(load(_saved(model)), assign=True)
    c = conditions(subject.task, 5)
    draws = []
    for one in (model, again.eval()):
        torch.manual_seed(1)
        draws.append(one.sample(c))
    require(
        torch.equal(*draws),
        "the restored model draws something else: keep in parameters and buffers all that `sample` needs, and draw "
        "with torch's own generator only",
    )


def _saved(model: GenerativeModel) -> bytes:
    """As a checkpoint keeps it."""
    try:
        return save({name: value.contiguous() for name, value in model.state_dict().items()})
    except (RuntimeError, ValueError, AttributeError) as error:
        raise BrokenLawError(f"its state_dict cannot be saved as safetensors: {error}") from None


@law(lambda subject: isinstance(subject.made, Reconstructs))
def codes_decode_to_the_event(subject: Subject) -> None:
    """`encode` gives one flat code for each x, and `decode` makes of it something of the shape of x."""
    model = subject.calibrated()
    assert isinstance(model, Reconstructs)
    x, c = subject.batch(6)
    z = model.encode(x, c)
    require(z.dim() == 2 and len(z) == 6, f"6 items gave codes of shape {tuple(z.shape)}; it must be (6, latent)")
    decoded = model.decode(z, c)
    require(decoded.shape == x.shape, f"codes decode to {tuple(decoded.shape)}; it must be {tuple(x.shape)}")
