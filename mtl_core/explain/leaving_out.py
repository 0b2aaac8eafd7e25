"""Leaving out a row, or several at once, of what one member learnt from; f(x): its answer, ℓ(f): what a row adds to its loss.

One Newton step on the loss without row i, from the weights θ at which training ended, in the network made linear there:
    Δθ = (H − Hᵢ)⁻¹ ℓ′ᵢ aᵢ        a = ∂f/∂θ,   H = Σⱼ ℓ″ⱼ aⱼaⱼᵀ + Λ,   Hᵢ = ℓ″ᵢ aᵢaᵢᵀ
These are the influence functions of Koh & Liang 2017 (arXiv 1703.04730) with the row's own part taken out of H, as in the
approximate leave-one-out of Rad & Maleki 2020 (J. R. Stat. Soc. B 82, 965). With the tangent kernel k(x, y) = a(x)ᵀ Λ⁻¹ a(y)
(Jacot et al. 2018, arXiv 1806.07572) all of it takes place between rows: K [n, n] among those learnt from, C = diag ℓ″,
    Δf(x) = k(x, ·) T₊ᵢ ℓ′ᵢ / (1 − ℓ″ᵢ Gᵢᵢ)        T = (1 + C K)⁻¹,   G = K T = A H⁻¹ Aᵀ
and for the rows r of a paper k(x, ·) T₊ᵣ (1 − Cᵣ Gᵣᵣ)⁻¹ ℓ′ᵣ, so that rows which support one another are not missed.

Training ends before the loss has its minimum. The step is measured from where it ended (Bae et al. 2022, arXiv 2209.05364), and
Λ says how stiffly that is held, in the metric of Adam, which divides its steps by √v, the root mean square of the gradient of a
minibatch:
    Λ = STIFFNESS N diag(√v) (weight decay + 1 / Σ learning rates)
The first term in brackets is the decay of AdamW, the second a training of limited length written as a ridge. √v is that of the
rows as they fit at the end, and of rank one in each layer (Shazeer & Stern 2018, arXiv 1804.04235), which lets k be a sum of
products over the layers.

Axes: row n · paper G · input A and output C of a layer.
"""
from collections.abc import Callable, Sequence

import numpy as np

from mtl_core.ensemble.config import TrainConfig

Layers = Sequence[tuple[np.ndarray, np.ndarray]]  # inputs [n, A] and slopes [n, C] of each layer, see `network.tangents`

STIFFNESS = 5.0  # so that leaving out a paper moves its alloys by as much as members differ that never saw it
MEAN_RATE = 0.475  # learning rate over its peak, mean of a training, see `ensemble.graph`
LEAST = 1e-3  # of the largest √v: a weight that has no gradient is held as well
TOLERANCE = 1e-5  # of a refit, in units of the spread of the target: what single precision can tell


def held(layers: Layers, slope: np.ndarray, seen: np.ndarray, config: TrainConfig, *, n_rows: int) -> Layers:
    """The layers of all rows times Λ⁻¹, so that `kernel` with them gives k.

    slope: ℓ′ [n]; seen: rows that the member learnt from, bool [n]; n_rows: those of all tasks, which share its minibatches.
    """
    rates = MEAN_RATE * config.learning_rate * config.epochs * np.ceil(n_rows / config.batch_size)
    stiffness = STIFFNESS * n_rows * (config.weight_decay + 1.0 / rates)
    found = []
    for inputs, slopes in layers:
        inputs = with_one(inputs)
        square = ((slope[seen, None].astype(np.float32) * inputs[seen]) ** 2).T @ slopes[seen] ** 2
        root = np.sqrt(square / np.float32(n_rows * config.batch_size)) + np.float32(1e-12)
        of_input, of_slope = (np.maximum(side, LEAST * side.max()) for side in (root.mean(axis=1), root.mean(axis=0)))
        found.append((inputs * (root.mean() / (np.float32(stiffness) * of_input)), slopes / of_slope))
    return found


def with_one(inputs: np.ndarray) -> np.ndarray:
    """The inputs of a layer with a one behind them, for its bias."""
    return np.concatenate([inputs, np.ones_like(inputs[..., :1])], axis=-1)


def kernel(layers: Layers, held_layers: Layers) -> np.ndarray:
    """k [m, n] of m rows as `network.tangents` gives them and n rows of `held`."""
    return sum((with_one(inputs) @ held_inputs.T) * (slopes @ held_slopes.T)
               for (inputs, slopes), (held_inputs, held_slopes) in zip(layers, held_layers, strict=True))


def steps_without(among: np.ndarray, slope: np.ndarray, curvature: np.ndarray, paper: np.ndarray,
                  n_papers: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns [n, n] and [n, G] that k(x, ·) is multiplied with to get the change of f(x) without each row, and each paper.

    among: K [n, n]; slope, curvature: ℓ′ and ℓ″ [n]; paper: of each row, 0 … G − 1 [n]; one without rows has a column of zeros.
    """
    transfer = np.linalg.inv(np.eye(len(among)) + curvature[:, None] * among)
    support = among @ transfer
    of_rows = transfer * (slope / (1.0 - curvature * np.diagonal(support)))
    order = np.argsort(paper, kind="stable")
    of_papers = np.zeros((len(among), n_papers))
    for rows in np.split(order, np.flatnonzero(np.diff(paper[order])) + 1):
        own = np.eye(len(rows)) - curvature[rows, None] * support[np.ix_(rows, rows)]
        of_papers[:, paper[rows[0]]] = transfer[:, rows] @ np.linalg.solve(own, slope[rows])
    return of_rows, of_papers


def refitted_without(among: np.ndarray, derivatives: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
                     left_out: np.ndarray, *, most: int = 50) -> np.ndarray:
    """The exact answer [n], in place of a column of `steps_without`: Newton's steps to the minimum, over changes Δ of f, of

        Σ over the rows kept of ℓ(f + Δ) − Σ over all rows of ℓ′ Δ + ΔᵀK⁻¹Δ / 2

    whose second term makes 0 the minimum while no row is left out. derivatives: of all rows' losses [n] at Δ [n]; left_out:
    bool [n]. A step that leads far beyond the lowest point on its way is halved. Raises ArithmeticError where most steps do not
    suffice.
    """
    start, column = derivatives(np.zeros(len(among)))[0], np.zeros(len(among))

    def kept(change):
        return (np.where(left_out, 0.0, part) for part in derivatives(change))

    for _ in range(most):
        change = among @ column
        slope, curvature = kept(change)
        fall = start - slope - column  # minus the gradient, in the metric of K
        step = np.linalg.solve(np.eye(len(among)) + curvature[:, None] * among, fall)
        moved = among @ step
        while -moved @ (start - next(kept(change + moved)) - column - step) > 0.5 * (moved @ fall):
            step, moved = step / 2, moved / 2
        column = column + step
        if np.abs(moved).max() < TOLERANCE:
            return column
    raise ArithmeticError(f"expected {most} steps to lead to the minimum, the last one moved by {np.abs(moved).max():.2g}")
