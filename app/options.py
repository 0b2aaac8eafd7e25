"""What can be chosen for a training: how each choice is called, which values it takes, and what differs from a preset. Pure."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from app.figures.style import written
from mtl_core.errors import ConfigError
from mtl_core.tasks import TASKS

MOST_LAYERS, WIDEST = 8, 1024
# Of a rough estimate, from trainings on two cores: s for one row in one step of one network, and for each of its weights in that
# step; s for a batch, whatever is in it; s for what follows, of each fold and property; s for the cube of the rows that a process
# of Gauss learns from; s to start.
STEP_SECONDS, WEIGHT_SECONDS, BATCH_SECONDS, FOLD_SECONDS, CUBE_SECONDS, START_SECONDS = 1e-6, 4e-10, 2e-3, 0.3, 1.2e-9, 10.0
N_COLUMNS = 75  # that networks see, about


@dataclass(frozen=True)
class Option:
    """One field of an EnsembleConfig, by its path. words: value → what readers call it, for a choice."""

    path: str
    label: str
    kind: Literal["whole", "number", "switch", "choice", "layers"]
    help: str = ""
    low: float = 0
    high: float = 0
    step: float = 1
    words: Mapping = field(default_factory=dict)

    def said(self, value) -> str:
        """A value in a reader's words."""
        if self.kind == "choice":
            return self.words.get(value, str(value))
        if self.kind == "switch":
            return "on" if value else "off"
        return layers_text(value) if self.kind == "layers" else written(value)


FOLDS = (
    Option("train.n_folds", "Folds", "whole", "How many parts the rows are divided into; each is held out once.", 2, 20),
    Option("train.n_fold_seeds", "Divisions", "whole", "How often the rows are divided anew.", 1, 10),
    Option("train.n_repeats", "Networks a fold", "whole", "That learn the same rows, from other initial weights.", 1, 20),
)
NETWORK = (
    Option("network.trunk", "Shared layers", "layers", "Neurons of each layer that all properties share, such as 64, 64."),
    Option("network.head", "Layers of each property", "layers", "Neurons of each layer that a property has for itself."),
    Option("network.dropout", "Dropout", "number", "Share of neurons that is left out at random.", 0.0, 0.8, 0.05),
    Option("network.activation", "Activation", "choice", words={name: name for name in ("gelu", "silu", "softplus", "tanh")},
           help="Smooth ones only, so that no slider makes a prediction jump."),
    Option("network.linear_skip", "Linear path from input to output", "switch", "What is nearly linear is learnt at once."),
    Option("network.input_gain", "Spread of the first weights", "number", "Larger: tells closer alloys apart.", 0.1, 10.0, 0.1),
    Option("network.likelihood", "Scatter of measurements", "choice", "Logistic tails are heavier: an odd paper pulls less.",
           words={"logistic": "logistic", "gaussian": "Gaussian"}),
    Option("network.noise", "Size of the scatter", "choice", words={"alloy": "of each alloy", "task": "of each property"}),
    Option("inputs", "What networks see of an alloy", "choice", words={
        "both": "elements and descriptors", "elements": "elements", "descriptors": "descriptors"}),
    Option("kernel_share", "Share of Gaussian processes", "number",
           "Of each answer, the rest being that of the networks. They count most where readings are few; 0: networks alone.",
           0.0, 0.95, 0.05),
)
SHARING = Option("wiring", "Sharing", "choice", "How what is known of one property helps with another.", words={
    "multi-task": "one network for all", "single-task": "a network each", "difference": "the others correct the first",
    "latent": "the others are told the first"})
TELLING, INSIDE = ("difference", "latent"), 4.0
SHARING_SENTENCES = {
    "multi-task": "All properties share the first layers of one network.",
    "single-task": "Each property has networks of its own; nothing is shared.",
    "difference": "What is predicted for the first property is scaled; networks of the others learn what to add to it.",
    "latent": "What is predicted for the first property is one more input of the networks of the others.",
}
TRAINING = (
    Option("train.epochs", "Epochs", "whole", "How often each network sees its rows.", 1, 2000),
    Option("train.batch_size", "Batch size", "whole", "Rows that a network learns from in one step.", 1, 1024),
    Option("train.learning_rate", "Learning rate", "number", "At its highest; it rises first and then falls.", 1e-5, 0.1, 0.001),
    Option("train.weight_decay", "Weight decay", "number", "Pulls weights to zero; higher is smoother.", 0.0, 10.0, 0.01),
    Option("train.validation_share", "Kept back for early stopping", "number",
           "Share of the papers that a network does not learn from, but stops by; 0: no early stopping.", 0.0, 0.45, 0.05),
    Option("train.patience", "Patience", "whole", "Epochs without a better loss before a network stops.", 1, 1000),
    Option("train.task_gradients", "Several properties pull at one network", "choice", words={
        "sum": "added up", "uncertainty": "weighed by a learnt variance", "pcgrad": "without what is against another"}),
    Option("n_masks", "Dropout masks", "whole", "Of each network, drawn once; they tell how sure it is.", 5, 50),
    Option("seed", "Seed", "whole", "Everything random follows from it.", 0, 2**31 - 1),
)
PREPARATION = (
    Option("preparation.scaling", "Feature scaling", "choice", words={
        "standard": "mean and deviation", "min-max": "smallest and largest", "robust": "median and quartiles"}),
    Option("preparation.fill", "Fill in missing conditions", "choice", words={
        "mean": "mean", "median": "median", "model": "a regression on the others"}),
    Option("preparation.cap", "Cap features at each end", "number", "Share of a feature's values.", 0.0, 0.25, 0.01),
    Option("preparation.target", "Target transform", "choice", words={
        "none": "none", "log": "logarithm", "yeo-johnson": "Yeo-Johnson"}),
)
OPTIONS = (SHARING, *FOLDS, *NETWORK, *TRAINING, *PREPARATION)


def value_at(config: Mapping, path: str):
    """What a config, as plain data, holds at a path."""
    for name in path.split("."):
        config = config[name]
    return config


def with_value(config: Mapping, path: str, value) -> dict:
    """The config with another value at a path."""
    name, _, rest = path.partition(".")
    return {**config, name: with_value(config[name], rest, value) if rest else value}


def layers_text(widths: Sequence[int]) -> str:
    """"64, 64"."""
    return ", ".join(map(str, widths))


def layers_of(text: str) -> tuple[int, ...]:
    """The widths that somebody typed. Raises ConfigError for anything else."""
    words = text.replace(";", ",").replace("×", ",").replace(",", " ").split()
    are_counts = all(word.isascii() and word.isdigit() and 0 < int(word) <= WIDEST for word in words)
    if not are_counts or not 0 < len(words) <= MOST_LAYERS:
        raise ConfigError(f"Expected one to {MOST_LAYERS} layers of 1 to {WIDEST} neurons, such as 64, 64.")
    return tuple(map(int, words))


def differences(config: Mapping, base: Mapping) -> list[str]:
    """What differs, one phrase a choice: "Epochs 150 instead of 100"."""
    found = []
    for option in OPTIONS:
        ours, theirs = (value_at(one, option.path) for one in (config, base))
        if _plain(ours) != _plain(theirs):
            found.append(f"{option.label} {option.said(ours)} instead of {option.said(theirs)}")
    found += [f"{TASKS[task].label} has layers of its own: {layers_text(widths)}"
              for task, widths in zip(config["tasks"], config["network"]["heads"], strict=False)]
    left_out = [split for split in base["train"]["splits"] if split not in config["train"]["splits"]]
    if config["alone"] and not base["alone"]:
        found.append("each property alone as well")
    return found + ([f"not tested on {', '.join(left_out)}"] if left_out else [])


def _plain(value):
    return list(value) if isinstance(value, tuple | list) else value


def outside(label: str, value: float, low: float, high: float) -> str:
    """What is wrong with a number that was typed; empty where it lies between its limits."""
    if low <= value <= high:
        return ""
    return f"{label}: expected {written(low)} to {written(high)}, got {written(value)}. Nothing starts before that is mended."


def rough_seconds(config: Mapping, rows: Mapping[str, int]) -> float:
    """What a training may take, from networks × epochs × rows × weights alone: right within a factor of three or so, and known at
    once. rows: task → its measurements."""
    trained, _ = n_networks(config)
    n_rows, n_tasks = sum(rows.get(task, 0) for task in config["tasks"]), len(config["tasks"])
    train, seen = config["train"], 1 - 1 / config["train"]["n_folds"]
    if config["wiring"] in TELLING:  # one more network a part and inner fold, on four fifths of the rows of what they tell
        n_rows += rows.get(config["source"] or config["tasks"][0], 0) * INSIDE / train["n_repeats"]
    learning = trained * train["epochs"] * n_rows * seen * (STEP_SECONDS + WEIGHT_SECONDS * n_weights(config["network"], n_tasks))
    learning += BATCH_SECONDS * train["epochs"] * n_rows * seen / train["batch_size"]
    n_parts = len(train["splits"]) * train["n_folds"] * train["n_fold_seeds"]
    if config.get("kernel_share"):
        learning += n_parts * CUBE_SECONDS * sum((seen * rows.get(task, 0)) ** 3 for task in config["tasks"])
    return START_SECONDS + FOLD_SECONDS * n_tasks * n_parts + learning * (2 if config["alone"] else 1)


def n_weights(network: Mapping, n_tasks: int) -> int:
    """Of one network, about."""
    trunk, head = list(network["trunk"]), list(network["head"])
    heads = [list(widths) for widths in network["heads"]] or [head] * n_tasks
    return _chain([N_COLUMNS, *trunk]) + sum(_chain([trunk[-1], *widths, 2]) + N_COLUMNS for widths in heads)


def _chain(widths: Sequence[int]) -> int:
    return sum((one + 1) * other for one, other in pairwise(widths))


def n_networks(config: Mapping) -> tuple[int, int]:
    """How many networks are trained, and how many of them answer at the end."""
    train = config["train"]
    of_split = train["n_folds"] * train["n_fold_seeds"] * train["n_repeats"]
    return of_split * len(train["splits"]), of_split
