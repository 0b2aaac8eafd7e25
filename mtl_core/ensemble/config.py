"""The specification of an ensemble and of its training; it round-trips through JSON and builds nothing."""
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from mtl_core.data.folds import SPLITS, Split
from mtl_core.errors import ConfigError
from mtl_core.features.preparation import Preparation
from mtl_core.features.table import Inputs
from mtl_core.tasks import DEFAULT_TASKS, TASKS, overlapping, with_classes, with_values


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _as_widths(value: object) -> object:
    return (value,) if isinstance(value, int) else value


Wiring = Literal["multi-task", "single-task", "difference", "latent"]
TaskGradients = Literal["sum", "uncertainty", "pcgrad"]
Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1), BeforeValidator(_as_widths)]


class NetworkConfig(_Frozen):
    """One member: shared trunk, one head a task, a linear skip from the inputs to each output.

    trunk, head: neurons of each hidden layer. heads: those of each task, in the order of the tasks, where they differ.
    activation: smooth ones only; a ReLU network has no interactions between its inputs.
    input_gain: spread of the first layer's initial weights, 1 for N(0, 1 / fan-in); a larger one tells closer alloys apart.
    noise: "task" learns one noise scale a task, "alloy" predicts it from the trunk. likelihood: of a measurement, see `losses`.
    """

    trunk: Widths = (64, 64)
    head: Widths = (32,)
    heads: tuple[Widths, ...] = ()
    activation: Literal["gelu", "silu", "softplus", "tanh"] = "gelu"
    input_gain: float = Field(2.0, gt=0.0)
    dropout: float = Field(0.1, ge=0.0, lt=0.9)
    linear_skip: bool = True
    noise: Literal["task", "alloy"] = "alloy"
    likelihood: Literal["logistic", "gaussian"] = "logistic"


class TrainConfig(_Frozen):
    """How the members are trained.

    Members of one split = n_folds × n_fold_seeds × n_repeats; the deployed ensemble is those of the by-reference split.
    patience: epochs without a better validation loss before a member stops; needs validation_share > 0.
    task_gradients: how those of several tasks become one step, see `gradients`.
    """

    epochs: int = Field(100, ge=1)
    batch_size: int = Field(32, ge=1)
    learning_rate: float = Field(3e-3, gt=0.0)
    weight_decay: float = Field(0.1, ge=0.0)
    n_folds: int = Field(10, ge=2)
    n_fold_seeds: int = Field(3, ge=1)
    n_repeats: int = Field(2, ge=1)
    splits: tuple[Split, ...] = SPLITS
    validation_share: float = Field(0.0, ge=0.0, lt=0.5)
    patience: int = Field(20, ge=1)
    task_gradients: TaskGradients = "sum"

    @field_validator("splits")
    @classmethod
    def _deployed_split_is_trained(cls, splits):
        if "reference" not in splits:
            raise ValueError("the deployed ensemble is trained on the 'reference' split; name it among the splits")
        return splits


class DataConfig(_Frozen):
    """Which measurements there are to learn from: datasets by id or name, and a curation by id ("name@version") or name."""

    datasets: tuple[str, ...] = Field(("published",), min_length=1)
    curation: str | None = None


class EnsembleConfig(_Frozen):
    """Everything that, with the data and one seed, determines a run.

    inputs: what the networks see of an alloy besides its conditions. n_masks: dropout masks a member, drawn once a run and
    reused for every alloy. alone: train networks of each task alone as well, on the same folds, to tell what learning together
    is worth. wiring: how tasks share, see `wiring`; source: the task that tells the others, the first one where None.
    kernel_share: weight of a Gaussian process in each answer, the rest being that of the network, see `kernel_fit`; 0 for none.
    """

    tasks: tuple[str, ...] = DEFAULT_TASKS
    network: NetworkConfig = NetworkConfig()
    train: TrainConfig = TrainConfig()
    preparation: Preparation = Preparation()
    data: DataConfig = DataConfig()
    inputs: Inputs = "both"
    n_masks: int = Field(5, ge=5)
    seed: int = Field(0, ge=0)
    alone: bool = False
    wiring: Wiring = "multi-task"
    source: str | None = None
    kernel_share: float = Field(0.0, ge=0.0, lt=1.0)

    @field_validator("tasks")
    @classmethod
    def _tasks_exist(cls, tasks):
        unknown = [task for task in tasks if task not in TASKS]
        if unknown or not tasks or len(set(tasks)) != len(tasks):
            raise ValueError(f"expected different tasks out of {', '.join(TASKS)}; got {', '.join(tasks) or 'none'}")
        if twice := overlapping(tasks):
            raise ValueError(f"expected each measurement in one task only; {' and '.join(twice)} learn from the same ones")
        return tasks

    @model_validator(mode="after")
    def _has_something_to_learn_together(self):
        if self.alone and len(self.tasks) < 2:
            raise ValueError("expected two tasks or more to compare with each task alone, got one")
        return self

    @model_validator(mode="after")
    def _is_wired_to_something(self):
        if self.tells and len(self.tasks) < 2:
            raise ValueError(f"expected two tasks or more for the wiring {self.wiring!r}, got one")
        if self.source is not None and (not self.tells or self.source not in self.tasks):
            raise ValueError(f"expected a source out of {', '.join(self.tasks)}, for the wirings difference and latent only; "
                             f"got {self.source!r} for {self.wiring!r}")
        if self.wiring != "multi-task" and self.train.task_gradients != "sum":
            raise ValueError(f"expected the task gradients 'sum' where no network learns several tasks, got "
                             f"{self.train.task_gradients!r} for the wiring {self.wiring!r}")
        if self.wiring == "single-task" and self.alone:
            raise ValueError("expected another wiring than 'single-task' to compare with each task alone: it is that already")
        return self

    @model_validator(mode="after")
    def _classes_stand_beside_values(self):
        classes = with_classes(self.tasks)
        if classes and not with_values(self.tasks):
            raise ValueError("expected a property with values to learn as well, such as hardness; "
                             f"got {', '.join(classes)} alone")
        if classes and self.wiring == "difference":
            raise ValueError(f"expected values in the wiring 'difference', where one task corrects another; {', '.join(classes)} "
                             "has classes: leave it out, or choose another wiring")
        if classes and self.network.heads:
            raise ValueError(f"expected one `head` for all tasks where {', '.join(classes)} has an output for each class, "
                             "got heads of their own")
        return self

    @model_validator(mode="after")
    def _one_head_a_task(self):
        if len(self.network.heads) not in (0, len(self.tasks)):
            raise ValueError(f"expected heads for {len(self.tasks)} tasks, or none and one `head` for all; "
                             f"got {len(self.network.heads)}")
        return self

    @property
    def tells(self) -> bool:
        """Whether one task tells the others what it predicts."""
        return self.wiring in ("difference", "latent")

    @property
    def source_task(self) -> str:
        """The task that tells the others, where the wiring is such."""
        return self.source or self.tasks[0]

    @property
    def in_order(self) -> tuple[str, ...]:
        """The tasks, the one that tells the others before them."""
        first = (self.source_task,) if self.tells else ()
        return (*first, *(task for task in self.tasks if task not in first))

    @property
    def n_classes(self) -> tuple[int, ...]:
        """Of each task, 0 where it has values; empty where all have."""
        found = tuple(len(TASKS[task].classes) for task in self.tasks)
        return found if any(found) else ()

    @property
    def n_outputs(self) -> int:
        """Of each network: one a task, or one for each of its classes."""
        return sum(len(self.outputs(task)) for task in self.tasks)

    def outputs(self, task: str) -> range:
        """Which outputs of a network are those of a task."""
        widths = [max(len(TASKS[one].classes), 1) for one in self.tasks]
        index = self.tasks.index(task)
        return range(sum(widths[:index]), sum(widths[:index + 1]))

    @property
    def n_trainings(self) -> int:
        """How many trainings, of `train.epochs` each, follow one another."""
        together = 1 if self.wiring == "multi-task" else len(self.tasks) + self.tells
        return together + len(self.tasks) * self.alone

    def for_task(self, task: str) -> "EnsembleConfig":
        """The same ensemble that learns one of its tasks only."""
        head = self.network.heads[self.tasks.index(task)] if self.network.heads else self.network.head
        network = self.network.model_copy(update={"head": head, "heads": ()})
        return self.model_copy(update={
            "tasks": (task,), "network": network, "alone": False, "wiring": "multi-task", "source": None,
            "train": self.train.model_copy(update={"task_gradients": "sum"})})


PRESETS: dict[str, EnsembleConfig] = {
    "smoke": EnsembleConfig(train=TrainConfig(epochs=8, n_folds=3, n_fold_seeds=1, n_repeats=1)),
    "default": EnsembleConfig(kernel_share=0.75),
    "networks": EnsembleConfig(),
    "full": EnsembleConfig(train=TrainConfig(epochs=150, n_repeats=6), kernel_share=0.75),
}


def preset(name: str) -> EnsembleConfig:
    """The named preset; raises ConfigError for another name."""
    if name not in PRESETS:
        raise ConfigError(f"expected one of the presets {', '.join(PRESETS)}, got {name!r}")
    return PRESETS[name]
