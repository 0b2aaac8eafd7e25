"""What leaks across the default folds, what each leak is worth, and whether the domain separates: `python -m benchmarks.leaks`.

The worth is measured on one fold seed with ridge and extra trees: about 300 fits, a quarter of an hour on two cores. It goes to
assets/leaks.csv, which the Validate page shows; `--worth` measures nothing else.
"""
import argparse
from collections.abc import Sequence

import pandas as pd

from mtl_core import pipeline
from mtl_core.data import read_tables
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.ensemble.parts import Part
from mtl_core.files import write_table
from mtl_core.settings import ASSETS_DIR
from mtl_core.validation.leakage import as_table, audit, worth
from mtl_core.validation.separation import domain_scores, separation

WORTH = ASSETS_DIR / "leaks.csv"


def main() -> None:
    """Print the three tables, and keep the last."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--worth", action="store_true")
    config, is_all = EnsembleConfig(), not options.parse_args().worth
    prepared = pipeline.prepare(read_tables(), config)
    rows, parts = prepared.observations, prepared.parts(config)
    if is_all:
        _print_shares(prepared, parts)
    first = [part for part in parts if part.fold_seed == 0]
    found = worth(rows, prepared.values, prepared.spec, first, seed=config.seed)
    print(found.round(3).to_string(index=False))
    write_table(WORTH, found.round(4))


def _print_shares(prepared: pipeline.Prepared, parts: Sequence[Part]) -> None:
    rows = prepared.observations
    shares = as_table(audit(rows, parts))
    print(shares.pivot(index=["kind", "task"], columns="split", values="share").round(3).to_string(), "\n")
    scores = domain_scores(rows, parts, prepared.spec.symbols)
    print(separation(pipeline.read_out_of_fold(), scores).round(3).to_string(index=False), "\n")


if __name__ == "__main__":
    pd.set_option("display.width", 200)
    main()
