"""What bands are worth, in words and tables for a reader; pure."""
import numpy as np
import pandas as pd

from app.evidence import family_words
from app.figures.style import written
from app.validated import listed
from mtl_core.tasks import TASKS, TaskSpec

LEVEL = 0.9
STATED = (0.5, 0.68, 0.9, 0.95)
FEWEST = 5  # readings of a family that is drawn
FAR = 0.05  # by which a family or what is outside may miss the level before the verdict names it
MOST_NAMED = 3  # families
WEAK = 0.7  # AUROC below which what is beyond chance is of little use
ASKED = {"domain score": "distance to what was measured", "outside": "the verdict: outside",
         "std": "stated uncertainty of the run"}
KIND_WORDS = {"raw": "as stated", "rescaled": "rescaled", "conformal": "calibrated"}


def verdict(coverage: pd.DataFrame, accuracy: pd.DataFrame, sure: pd.Series, task: TaskSpec, words: str) -> str:
    """Whether the calibrated 90 % band holds, by reading and by paper, and how sure the networks are of themselves.

    sure: of `Bands.over_papers`.
    """
    at = coverage[coverage["level"] == LEVEL].set_index("kind")
    z2, band = accuracy.set_index("kind").loc["raw", "mean_z2"], at.loc["conformal"]
    trust_ = "about right" if 0.8 <= z2 <= 1.25 else "too sure" if z2 > 1 else "too careful"
    return (f"**{task.label}, {words}:** over all readings the calibrated 90 % band "
            f"{_holds(sure['coverage_low'], sure['coverage_high'])}: {_share(band['coverage'])} {_ends(sure, 'coverage')} of "
            f"{band['n_readings']:.0f} readings lie inside. Averaged over {band['n_papers']:.0f} papers, each counted once, it "
            f"{_holds(sure['papers_low'], sure['papers_high'])}: {_share(band['papers'])} {_ends(sure, 'papers')}. "
            f"{_share(band['whole_papers'])} of the papers lie inside with all their readings. By itself the run is "
            f"{trust_}: its errors are {written(z2**0.5)} times what it states, and its own 90 % band held "
            f"{_share(at.loc['raw', 'coverage'])}.")


def _holds(low: float, high: float) -> str:
    return "holds" if low <= LEVEL <= high else "is too wide" if low > LEVEL else "**does not hold**"


def _share(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _ends(sure: pd.Series, name: str) -> str:
    """"[86, 94]"."""
    return f"[{100 * sure[f'{name}_low']:.0f}, {100 * sure[f'{name}_high']:.0f}]"


def families_words(families: pd.DataFrame) -> str:
    """For which families it holds less than 85 %, those with most readings outside first; families: of one task and split."""
    rows = families[(families["kind"] == "conformal") & (families["n_readings"] >= FEWEST)]
    rows = rows[rows["coverage"] < LEVEL - FAR]
    rows = rows.loc[(rows["n_readings"] * (rows["coverage"] - LEVEL)).sort_values().index]  # by the readings that are missing
    if rows.empty:
        return f"In each family of at least {FEWEST} readings at least {_share(LEVEL - FAR)} lie inside."
    named = [f"{family_words(row.family)}{'' if row.family.endswith('alloys') else ' alloys'} "
             f"({row.coverage * row.n_readings:.0f} of {row.n_readings} readings inside, {row.n_papers} "
             f"paper{'s' if row.n_papers > 1 else ''})"
             for row in rows.head(MOST_NAMED).itertuples()]
    more = f" and {len(rows) - MOST_NAMED} more families" if len(rows) > MOST_NAMED else ""
    return f"**Less than {_share(LEVEL - FAR)} inside:** {listed(named)}{more}."


def outside_words(rows: pd.DataFrame) -> str:
    """What it holds outside the domain; rows: coverage of one task and split by `is_inside`."""
    outside = rows[(rows["kind"] == "conformal") & ~rows["is_inside"]]
    if outside.empty:
        return ""
    share, n = outside["coverage"].iloc[0], outside["n_readings"].iloc[0]
    return f"Outside the domain {'**only** ' if share < LEVEL - FAR else ''}{_share(share)} of {n:.0f} readings lie inside."


def numbers(coverage: pd.DataFrame, accuracy: pd.DataFrame, unit: str) -> pd.DataFrame:
    """One line a kind of band."""
    found = {}
    for kind, rows in coverage.groupby("kind", sort=False):
        at, scores = rows.set_index("level"), accuracy.set_index("kind").loc[kind]
        found[KIND_WORDS[kind]] = {
            **{f"In {level:.0%} band".replace("%", "\u00a0%"): f"{at.loc[level, 'coverage']:.1%}" for level in STATED},
            f"Width ({unit})": written(at.loc[LEVEL, "width"]), "Mean over papers": f"{at.loc[LEVEL, 'papers']:.1%}",
            "Papers with ≥ 90 % inside": f"{at.loc[LEVEL, 'held_papers']:.0%}", f"CRPS ({unit})": written(scores["crps"]),
            "−log density": written(scores["nll"]), "z²": written(scores["mean_z2"])}
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("Band")


def rises(bins: pd.DataFrame) -> str:
    """Whether a larger stated uncertainty means a larger error; bins: of `Bands.error_by_std`, one task and split."""
    mae = bins.sort_values("std")["mae"].to_numpy()
    steps = bins["std"].rank().corr(bins["mae"].rank())
    peak = bins.sort_values("std").iloc[mae.argmax()]
    said = ("The larger the stated uncertainty, the larger the errors" if steps > 0.8 else
            "Errors rise with the stated uncertainty, but not steadily" if steps > 0.4 else
            "Errors do not rise with the stated uncertainty")
    return said + (f"; the peak at {written(peak['std'])} is one tenth of the readings only." if mae.argmax() < len(mae) - 1
                   and mae.max() > 1.5 * np.median(mae) else ".")


def named(rows: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """As the figure wants them, with how many readings and papers stand behind each group."""
    counts = [f"{name} ({n} in {papers})" for name, n, papers in zip(names, rows["n_readings"], rows["n_papers"], strict=True)]
    return rows.assign(name=counts, kind=rows["kind"].map(KIND_WORDS))


def width_words(rows: pd.DataFrame) -> str:
    """Whether the width of a band tells good predictions from bad ones; rows: of `separation`, all tasks of one split."""
    said = []
    for task, part in rows.groupby("task", sort=False):
        by = part.set_index("by")
        std, low = by.loc["std", "auroc"], by.loc["std", "auroc_low"]
        word = "cannot be told" if not low > 0.5 else "hardly" if std < WEAK else "yes"
        said.append(f"{TASKS[task].label.lower()}: {word} ({_auroc(by.loc['std'])}; distance to what was measured "
                    f"{_auroc(by.loc['domain score'])})")
    return f"**Does a wide band mean a bad prediction?** {'; '.join(said)}. AUROC: 0.5 knows nothing, 1 everything."


def _auroc(row: pd.Series) -> str:
    return f"{row['auroc']:.2f} [{row['auroc_low']:.2f}, {row['auroc_high']:.2f}]"


def family_lines(rows: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Calibrated bands by family, the largest first: readings, papers, share inside and width."""
    rows = rows[rows["kind"] == "conformal"].sort_values("n_readings", ascending=False)
    return pd.DataFrame({"Family": rows["family"].map(family_words), "Readings": rows["n_readings"], "Papers": rows["n_papers"],
                         "Inside": rows["coverage"].map(_share), f"Width ({unit})": rows["width"].map(written)}
                        ).set_index("Family").astype(str)


def twice_words(rows: pd.DataFrame, n_readings: float) -> str:
    """Why what is inside and what is outside the domain may be more than there is; rows: by `is_inside`."""
    n = rows.loc[rows["kind"] == "conformal", "n_readings"]
    return (f" A reading may be inside in one division of the data and outside in another; it then counts on both sides "
            f"({' + '.join(f'{one:.0f}' for one in n)} of {n_readings:.0f}).") if n.sum() > n_readings else ""


def separation_words(rows: pd.DataFrame) -> str:
    """What separates beyond chance, and how much larger errors are outside; rows: of one task and split."""
    by = rows.set_index("by")
    knows = [ASKED[name].removeprefix("the verdict: ") for name in ASKED if by.loc[name, "auroc_low"] > 0.5]
    outside, ranks = by.loc["outside"], "rank" if len(knows) > 1 else "ranks"
    said = f"Beyond chance, {listed(knows)} {ranks} the worst quarter of the errors above the rest." if knows else (
        "None of the three scores ranks the worst quarter of the errors above the rest beyond chance.")
    if not outside["n_outside"] or outside["ratio"] != outside["ratio"]:
        return f"{said} No test lay outside the domain."
    interval = f"[{outside['ratio_low']:.2f}, {outside['ratio_high']:.2f}]"
    share = f"{outside['n_outside'] / outside['n']:.0%} of the readings".replace("%", " %")
    does = "do have larger errors on average" if outside["ratio_low"] > 1 else "may have errors as large as inside"
    return f"{said} Alloys outside the domain ({share}) {does}: {outside['ratio']:.2f} times {interval}."
