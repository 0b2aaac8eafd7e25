"""What a validation is to do; it builds nothing and loads nothing heavy."""
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mtl_core.data.folds import SPLITS, Split
from mtl_core.errors import ConfigError
from mtl_core.validation.rungs import LADDER, RungName

OURS, NESTED = "ours", "tuned anew"
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
NESTED_WORDS = "The ensemble of the run with settings that a search found anew for each fold, among its training rows alone."


class Search(BaseModel):
    """How the nested evaluation looks for settings, once a fold that is held out, see `mtl_core.tuning.study.StudyConfig`.

    rungs: of the validation's rungs those on which it does; inner folds keep together what the rung does. n_outer: the first so
    many parts of each rung, those of its first division into folds where None. batch: trials that are proposed together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rungs: tuple[Split, ...] = ("composition", "reference")
    n_outer: int | None = Field(None, ge=1)
    n_trials: int = Field(40, ge=1, le=1000)
    n_initial: int = Field(10, ge=2)
    n_inner: int = Field(4, ge=2)
    n_seeds: int = Field(2, ge=1)
    batch: int = Field(1, ge=1, le=64)


class ValidationConfig(BaseModel):
    """Everything that, with the data, determines a validation.

    run: whose config is validated. n_folds, n_fold_seeds, seed: as the run's own where None, so that its out-of-fold table is
    looked at instead of training again. epochs, n_repeats: of ours where it is trained for this. models: out of MODELS, and
    NESTED; nested: how that one searches. workers: processes that fit baselines and trials side by side, 0 for this one;
    scheduler: address of a Dask cluster that does it instead. Neither changes a number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str = "shipped"
    rungs: tuple[RungName, ...] = Field(SPLITS, min_length=1)
    models: tuple[str, ...] = Field(tuple(MODELS), min_length=1)
    n_folds: int | None = Field(None, ge=2)
    n_fold_seeds: int | None = Field(None, ge=1)
    n_repeats: int = Field(1, ge=1)
    epochs: int | None = Field(None, ge=1)
    nested: Search = Search()
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
        known = (*MODELS, NESTED)
        if not set(models) <= set(known) or len(set(models)) != len(models):
            raise ValueError(f"expected different models out of {', '.join(known)}; got {', '.join(models)}")
        return models

    @model_validator(mode="after")
    def _something_is_searched_for(self):
        if NESTED in self.models and not set(self.rungs) & set(self.nested.rungs):
            raise ValueError(f"expected a rung on which settings are searched for ({', '.join(self.nested.rungs)}), got "
                             f"{', '.join(self.rungs)}")
        return self

    def models_on(self, rung: RungName) -> tuple[str, ...]:
        """Those that are asked on a rung, in their order."""
        return tuple(model for model in self.models if model != NESTED or rung in self.nested.rungs)

    @property
    def cells(self) -> tuple[tuple[RungName, str], ...]:
        """Rung and model of each cell, in the order in which they are made."""
        return tuple((rung, model) for rung in self.rungs for model in self.models_on(rung))


SIZES: dict[str, ValidationConfig] = {
    "smoke": ValidationConfig(models=("ridge", "extra trees", OURS), n_folds=3, n_fold_seeds=1, epochs=8,
                              nested=Search(rungs=("reference",), n_outer=1, n_trials=1, n_initial=2, n_inner=2, n_seeds=1)),
    "main": ValidationConfig(),
    "ladder": ValidationConfig(rungs=LADDER),
}


def size(name: str) -> ValidationConfig:
    """The named size; raises ConfigError for another name."""
    if name not in SIZES:
        raise ConfigError(f"expected one of the sizes {', '.join(SIZES)}, got {name!r}")
    return SIZES[name]
