"""Recipes of the autoregressive family: each builds a model from its networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from pipeline.contract import Event, Task
from pipeline.families.autoregressive.augmentation import AugmentedImages
from pipeline.families.autoregressive.image import AutoregressiveImages, Network, OrderEnsemble
from pipeline.families.autoregressive.networks.dilated_encoder import context_encoder
from pipeline.families.autoregressive.networks.gated_pixelcnn import GatedPixelCNN
from pipeline.families.autoregressive.networks.image_transformer import ImageTransformer
from pipeline.families.autoregressive.networks.made import AnyOrderMADE, FactorNetworks, MADEPoints, places
from pipeline.families.autoregressive.networks.pixelcnn import PixelCNN
from pipeline.families.autoregressive.networks.pixelcnn_pp import PixelCNNPlusPlus
from pipeline.families.autoregressive.networks.pixelrnn import DiagonalBiLSTM, PixelRNN, RowLSTM
from pipeline.families.autoregressive.networks.sequence_lstm import SequenceLSTM
from pipeline.families.autoregressive.networks.sequence_transformer import SequenceTransformer
from pipeline.families.autoregressive.networks.wavenet import WaveNet
from pipeline.families.autoregressive.pixels import LogisticMixture, Pixels, Softmax
from pipeline.families.autoregressive.points import AutoregressivePoints
from pipeline.families.autoregressive.sequences import AutoregressiveSequences
from pipeline.families.autoregressive.steps import steps
from pipeline.networks import critics
from pipeline.networks.condition import encoder
from pipeline.objectives.adversarial import Conditioned
from pipeline.objectives.adversarial import Name as GameName
from pipeline.objectives.choice import Choice, ObjectiveName, Order, choose
from pipeline.params import Count, Fraction, NonNegative, Seed, Whole

__all__ = [
    "ar_mixture_by_objective_points",
    "ar_mixture_points",
    "diagonal_bilstm_images",
    "gated_pixelcnn_images",
    "image_transformer_images",
    "lstm_sequences",
    "made_ensemble_images",
    "made_images",
    "made_points",
    "pixelcnn_images",
    "pixelcnn_pp_images",
    "row_lstm_images",
    "transformer_sequences",
    "wavenet_sequences",
]


def ar_mixture_points(
    task: Task, *, mixtures: Count = 24, width: Count = 96, octaves: Whole = 4
) -> AutoregressivePoints:
    """Autoregressive mixture density networks, one for each coordinate (Uria et al. 2013, arXiv:1306.0186).

    Equation: p(x_i | x_<i) = Σ_k π_k N(x_i; μ_k, σ_k²), (π, μ, σ) from a network of x_<i for each i.

    Args:
        mixtures: Gaussian components of each factor, from 1.
        width: units of each of a network's two hidden layers, from 1.
        octaves: octaves of Fourier features of each coordinate: sines and cosines at as many frequencies, each twice
            the one before; from 0, which adds none.
    """
    condition = encoder(task.condition, task.event)
    dims = task.event.dims
    network = FactorNetworks(dims, condition.flat, mixtures, width, octaves, task.event.scale)
    return AutoregressivePoints(condition, network, dims)


def ar_mixture_by_objective_points(
    task: Task,
    *,
    objective: ObjectiveName = "forward_kl",
    order: Order = 0.5,
    weight: NonNegative = 1.0,
    game: GameName = "nonsaturating",
    penalty: NonNegative = 0.0,
    steps_per_round: Count = 1,
    critic_width: Count = 64,
    critic_depth: Count = 3,
    mixtures: Count = 24,
    width: Count = 96,
    octaves: Whole = 4,
) -> AutoregressivePoints:
    """The model of the recipe `ar_mixture`, trained by a chosen divergence (Grover et al. 2018, arXiv:1705.08868; Li &
    Turner 2016, arXiv:1602.02311), with implicit gradients of its samples (Figurnov et al. 2018, arXiv:1805.08498).

    Equation: min D(q, p), q(x) = Π_i Σ_k π_k N(x_i; μ_k, σ_k²), D the divergence that `objective` names.

    Args:
        objective: "forward_kl", which is maximum likelihood, "reverse_kl" or "renyi", which need the density of the
            data, "adversarial", or "hybrid": maximum likelihood and `weight` times an adversarial loss.
        order: a of the Rényi divergence, in (0, 1): towards 0 forward, towards 1 reverse KL.
        weight: λ of the hybrid, from 0.
        game: the losses of the adversarial game.
        penalty: weight of the critic's gradient penalty, from 0, which is none: that of WGAN-GP for "wasserstein", R1
            for others.
        steps_per_round: critic steps for each step of the model, from 1.
        critic_width: units of each of the critic's hidden layers, from 1.
        critic_depth: hidden layers of the critic, from 1.
        mixtures: Gaussian components of each factor, from 1.
        width: units of each of a network's two hidden layers, from 1.
        octaves: octaves of Fourier features of each coordinate: sines and cosines at as many frequencies, each twice
            the one before; from 0, which adds none.
    """
    model = ar_mixture_points(task, mixtures=mixtures, width=width, octaves=octaves)
    choice = Choice(objective, order, weight, game, penalty, steps_per_round)
    return choose(model, task, choice, partial(_critic, task, critic_width, critic_depth))


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

    Args:
        channels: feature maps of the residual stream, 2 h in the paper; from 2.
        blocks: residual blocks, from 1.
        kernel: height and width in pixels of the first, mask-A convolution; odd, from 3.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        augmented: whether training images are transformed at random, with the transformation as a condition.
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

    Args:
        channels: feature maps of each stack, from 1.
        layers: gated layers after the first, from 1.
        kernel: height and width in pixels of the first layer's kernel; odd, from 3. The others are 3 x 3 as far as the
            mask allows.
        mixtures: logistic components of each pixel in place of the softmax (Salimans et al. 2017, arXiv:1701.05517);
            from 0, which is the softmax.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        augmented: whether training images are transformed at random, with the transformation as a condition.
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

    Args:
        channels: feature maps of each stream, from 1.
        blocks: residual blocks at each resolution in each direction, from 1.
        halvings: how often the height and width are halved, from 0; less often where they cannot be divided.
        kernel: height and width in pixels of the first, mask-A convolution; odd, from 3.
        mixtures: logistic components of each pixel, from 1.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        augmented: whether training images are transformed at random, with the transformation as a condition.
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

    Args:
        channels: features of each layer, 2 h in the paper; even, from 2.
        layers: recurrent layers, from 1.
        kernel: height and width in pixels of the first, mask-A convolution; odd, from 3.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        augmented: whether training images are transformed at random, with the transformation as a condition.
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

    Args:
        channels: features of each layer, 2 h in the paper; even, from 2.
        layers: recurrent layers, from 1.
        kernel: height and width in pixels of the first, mask-A convolution; odd, from 3.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        augmented: whether training images are transformed at random, with the transformation as a condition.
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

    Args:
        width: dimensions of an embedding; a multiple of `heads`.
        heads: attention heads of each layer, from 1.
        layers: attention layers, from 1.
        window: how many of the latest values each layer attends to, from 1.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        augmented: whether training images are transformed at random, with the transformation as a condition.
    """
    images, context = _images(task, augmented)
    network = ImageTransformer(task.event, context, width, heads, layers, window, dropout)
    return images(network, Softmax(task.event))


def wavenet_sequences(
    task: Task,
    *,
    width: Count = 64,
    layers: Count = 6,
    blocks: Count = 1,
    mixtures: Count = 5,
    dropout: Fraction = 0.0,
) -> AutoregressiveSequences:
    """WaveNet: dilated causal convolutions with gates (van den Oord et al. 2016, arXiv:1609.03499).

    Equation: p(x | c) = Π_t p(x_t | x_<t, c);  z = tanh(W_f * h + V_f c) σ(W_g * h + V_g c), h ← h + R z.

    Args:
        width: feature maps of the residual and of the skip connections, from 1.
        layers: layers of a block, from 1, which look back 1, 2, 4, ... values.
        blocks: blocks, from 1.
        mixtures: Gaussian components of a real value, from 1; values with levels have a softmax.
        dropout: probability that a feature is set to zero while training, in [0, 1).
    """
    condition, value = encoder(task.condition, task.event), steps(task.event, mixtures)
    network = WaveNet(task.event, condition.vector, value.width, width, layers, blocks, dropout)
    return AutoregressiveSequences(task.event, condition, network, value)


def lstm_sequences(
    task: Task, *, width: Count = 96, layers: Count = 1, mixtures: Count = 5, dropout: Fraction = 0.0
) -> AutoregressiveSequences:
    """A long short-term memory over the values (Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735; Graves
    2013, arXiv:1308.0850).

    Equation: p(x | c) = Π_t p(x_t | h_t),  h_t = LSTM(h_(t-1), x_(t-1), c).

    Args:
        width: units of each layer, from 1.
        layers: recurrent layers, from 1.
        mixtures: Gaussian components of a real value, from 1; values with levels have a softmax.
        dropout: probability that a feature is set to zero while training, in [0, 1).
    """
    condition, value = encoder(task.condition, task.event), steps(task.event, mixtures)
    network = SequenceLSTM(task.event, condition.vector, value.width, width, layers, dropout)
    return AutoregressiveSequences(task.event, condition, network, value)


def transformer_sequences(
    task: Task,
    *,
    width: Count = 64,
    heads: Count = 4,
    layers: Count = 2,
    window: Count = 256,
    mixtures: Count = 5,
    dropout: Fraction = 0.0,
) -> AutoregressiveSequences:
    """A causal transformer over the values (Vaswani et al. 2017, arXiv:1706.03762).

    Equation: a_i = Σ_j softmax_j(q_i·k_j / √d + b_(i-j)) v_j, j in (i - window, i].

    Args:
        width: dimensions of an embedding; a multiple of `heads`.
        heads: attention heads of each layer, from 1.
        layers: attention layers, from 1.
        window: how many of the latest values each layer attends to, from 1.
        mixtures: Gaussian components of a real value, from 1; values with levels have a softmax.
        dropout: probability that a feature is set to zero while training, in [0, 1).
    """
    condition, value = encoder(task.condition, task.event), steps(task.event, mixtures)
    network = SequenceTransformer(
        task.event, condition.vector, value.width, width, heads, layers, window, dropout
    )  # fmt: skip
    return AutoregressiveSequences(task.event, condition, network, value)


def made_points(
    task: Task, *, mixtures: Count = 24, width: Count = 192, layers: Count = 2, octaves: Whole = 4
) -> AutoregressivePoints:
    """MADE with a mixture of Gaussians for each factor (Papamakarios et al. 2017, arXiv:1705.07057).

    Equation: p(x_i | x_<i) = Σ_k π_k N(x_i; μ_k, σ_k²), (π, μ, σ) from one masked network for all i.

    Args:
        mixtures: Gaussian components of each factor, from 1.
        width: units of each hidden layer, from 1.
        layers: hidden layers, from 1.
        octaves: octaves of Fourier features of each coordinate: sines and cosines at as many frequencies, each twice
            the one before; from 0, which adds none.
    """
    condition, event = encoder(task.condition, task.event), task.event
    network = MADEPoints(event.dims, condition.flat, mixtures, width, layers, octaves, event.scale)
    return AutoregressivePoints(condition, network, event.dims)


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

    Args:
        order: of the pixels: by rows, by columns, or random.
        width: units of each hidden layer, from 1.
        layers: hidden layers, from 1.
        mixtures: logistic components of each pixel, from 1; of images of more than 32 levels alone, others have a
            softmax.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        seed: of the random order, from 0.
    """
    condition, (pixels, visits) = encoder(task.condition, task.event), _pixels(task.event, mixtures)
    orders = [places(task.event, order, seed)]
    context = condition.everywhere
    network = AnyOrderMADE(task.event, context, pixels.width, visits, orders, width, layers, dropout)
    return AutoregressiveImages(task.event, condition, network.ordered(0), pixels)


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

    Args:
        orders: random orders that are averaged over, from 1.
        width: units of each hidden layer, from 1.
        layers: hidden layers, from 1.
        mixtures: logistic components of each pixel, from 1; of images of more than 32 levels alone, others have a
            softmax.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        seed: of the first random order, from 0; the next orders have the seeds that follow.
    """
    condition, (pixels, visits) = encoder(task.condition, task.event), _pixels(task.event, mixtures)
    drawn = [places(task.event, "random", seed + i) for i in range(orders)]
    context = condition.everywhere
    network = AnyOrderMADE(task.event, context, pixels.width, visits, drawn, width, layers, dropout)
    return OrderEnsemble(task.event, condition, network, pixels)


def _critic(task: Task, width: int, depth: int) -> Conditioned:
    condition = encoder(task.condition, task.event)
    return Conditioned(condition, critics.critic(task.event, condition, width, depth))


def _images(task: Task, augmented: bool) -> tuple[Callable[[Network, Pixels], AutoregressiveImages], int]:
    """(constructor of the model from a network and the distribution of a pixel, channels of the network's context)."""
    kind, condition = (
        AugmentedImages if augmented else AutoregressiveImages,
        context_encoder(task.condition, task.event),
    )
    return partial(kind, task.event, condition), condition.everywhere + kind.extra_channels(task.event)


def _pixels(event: Event, mixtures: int) -> tuple[Pixels, int]:
    """The distribution of a pixel for a dense network, and how often the network visits each place."""
    few = event.grid <= 32  # a softmax of 256 levels for each of 3,072 sub-pixels would be 400 million weights
    return _softmax(event) if few else _mixture(event, mixtures)


def _softmax(event: Event) -> tuple[Pixels, int]:
    """One visit for each sub-pixel: it depends on the earlier ones of its pixel."""
    return Softmax(event), event.shape[0]


def _mixture(event: Event, mixtures: int) -> tuple[Pixels, int]:
    """One visit: the mixture itself makes the sub-pixels of a pixel dependent."""
    return LogisticMixture(event, mixtures), 1
