"""What a validation is to do; it builds nothing and loads nothing heavy."""
from pydantic import BaseModel, ConfigDict, Field, field_validator

from mtl_core.data.folds import SPLITS
from mtl_core.errors import ConfigError
from mtl_core.validation.rungs import LADDER, RungName

OURS = "ours"
MODELS: dict[str, str] = {
    "mean": "The mean of the training values.",
    "class mean": "The mean of the training values of the same family of alloys.",
    "1-NN": "The value of the nearest training row, in scaled features.",
    "ridge": "A linear model with a squared penalty, chosen by leave-one-out among the training rows.",
    "random forest": "200 trees on resampled rows, a third of the features at each branch.",
    "extra trees": "200 trees with random thresholds, half of the features at each branch.",
    "gradient boosting": "400 shallow trees, each fitted to what those before it leave.",
    "gaussian process": "Kernel RBF + linear + white noise; its parameters come from at most 250 training rows, started twice.",
    OURS: "The ensemble of the run.",
}


class ValidationConfig(BaseModel):
    """Everything that, with the data, determines a validation.

    run: whose config is validated. n_folds, n_fold_seeds, seed: as the run's own where None, so that its out-of-fold table is
    looked at instead of training again. epochs, n_repeats: of ours where it is trained for this. workers: processes that fit the
    baselines side by side, 0 for this one; scheduler: address of a Dask cluster that does it instead. Neither changes a number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str = "shipped"
    rungs: tuple[RungName, ...] = Field(SPLITS, min_length=1)
    models: tuple[str, ...] = Field(tuple(MODELS), min_length=1)
    n_folds: int | None = Field(None, ge=2)
    n_fold_seeds: int | None = Field(None, ge=1)
    n_repeats: int = Field(1, ge=1)
    epochs: int | None = Field(None, ge=1)
    workers: int = Field(0, ge=0, le=64)
    scheduler: str | None = None
    seed: int | None = Field(None, ge=0)

    @field_validator("rungs")
    @classmethod
    def _each_rung_once(cls, rungs):
        if len(set(rungs)) != len(rungs):
            raise ValueError(f"expected different rungs, got {', '.join(rungs)}")
        return rungs

    @field_validator("models")
    @classmethod
    def _models_exist(cls, models):
        unknown = [model for model in models if model not in MODELS]
        if unknown or len(set(models)) != len(models):
            raise ValueError(f"expected different models out of {', '.join(MODELS)}; got {', '.join(models)}")
        return models


SIZES: dict[str, ValidationConfig] = {
    "smoke": ValidationConfig(models=("ridge", "extra trees", OURS), n_folds=3, n_fold_seeds=1, epochs=8),
    "main": ValidationConfig(),
    "ladder": ValidationConfig(rungs=LADDER),
}


def size(name: str) -> ValidationConfig:
    """The named size; raises ConfigError for another name."""
    if name not in SIZES:
        raise ConfigError(f"expected one of the sizes {', '.join(SIZES)}, got {name!r}")
    return SIZES[name]
