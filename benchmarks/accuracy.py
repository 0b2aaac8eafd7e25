"""The accuracy tables of the two READMEs, out of the shipped metrics: `python -m benchmarks.accuracy` rewrites them."""
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from mtl_core.settings import ROOT, SHIPPED_DIR
from mtl_core.tasks import TASKS

SPLITS = {"random": "random", "composition": "by composition", "reference": "by paper"}
# Pooled out-of-fold R² that each task must reach on each split.
GOALS = {
    "hardness": {"random": 0.80, "composition": 0.77, "reference": 0.57},
    "pitting_potential": {"random": 0.74, "composition": 0.61, "reference": 0.38},
}
MARKERS = "<!-- accuracy: `make readme` writes these lines -->\n{}\n<!-- accuracy ends -->"


def scores_table(report: Mapping) -> str:
    """Accuracy, baselines and bands, one line a task and split."""
    lines = ["| | held out | readings | R² | MAE | ridge R² | extra trees R² | 90 % band holds | its mean width |",
             "|---|---|---|---|---|---|---|---|---|"]
    for task, of_split in report["metrics"].items():
        for split, words in SPLITS.items():
            row, other = of_split[split], report["baselines"][task][split]
            lines.append(
                f"| {TASKS[task].label} ({TASKS[task].learning_unit}) | {words} | {row['n']} | {row['r2']:.2f} | "
                f"{row['mae']:.0f} | {other['ridge']['r2']:.2f} | {other['extra trees']['r2']:.2f} | "
                f"{row['coverage']['0.9']:.2f} | {row['width']['0.9']:.0f} |")
    return "\n".join(lines)


def goals_table(report: Mapping) -> str:
    """R² and coverage beside what they must reach, and the coverage of each calibration on each split."""
    return "\n\n".join(part(report) for part in (_accuracy_goals, _coverage_goals, _transfer))


def _accuracy_goals(report):
    lines = ["| pooled out-of-fold R², mean of the fold seeds | must reach | measured | ridge | extra trees |",
             "|---|---|---|---|---|"]
    for task, goals in GOALS.items():
        for split, goal in goals.items():
            other = report["baselines"][task][split]
            lines.append(f"| {TASKS[task].label}, {SPLITS[split]} | ≥ {goal:.2f} | {report['metrics'][task][split]['r2']:.3f} | "
                         f"{other['ridge']['r2']:.3f} | {other['extra trees']['r2']:.3f} |")
    return "\n".join(lines)


def _coverage_goals(report):
    lines = ["| share of readings inside the 90 % band, cross-fitted | must reach | measured |", "|---|---|---|"]
    for task in GOALS:
        for split in ("reference", "composition"):
            measured = report["transfer"][task][split][split]
            lines.append(f"| {TASKS[task].label}, calibrated and tested {SPLITS[split]} | .87 to .95 | {measured:.3f} |")
    return "\n".join(lines)


def _transfer(report):
    lines = ["| the same, band calibrated | tested | " + " | ".join(TASKS[task].label for task in GOALS) + " |",
             "|---|---|" + "---|" * len(GOALS)]
    for calibrated in SPLITS:
        for tested in SPLITS:
            shares = (f"{report['transfer'][task][calibrated][tested]:.3f}" for task in GOALS)
            lines.append(f"| {SPLITS[calibrated]} | {SPLITS[tested]} | {' | '.join(shares)} |")
    return "\n".join(lines)


PAGES: dict[Path, Callable[[Mapping], str]] = {ROOT / "README.md": scores_table, ROOT / "benchmarks" / "README.md": goals_table}


def shipped_report() -> dict:
    """The metrics stored beside the shipped ensemble."""
    return json.loads((SHIPPED_DIR / "metrics.json").read_text(encoding="utf-8"))


def with_table(text: str, table: str) -> str:
    """The page with the table between its markers."""
    start, end = map(re.escape, MARKERS.split("{}"))
    return re.sub(f"{start}.*?{end}", lambda found: MARKERS.format(table), text, flags=re.DOTALL)


if __name__ == "__main__":
    for page, table in PAGES.items():
        page.write_text(with_table(page.read_text(encoding="utf-8"), table(shipped_report())), encoding="utf-8")
