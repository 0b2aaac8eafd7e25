"""Readings that cannot all be right: repeats that disagree, and two quantities of one alloy that do not go together.

Rows are those of `noise.readings`; scatter is that of repeats by property, `noise.repeat_std`.
"""
from collections.abc import Iterator

import numpy as np
import pandas as pd

from mtl_core.data.findings import Finding, said
from mtl_core.data.noise import STATE, repeats
from mtl_core.tasks import TASKS

HV_TO_MPA = 9.807  # 1 kgf/mm² in MPa; ISO 6507-1
# H ≈ 3 σ (Tabor, The Hardness of Metals, 1951) holds for the flow stress at some 8 % strain. H/σ_y is therefore larger the more
# an alloy hardens, up to about 10 in annealed fcc, and below 2 only by a mistake.
HARDNESS_RATIO = (2.0, 10.0)
COMPANY = ("on the same row of the source", "the most plausible of the paper", "the most plausible of other papers")


def conflicts(rows: pd.DataFrame, scatter: pd.Series, k: float) -> Iterator[Finding]:
    """Repeats of one alloy under the same conditions whose range exceeds k times the scatter; the odd one out is the last."""
    found = repeats(rows, "alloy and conditions")
    by_group = found.groupby("group")["y"]
    found = found.assign(times=(by_group.transform("max") - by_group.transform("min")) / found["property"].map(scatter))
    for _, group in found[found["times"] > k].groupby("group"):
        ordered = group.iloc[np.argsort((group["y"] - group["y"].median()).abs(), kind="stable")]
        severity = group["times"].iloc[0] / k / (2 if group["reference_group"].nunique() == 1 else 1)
        yield Finding("conflict", tuple(ordered["measurement_id"]), _disagreement(group), severity)


def _disagreement(group: pd.DataFrame) -> str:
    task, values, n_papers = TASKS[group["property"].iloc[0]], group["value"], group["reference_group"].nunique()
    times = group["times"].iloc[0]
    who = "one paper (something that is not recorded may differ)" if n_papers == 1 else f"{n_papers} papers"
    return (f"{len(group)} readings of one alloy under the same recorded conditions, from {who}, run from {values.min():.4g} "
            f"to {values.max():.4g} {task.unit}, median {values.median():.4g}: {times:.1f} times the scatter of repeats, "
            f"{np.ptp(group['y']) / times:.3g} {task.learning_unit}.")


def hardness_against_strength(rows: pd.DataFrame) -> Iterator[Finding]:
    """Hardness readings for which no yield strength of the same alloy and state gives a plausible H/σ_y.

    Only the closest company counts: strengths on the same row of the source, else of the same paper, else of other papers. Among
    these the most plausible ratio speaks, as the states of one paper may differ by what is not recorded.
    """
    hard, strong = (rows[(rows["property"] == key) & rows["y"].notna()] for key in ("hardness", "yield_strength"))
    pairs = hard.merge(strong, on=["composition", *STATE], suffixes=("", "_y"))
    ratio, (low, high) = HV_TO_MPA * pairs["value"] / pairs["value_y"], HARDNESS_RATIO
    pairs = pairs.assign(ratio=ratio, misfit=np.maximum(low / ratio, ratio / high), company=_company(pairs))
    best = pairs.sort_values(["company", "misfit"], kind="stable").drop_duplicates("measurement_id")
    for pair in best[best["misfit"] > 1.0].to_dict("records"):
        test = f" in {pair['test_type_y']}" if pair["test_type_y"] else ""
        evidence = (f"{said(pair)} is a pressure of {HV_TO_MPA * pair['value']:.0f} MPa beside a yield strength of "
                    f"{pair['value_y']:.4g} MPa{test}, {COMPANY[pair['company']]}: H/σ_y = {pair['ratio']:.3g}, plausible are "
                    f"{low:g} to {high:g}, the median is {best['ratio'].median():.2g}.")
        yield Finding("implausible-pair", (pair["measurement_id_y"], pair["measurement_id"]), evidence, pair["misfit"])


def _company(pairs: pd.DataFrame) -> list[int]:
    """Index into COMPANY of each pair."""
    columns = (pairs[name] for name in ("reference_id", "reference_id_y", "source_rows", "source_rows_y"))
    return [2 if paper != other else int(set(row.split()).isdisjoint(row_of_other.split()))
            for paper, other, row, row_of_other in zip(*columns, strict=True)]
