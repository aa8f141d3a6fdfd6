"""Where networks meet the autoregressive family."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from pipeline.contract import Event, Task
from pipeline.families.autoregressive.augmentation import AugmentedImages
from pipeline.families.autoregressive.image import AutoregressiveImages, Network, OrderEnsemble
from pipeline.families.autoregressive.networks.dilated_encoder import surrounded
from pipeline.families.autoregressive.networks.gated_pixelcnn import GatedPixelCNN
from pipeline.families.autoregressive.networks.image_transformer import ImageTransformer
from pipeline.families.autoregressive.networks.made import AnyOrderMADE, FactorNetworks, MADEPoints, places
from pipeline.families.autoregressive.networks.pixelcnn import PixelCNN
from pipeline.families.autoregressive.networks.pixelcnn_pp import PixelCNNPlusPlus
from pipeline.families.autoregressive.networks.pixelrnn import DiagonalBiLSTM, PixelRNN, RowLSTM
from pipeline.families.autoregressive.pixels import LogisticMixture, Pixels, Softmax
from pipeline.families.autoregressive.points import ARMixture
from pipeline.networks.condition import encoder
from pipeline.params import Count, Fraction, Seed, Whole

__all__ = [
    "ar_mixture_points",
    "diagonal_bilstm_images",
    "gated_pixelcnn_images",
    "image_transformer_images",
    "made_ensemble_images",
    "made_images",
    "made_points",
    "pixelcnn_images",
    "pixelcnn_pp_images",
    "row_lstm_images",
]


def ar_mixture_points(task: Task, *, mixtures: Count = 24, width: Count = 96, octaves: Whole = 4) -> ARMixture:
    """Autoregressive mixture density networks, one for each coordinate (Uria et al. 2013, arXiv:1306.0186).

    Equation: p(x_i | x_<i) = Σ_k π_k N(x_i; μ_k, σ_k²), (π, μ, σ) from a network of x_<i for each i.
    """
    condition = encoder(task.condition, task.event)
    dims = task.event.dims
    network = FactorNetworks(dims, condition.flat, mixtures, width, octaves, task.event.scale)
    return ARMixture(condition, network, dims)


def pixelcnn_images(
    task: Task,
    *,
    channels: Count = 64,
    blocks: Count = 5,
    kernel: Count = 7,
    dropout: Fraction = 0.3,
    augmented: bool = False,
) -> AutoregressiveImages:
    """PixelCNN: masked convolutions in residual blocks (van den Oord et al. 2016, arXiv:1601.06759).

    Equation: p(x | c) = prod_i softmax(f(x_<i, c))[x_i], i over sub-pixels in raster order.

    `channels` is the paper's 2 h, `kernel` the size of the first, mask-A convolution.
    """
    images, context = _images(task, augmented)
    network = PixelCNN(task.event, context, channels, blocks, kernel, dropout)
    return images(network, Softmax(task.event))


def gated_pixelcnn_images(
    task: Task,
    *,
    channels: Count = 64,
    layers: Count = 6,
    kernel: Count = 7,
    mixtures: Whole = 0,
    dropout: Fraction = 0.3,
    augmented: bool = False,
) -> AutoregressiveImages:
    """Gated PixelCNN: two stacks without a blind spot (van den Oord et al. 2016, arXiv:1606.05328).

    Equation: y = tanh(W_1 * x + V_1 c) sigmoid(W_2 * x + V_2 c), p(x | c) = prod_i softmax(f(x_<i, c))[x_i].

    `kernel` is the size of the first layer; the others are 3 x 3 as far as the mask leaves them. With `mixtures` a
    pixel is a mixture of as many logistics in place of the softmax (Salimans et al. 2017, arXiv:1701.05517).
    """
    images, context = _images(task, augmented)
    pixels, visits = _mixture(task.event, mixtures) if mixtures else _softmax(task.event)
    network = GatedPixelCNN(task.event.shape, pixels.width, visits, context, channels, layers, kernel, dropout)
    return images(network, pixels)


def pixelcnn_pp_images(
    task: Task,
    *,
    channels: Count = 48,
    blocks: Count = 2,
    halvings: Whole = 1,
    kernel: Count = 7,
    mixtures: Count = 5,
    dropout: Fraction = 0.5,
    augmented: bool = False,
) -> AutoregressiveImages:
    """PixelCNN++: gated residual streams and a mixture of logistics (Salimans et al. 2017, arXiv:1701.05517).

    Equation: P(x) = sum_k π_k [σ((x + 1/2 - μ_k) / s_k) - σ((x - 1/2 - μ_k) / s_k)], (π, μ, s) = f(x_<i, c).

    `blocks` for each resolution and direction; of `halvings` as many as the image's sides allow.
    """
    images, context = _images(task, augmented)
    shape, pixels = task.event.shape, LogisticMixture(task.event, mixtures)
    network = PixelCNNPlusPlus(shape, pixels.width, context, channels, blocks, halvings, kernel, dropout)
    return images(network, pixels)


def row_lstm_images(
    task: Task,
    *,
    channels: Count = 64,
    layers: Count = 3,
    kernel: Count = 7,
    dropout: Fraction = 0.3,
    augmented: bool = False,
) -> AutoregressiveImages:
    """Row LSTM, a PixelRNN: each row from the one above (van den Oord et al. 2016, arXiv:1601.06759).

    Equation: [o, f, i, g] = σ(K_ss * h_(row-1) + K_is * x_row), c = f c_(row-1) + i g, h = o tanh(c).

    `channels` is the paper's 2 h, `kernel` the size of the first, mask-A convolution.
    """
    images, context = _images(task, augmented)
    network = PixelRNN(task.event, context, RowLSTM, channels // 2, layers, kernel, dropout)
    return images(network, Softmax(task.event))


def diagonal_bilstm_images(
    task: Task,
    *,
    channels: Count = 64,
    layers: Count = 3,
    kernel: Count = 7,
    dropout: Fraction = 0.3,
    augmented: bool = False,
) -> AutoregressiveImages:
    """Diagonal BiLSTM, a PixelRNN that sees every earlier pixel (van den Oord et al. 2016, arXiv:1601.06759).

    Equation: [o, f, i, g] = σ(K_ss * h_diagonal + K_is * x), c = f c_left + i g, h = o tanh(c), from both sides.

    `channels` is the paper's 2 h, `kernel` the size of the first, mask-A convolution.
    """
    images, context = _images(task, augmented)
    network = PixelRNN(task.event, context, DiagonalBiLSTM, channels // 2, layers, kernel, dropout)
    return images(network, Softmax(task.event))


def image_transformer_images(
    task: Task,
    *,
    width: Count = 64,
    heads: Count = 4,
    layers: Count = 4,
    window: Count = 128,
    dropout: Fraction = 0.2,
    augmented: bool = False,
) -> AutoregressiveImages:
    """Image Transformer: causal attention over sub-pixels (Parmar et al. 2018, arXiv:1802.05751). The
    window slides with the value, where the paper's attention is local to blocks.

    Equation: a_i = Σ_j softmax_j(q_i·k_j / √d + b_(i-j)) v_j, j in (i - window, i].

    Each layer sees the `window` values before the one that it predicts.
    """
    images, context = _images(task, augmented)
    network = ImageTransformer(task.event, context, width, heads, layers, window, dropout)
    return images(network, Softmax(task.event))


def made_points(
    task: Task, *, mixtures: Count = 24, width: Count = 192, layers: Count = 2, octaves: Whole = 4
) -> ARMixture:
    """MADE with a mixture of Gaussians for each factor (Papamakarios et al. 2017, arXiv:1705.07057).

    Equation: p(x_i | x_<i) = Σ_k π_k N(x_i; μ_k, σ_k²), (π, μ, σ) from one masked network for all i.
    """
    condition, event = encoder(task.condition, task.event), task.event
    network = MADEPoints(event.dims, condition.flat, mixtures, width, layers, octaves, event.scale)
    return ARMixture(condition, network, event.dims)


def made_images(
    task: Task,
    *,
    order: Literal["raster", "column", "random"] = "raster",
    width: Count = 512,
    layers: Count = 2,
    mixtures: Count = 10,
    dropout: Fraction = 0.3,
    seed: Seed = 0,
) -> AutoregressiveImages:
    """MADE: dense layers, masked to be causal in any order of the pixels (Germain et al. 2015, arXiv:1502.03509).

    Equation: h = g((W ⊙ M) x + b), M_ji = [degree_j ≥ degree_i]; p(x | c) = Π_i p(x_o(i) | x_o(<i), c).

    `seed` draws the random order, `mixtures` is for images of more than 32 levels.
    """
    condition, (pixels, visits) = encoder(task.condition, task.event), _pixels(task.event, mixtures)
    orders = [places(task.event, order, seed)]
    context = condition.everywhere
    network = AnyOrderMADE(task.event, context, pixels.width, visits, orders, width, layers, dropout)
    return AutoregressiveImages(task.event, condition, network.under(0), pixels)


def made_ensemble_images(
    task: Task,
    *,
    orders: Count = 8,
    width: Count = 512,
    layers: Count = 2,
    mixtures: Count = 10,
    dropout: Fraction = 0.3,
    seed: Seed = 0,
) -> OrderEnsemble:
    """Order-agnostic MADE: a mixture of one network's random orders (Germain et al. 2015, arXiv:1502.03509).

    Equation: p(x | c) = 1/O Σ_o Π_i p(x_o(i) | x_o(<i), c).

    `seed` is that of the first order, `mixtures` is for images of more than 32 levels.
    """
    condition, (pixels, visits) = encoder(task.condition, task.event), _pixels(task.event, mixtures)
    drawn = [places(task.event, "random", seed + i) for i in range(orders)]
    context = condition.everywhere
    network = AnyOrderMADE(task.event, context, pixels.width, visits, drawn, width, layers, dropout)
    return OrderEnsemble(task.event, condition, network, pixels)


def _images(task: Task, augmented: bool) -> tuple[Callable[[Network, Pixels], AutoregressiveImages], int]:
    """What makes the model of a network and its pixels, and the width of the context that the network sees."""
    kind, condition = AugmentedImages if augmented else AutoregressiveImages, surrounded(task.condition, task.event)
    return partial(kind, task.event, condition), condition.everywhere + kind.told(task.event)


def _pixels(event: Event, mixtures: int) -> tuple[Pixels, int]:
    """The pixels of a dense network, which has weights for each number that they take, and its visits to each."""
    few = event.grid <= 32  # a softmax of 256 levels for each of 3,072 sub-pixels would be 400 million weights
    return _softmax(event) if few else _mixture(event, mixtures)


def _softmax(event: Event) -> tuple[Pixels, int]:
    """Each sub-pixel waits for the earlier ones of its pixel."""
    return Softmax(event), event.shape[0]


def _mixture(event: Event, mixtures: int) -> tuple[Pixels, int]:
    """The mixture itself joins the sub-pixels of a pixel."""
    return LogisticMixture(event, mixtures), 1
