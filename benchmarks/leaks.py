"""What leaks across the default folds, what each leak is worth, and whether the domain separates: `python -m benchmarks.leaks`.

The worth is measured on one fold seed with ridge and extra trees: about 300 fits, a quarter of an hour on two cores.
"""
import pandas as pd

from mtl_core import pipeline
from mtl_core.data import read_tables
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.validation.leakage import as_table, audit, worth
from mtl_core.validation.separation import domain_scores, separation


def main() -> None:
    """Print the three tables."""
    config = EnsembleConfig()
    prepared = pipeline.prepare(read_tables(), config)
    rows, parts = prepared.observations, prepared.parts(config)
    shares = as_table(audit(rows, parts))
    print(shares.pivot(index=["kind", "task"], columns="split", values="share").round(3).to_string(), "\n")
    scores = domain_scores(rows, parts, prepared.spec.symbols)
    print(separation(pipeline.read_out_of_fold(), scores).round(3).to_string(index=False), "\n")
    first = [part for part in parts if part.fold_seed == 0]
    print(worth(rows, prepared.values, prepared.spec, first, seed=config.seed).round(3).to_string(index=False))


if __name__ == "__main__":
    pd.set_option("display.width", 200)
    main()
