"""Recipes of the energy-based family: each builds a model from its networks."""

from __future__ import annotations

import torch

from pipeline.contract import Task
from pipeline.distributions.bijection import Chain, Scale
from pipeline.distributions.coupling import ChannelHalves, Coupling
from pipeline.distributions.spline import Spline
from pipeline.errors import UserError
from pipeline.families.energy.bases import GaussianBase, HistogramBase
from pipeline.families.energy.chains import PersistentChains
from pipeline.families.energy.ebm import AnnealedPointEBM, LevelEBM, PointEBM, QuadratureEBM
from pipeline.families.energy.nce import FlowNoise, NoiseContrastiveEBM
from pipeline.families.energy.rbm import RBM, AnnealedRBM, ExactRBM, visible_bits
from pipeline.networks.condition import Encoder, encoder
from pipeline.networks.layers import VectorConditioner
from pipeline.params import Count, Fraction, NonNegative, Whole

__all__ = ["ebm_images", "ebm_points", "nce_ebm_points", "rbm_images"]

BOX = 4.0  # a standard normal has 6e-5 of its mass outside, where a spline is the identity
MARGIN = 1.1  # the data end before the box does


def rbm_images(
    task: Task,
    *,
    width: Count = 16,
    gibbs: Count = 1,
    chains: Whole = 64,
    restart: Fraction = 0.0,
    exact: Whole = 20,
    steps: Count = 200,
) -> RBM:
    """Restricted Boltzmann machine on levels (Hinton 2002, Neural Computation 14; Welling et al. 2005, NIPS 17).

    Equation: log f(v) = Σ_i [log p_i(v_i) + b_i u_i] + Σ_j log(1 + e^(a_j + (u W)_j)),  u = v / n,  p(v) = f(v) / Z.

    Args:
        width: binary hidden units, from 1.
        gibbs: Gibbs steps of the negative phase in each training step, from 1.
        chains: persistent chains for each label, from 0; as many as a batch has items, or more. With 0 the negative
            phase starts from the data: contrastive divergence.
        restart: share of the persistent chains that start again from the base before a training step, in [0, 1).
        exact: log Z is a sum over the states of the smaller side where these are 2 to this power or fewer; beyond, it
            is estimated by AIS and the likelihood bounded by RAISE. From 0, which is always AIS.
        steps: levels of annealing, from 1: Gibbs steps for each sample, and for each chain of AIS.
    """
    condition = _encoder(task)
    bits = min(width, visible_bits(task.event))
    make = ExactRBM if bits <= exact else AnnealedRBM
    return make(
        task.event, condition, task.condition, condition.flat,
        hidden=width, gibbs=gibbs, chains=chains, restart=restart, steps=steps,
    )  # fmt: skip


def ebm_points(
    task: Task,
    *,
    width: Count = 128,
    depth: Count = 2,
    octaves: Whole = 4,
    chains: Count = 256,
    moves: Count = 10,
    restart: Fraction = 0.05,
    penalty: NonNegative = 0.0001,
    nodes: Whole = 400,
    steps: Count = 100,
) -> PointEBM:
    """Neural energy with persistent Langevin chains (Du & Mordatch 2019, arXiv:1903.08689).

    Equation: p(x) = N(x; 0, s² I) e^(−E(x)) / Z;  ∂/∂θ log p(x) = −∂E(x)/∂θ + E_p[∂E/∂θ].

    Args:
        width: units of each hidden layer, from 1.
        depth: hidden layers, from 1.
        octaves: octaves of Fourier features of each coordinate: sines and cosines at as many frequencies, each twice
            the one before; from 0, which adds none.
        chains: persistent chains for each label, from 1; as many as a batch has items, or more.
        moves: Langevin transitions of the chains in each training step, from 1.
        restart: share of the chains that start again from the base before a training step, in [0, 1).
        penalty: weight of the squared energies in the loss, from 0.
        nodes: nodes of the quadrature of log Z on each axis, an even number. With 0, and in more than two dimensions,
            log Z is estimated by AIS and the likelihood bounded by RAISE.
        steps: levels of annealing, from 1: transitions for each sample, and for each chain of AIS.
    """
    condition, base, scale = _encoder(task), GaussianBase(task.event), task.event.scale
    network = VectorConditioner(task.event.dims, condition.flat, 1, width, depth, octaves, scale)
    labels = _labels(task)
    start = base.sigma * torch.randn(labels * chains, *task.event.shape)
    arguments = task.event, condition, task.condition, network, base, PersistentChains(start, labels, restart)
    if not nodes or task.event.dims > 2:
        return AnnealedPointEBM(*arguments, moves=moves, penalty=penalty, steps=steps, step=base.sigma / 4)
    _check_even(nodes, task)
    return QuadratureEBM(*arguments, moves=moves, penalty=penalty, steps=steps, step=base.sigma / 4, nodes=nodes)


def ebm_images(
    task: Task,
    *,
    width: Count = 128,
    depth: Count = 2,
    octaves: Whole = 0,
    chains: Count = 64,
    moves: Count = 10,
    restart: Fraction = 0.05,
    penalty: NonNegative = 0.0001,
    steps: Count = 200,
) -> LevelEBM:
    """Neural energy on levels with persistent chains of discrete Langevin proposals (Zhang et al. 2022,
    arXiv:2206.09914).

    Equation: P(x) = Π_i p_i(x_i) e^(−E(x)) / Z;  ∂/∂θ log P(x) = −∂E(x)/∂θ + E_P[∂E/∂θ].

    Args:
        width: units of each hidden layer, from 1.
        depth: hidden layers, from 1.
        octaves: octaves of Fourier features of each value; from 0, which adds none.
        chains: persistent chains for each label, from 1; as many as a batch has items, or more.
        moves: transitions of the chains in each training step, from 1.
        restart: share of the chains that start again from the base before a training step, in [0, 1).
        penalty: weight of the squared energies in the loss, from 0.
        steps: levels of annealing, from 1: transitions for each sample, and for each chain of AIS.
    """
    condition, base, labels = _encoder(task), HistogramBase(task.event), _labels(task)
    network = VectorConditioner(task.event.dims, condition.flat, 1, width, depth, octaves, 1.0)
    start = task.event.value(torch.randint(task.event.grid, (labels * chains, *task.event.shape)))
    persistent = PersistentChains(start, labels, restart)
    return LevelEBM(
        task.event, condition, task.condition, network, base, persistent,
        moves=moves, penalty=penalty, steps=steps, step=4 / task.event.grid,
    )  # fmt: skip


def nce_ebm_points(
    task: Task,
    *,
    width: Count = 128,
    depth: Count = 2,
    octaves: Whole = 4,
    couplings: Count = 2,
    bins: Count = 16,
    nodes: Count = 400,
    steps: Count = 100,
) -> NoiseContrastiveEBM:
    """Neural energy by noise-contrastive estimation, with a spline flow as noise (Gutmann & Hyvärinen 2010, AISTATS).

    Equation: min E_data[log(1 + e^(−l))] + E_q[log(1 + e^l)],  l(x) = log f(x) − ζ − log q(x);  ζ estimates log Z.

    Args:
        width: units of each hidden layer of the energy and of the couplings' networks, from 1.
        depth: hidden layers of both, from 1.
        octaves: octaves of Fourier features of each coordinate, from 0, which adds none.
        couplings: coupling layers of the flow, from 1.
        bins: bins of each spline, from 1.
        nodes: nodes of the quadrature of log Z on each axis, an even number.
        steps: levels of annealing, from 1: Langevin transitions for each sample.
    """
    if task.event.dims > 2:
        raise UserError(f"nce_ebm integrates over one or two dimensions, and task {task.name} has {task.event.dims}")
    _check_even(nodes, task)
    condition, base, dims, scale = _encoder(task), GaussianBase(task.event), task.event.dims, task.event.scale
    network = VectorConditioner(dims, condition.flat, 1, width, depth, octaves, scale)
    layers = []
    for i in range(couplings):
        split, spline = ChannelHalves((dims,), swap=i % 2 == 1), Spline(bins, BOX)
        n_out = spline.width * split.moving
        layers.append(
            Coupling(split, spline, VectorConditioner(split.seen, condition.flat, n_out, width, depth, octaves, BOX))
        )
    noise = FlowNoise(Chain([Scale((dims,), BOX / (MARGIN * scale)), *layers]))
    return NoiseContrastiveEBM(
        task.event, condition, task.condition, network, base, None,
        moves=0, penalty=0.0, steps=steps, step=base.sigma / 4, nodes=nodes, noise=noise,
    )  # fmt: skip


def _encoder(task: Task) -> Encoder:
    """The encoder of no condition or of a class.

    Raises:
        UserError: the task has another condition, of which each has a log Z of its own.
    """
    kind = task.condition.kind
    if kind not in ("none", "class"):
        raise UserError(f"energy-based models answer no condition or a class, and task {task.name} has a {kind}")
    return encoder(task.condition, task.event)


def _labels(task: Task) -> int:
    return task.condition.size if task.condition.kind == "class" else 1


def _check_even(nodes: int, task: Task) -> None:
    if nodes % 2:
        raise UserError(f"nodes: {nodes}; allowed: an even number, for task {task.name}")
