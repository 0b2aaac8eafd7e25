"""What tuning costs and what it is worth: python -m benchmarks.tuning VERB --out FOLDER

Each verb prints one table. Whatever it trains is a study in a folder of its own under --out, so a verb that was interrupted goes
on where it was, and one that has finished prints its table again. Verbs that take long say how long in their help.
"""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import json
import random
import shutil
import subprocess
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from joblib import Parallel, delayed

from mtl_core import studies
from mtl_core.ensemble.config import EnsembleConfig, TrainConfig, preset
from mtl_core.files import append_line, read_lines, write_json
from mtl_core.registry import jobs, store
from mtl_core.registry.runs import Status, read_record
from mtl_core.tuning.outer import compared
from mtl_core.tuning.rows import units
from mtl_core.tuning.space import Integer, Real, Space, seed_project_space
from mtl_core.tuning.study import TRIALS, Proposal, StudyConfig, Trial, incumbent, read_trials
from mtl_core.workers import ONE_THREAD

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Workers = Annotated[int, typer.Option(min=0, help="Processes of one thread each; 0: this process, with all threads.")]
Out = Annotated[Path, typer.Option(help="Folder that keeps what was trained.")]
N_SEARCH = 210  # evaluations that the seed project reports
SEED_PROJECT = EnsembleConfig(train=TrainConfig(epochs=500))
TINY = Space(dimensions=(Integer(name="epochs", low=6, high=12), Real(name="dropout", low=0.0, high=0.3)))


def seed_project(base: EnsembleConfig, n_trials: int, *, pruning: bool, workers: int) -> StudyConfig:
    """The small search that the seed project reports: 12 folds a trial, 6 drawn twice. The outer fold is as small as it can be
    useful, 1 in 20, so that a trial does nearly the same work."""
    return StudyConfig(base=base, space=seed_project_space(), n_trials=n_trials, n_initial=20, n_inner=6, n_seeds=2, n_outer=20,
                       pruning=pruning, workers=workers, batch=max(1, workers))


def searched(folder: Path, config: StudyConfig, *, report: bool = False) -> studies.Study:
    """The study in a folder, gone on with as far as its config says; without its report only the search."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "config.json").exists():
        write_json(folder / "config.json", studies.record_of(config).model_dump(mode="json"))
    stored = studies.study_config(read_record(folder))
    if stored.model_copy(update={"n_trials": config.n_trials, "base": config.base}) != config:
        raise typer.BadParameter(f"{folder} holds a study of another config; choose another --out")
    if report:
        studies.tune(folder, lambda: False, progress=_say)
    else:
        start = time.time()
        rows = studies.development(studies.prepared_for(stored), stored)
        with studies.evaluation(config, rows, lambda: False) as evaluate:
            studies.search(folder, config, evaluate, _say)
        append_line(folder / "seconds.jsonl", {"seconds": time.time() - start, "trials": config.n_trials})
    return studies.Study(folder.name, stored, tuple(read_trials(folder / TRIALS)), None, {})


def side_by_side(studies_of: dict[Path, StudyConfig], *, report: bool = False) -> list[studies.Study]:
    """Several studies, two at a time with one thread each: the numbers are those of one after the other."""
    return Parallel(n_jobs=2)(delayed(_with_one_thread)(folder, config, report) for folder, config in studies_of.items())


def _with_one_thread(folder, config, report):
    os.environ |= ONE_THREAD
    return searched(folder, config, report=report)


def _say(trial: Trial) -> None:
    score = f"{trial.score:.4f}" if trial.score is not None else trial.reason[:60]
    seconds = sum(trial.seconds.model_dump().values())
    typer.echo(f"  trial {trial.number:>3} {trial.status:<9}{score:<10} {seconds:6.1f} s", err=True)


def phases(trials: list[Trial]) -> pd.Series:
    """Mean seconds of a trial in each phase."""
    return pd.DataFrame([trial.seconds.model_dump() for trial in trials]).mean()


@app.command("seed-search")
def seed_search(out: Out, n: Annotated[int, typer.Option(min=20, help="Evaluations that are measured.")] = 20,
                workers: Workers = 2) -> None:
    """Equal work: n evaluations of the seed project's search, extrapolated to all 210 (half an hour)."""
    study = searched(out / "seed-search", seed_project(SEED_PROJECT, n, pruning=False, workers=workers))
    measured = [trial for trial in study.trials if trial.number > 0]
    mean = phases(measured) / max(1, workers)
    mean["ask"] = asking(study)
    typer.echo(f"{len(measured)} evaluations × 12 folds × 500 epochs, {max(1, workers)} at a time; mean seconds that one adds, "
               f"and hours of {N_SEARCH}:")
    for phase, seconds in mean.items():
        typer.echo(f"  {phase:<8}{seconds:8.1f} s {N_SEARCH * seconds / 3600:7.2f} h")
    typer.echo(f"  {'all':<8}{mean.sum():8.1f} s {N_SEARCH * mean.sum() / 3600:7.2f} h   (the seed project reports 12.6 to 16 h)")
    took = sum(line["seconds"] for line in read_lines(out / "seed-search" / "seconds.jsonl"))
    typer.echo(f"wall time of the {len(study.trials)}, in batches that wait for their slowest: {took / 60:.1f} min, so "
               f"{N_SEARCH * took / len(study.trials) / 3600:.1f} h; best score {study.incumbent.score:.4f}")


def asking(study: studies.Study) -> float:
    """Mean seconds of a suggestion over the whole search: measured with 20, 60, 120 and 200 scores known."""
    from mtl_core.tuning.gpyopt_adapter import Surrogate

    rng, space, took = np.random.default_rng(0), study.config.space, []
    for n in (20, 60, 120, 200):
        points, scores = [space.from_unit(unit) for unit in rng.random((n, len(space.dimensions)))], rng.normal(0.6, 0.03, n)
        start = time.monotonic()
        next(Surrogate(space, points, scores).suggest(1))
        took.append(time.monotonic() - start)
    return float(np.interp(np.arange(20, N_SEARCH), (20, 60, 120, 200), took).mean())


@app.command()
def pruned(out: Out, n: int = N_SEARCH, workers: Workers = 2, epochs: int = 100, patience: int = 0) -> None:
    """The same search, stopped early and pruned, n evaluations (at most 90 minutes).

    Stopped early: the schedule of the learning rate ends after so many epochs; with a patience, each network also stops by the
    loss on a tenth of its papers, which it keeps back.
    """
    share = {"validation_share": 0.1, "patience": patience} if patience else {}
    early = EnsembleConfig(train=TrainConfig(epochs=epochs, **share))
    folder = out / f"pruned-{epochs}-{patience}"
    study = searched(folder, seed_project(early, n, pruning=True, workers=workers))
    rows = pd.DataFrame([trial.seconds.model_dump() for trial in study.trials])
    counts = pd.Series([trial.status for trial in study.trials]).value_counts()
    typer.echo(f"{len(rows)} evaluations: " + ", ".join(f"{count} {status}" for status, count in counts.items()))
    for phase, seconds in rows.sum().items():
        shared = f", shared by {workers} processes" if workers > 1 and phase != "ask" else ""
        typer.echo(f"  {phase:<8}{seconds / 60:8.1f} min{shared}")
    took = sum(line["seconds"] for line in read_lines(folder / "seconds.jsonl"))
    typer.echo(f"  wall time{took / 60:7.1f} min   must reach ≤ 90 min")
    unpruned = out / "seed-search" / TRIALS
    before = incumbent(read_trials(unpruned))
    typer.echo(f"best score {study.incumbent.score:.4f}" + (f"; of the measured equal work {before.score:.4f}" if before else ""))


@app.command("against-default")
def against_default(out: Out, trials: int = 40, split: str = "reference", folds: int = 5) -> None:
    """Tuned against default, a study for each outer fold, all outer rows paired (half an hour)."""
    folders = {out / f"against-default-{split}" / f"fold-{fold}": StudyConfig(
        n_trials=trials, split=split, n_outer=folds, outer_fold=fold) for fold in range(folds)}
    tables, found = [], side_by_side(folders, report=True)
    for fold, folder in enumerate(folders):
        report = json.loads((folder / studies.REPORT).read_text())
        typer.echo(f"fold {fold}: incumbent {report['incumbent']}, inner gain {report['inner']['gain']:+.4f}, outer gain "
                   f"{report['outer']['gain']:+.4f}, optimism {report['optimism']:+.4f}")
        table = pd.read_csv(folder / studies.OUTER)
        default = table[table["configuration"] == "default"]
        tables.append(table if (table["configuration"] == "tuned").any() else
                      pd.concat([default, default.assign(configuration="tuned")]))
    table = pd.concat(tables)
    unit = units(studies.prepared_for(found[0].config).observations)
    default, tuned = (table[table["configuration"] == name].drop(columns="configuration") for name in ("default", "tuned"))
    for task, row in compared(default, tuned, unit).items():
        typer.echo(f"{task:<20} n {row['n']:<5} R² {row['r2_before']:.3f} → {row['r2_after']:.3f}, difference "
                   f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]")


@app.command("bo-random")
def bo_random(out: Out, trials: int = 40, seeds: int = 3) -> None:
    """Bayesian against random search, the same evaluations and folds, as incumbent traces (half an hour)."""
    steps = [step for step in (5, 10, 15, 20, 30, 40, 60, 80) if step <= trials]
    typer.echo(f"{'':<18}" + "".join(f"{step:>9}" for step in steps) + "   best score after so many evaluations")
    configs = {(method, seed): StudyConfig(method=method, n_trials=trials, seed=seed)
               for method in ("bayesian", "random") for seed in range(seeds)}
    found = dict(zip(configs, side_by_side({out / "bo-random" / f"{method}-{seed}": config
                                            for (method, seed), config in configs.items()}), strict=True))
    for method in ("bayesian", "random"):
        traces = []
        for seed in range(seeds):
            trace = found[method, seed].trace.set_index("number")["best"]
            traces.append([trace.reindex(range(step + 1)).ffill().iloc[-1] for step in steps])
            typer.echo(f"{method + ' ' + str(seed):<18}" + "".join(f"{best:>9.4f}" for best in traces[-1]))
        typer.echo(f"{method + ' mean':<18}" + "".join(f"{best:>9.4f}" for best in np.mean(traces, axis=0)))


@app.command()
def workers(out: Out, n: int = 6, epochs: int = 60) -> None:
    """Trials a minute: one process with two threads, or two workers with one each (some minutes)."""
    base = EnsembleConfig(train=TrainConfig(epochs=epochs))
    space = Space(dimensions=(Integer(name="trunk_width", low=48, high=80), Real(name="dropout", low=0.0, high=0.3)))
    for name, changes in (("one process, two threads", {}), ("two workers, one thread each", {"workers": 2})):
        folder = out / "workers" / name.replace(" ", "-").replace(",", "")
        shutil.rmtree(folder, ignore_errors=True)
        config = StudyConfig(base=base, space=space, method="random", n_trials=n, batch=2, pruning=False, **changes)
        typer.echo(f"{name:<32}{60 / _seconds_a_trial(folder, config):6.2f} trials a minute")


def _seconds_a_trial(folder: Path, config: StudyConfig) -> float:
    """From the end of trial 0, when all has been loaded, to the end of the last."""
    folder.mkdir(parents=True)
    write_json(folder / "config.json", studies.record_of(config).model_dump(mode="json"))
    rows, ends = studies.development(studies.prepared_for(config), config), []
    with studies.evaluation(config, rows, lambda: False) as evaluate:
        list(evaluate([_warm_up(-1), _warm_up(-2)], []))  # each worker loads TensorFlow before the clock runs
        studies.search(folder, config, evaluate, lambda trial: ends.append(time.monotonic()))
    return (ends[-1] - ends[0]) / (len(ends) - 1)


def _warm_up(number: int) -> Proposal:
    return Proposal(number=number, point={"trunk_width": 60, "dropout": 0.1}, proposed_by="random")


@app.command()
def kills(out: Out, n: int = 20, kind: str = "both") -> None:
    """n kills at random moments of trainings and of studies, each resumed and compared byte for byte (20 minutes)."""
    for what in ("train", "tune") if kind == "both" else (kind,):
        log = out / f"kills-{what}.jsonl"
        root = out / f"kills-{what}"
        root.mkdir(parents=True, exist_ok=True)
        expected, took = _reference(root, what)
        while len(done := read_lines(log)) < n:
            rng = random.Random(len(done))
            moment = rng.uniform(0.0, took)
            found, status = _killed(root, what, moment)
            append_line(log, {"moment": round(moment, 2), "was": status, "same": found == expected})
            words = "same" if found == expected else "DIFFERENT"
            typer.echo(f"  {what}: killed after {moment:.1f} of {took:.1f} s, {status}: {words}", err=True)
        same, lost = sum(line["same"] for line in done), sum(line["was"] == "lost" for line in done)
        typer.echo(f"{what}: {same} of {len(done)} ended byte for byte like a run that nothing interrupted "
                   f"({lost} were killed before their end)")


def _reference(root: Path, what: str) -> tuple[dict, float]:
    """What a run that nothing interrupted makes, and how long that takes."""
    marker = root / "reference.json"
    if not marker.exists():
        start = time.monotonic()
        run = _begun(root, what)
        _wait(run, root, Status.complete)
        write_json(marker, {"run": run, "seconds": time.monotonic() - start})
    reference = json.loads(marker.read_text())
    return _made(root / reference["run"], what), reference["seconds"]


def _begun(root: Path, what: str) -> str:
    if what == "train":
        from mtl_core.trainings import start_training

        return start_training(preset("smoke"), root=root)
    config = StudyConfig(base=preset("smoke"), space=TINY, n_trials=5, n_initial=3, n_inner=2, n_seeds=1)
    return studies.start_study(config, root=root)


def _killed(root: Path, what: str, moment: float) -> tuple[dict, str]:
    run = _begun(root, what)
    time.sleep(moment)
    for pid in _processes(run):
        subprocess.run(["kill", "-KILL", str(pid)], check=False)
    status = _wait(run, root, Status.lost, Status.complete).status.value
    if status == "lost":
        jobs.resume(run, root=root)
        _wait(run, root, Status.complete)
    made = _made(root / run, what)
    shutil.rmtree(root / run)
    return made, status


def _processes(run: str) -> list[int]:
    """Processes that name the run in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if run.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def _wait(run: str, root: Path, *statuses: Status):
    while (found := store.find_run(run, root)).status not in statuses:
        if found.status is Status.failed:
            raise RuntimeError(f"{run} failed: {found.sentence}")
        time.sleep(0.1)
    return found


def _made(folder: Path, what: str) -> dict:
    """The final numbers, without how long they took."""
    if what == "train":
        metrics = json.loads((folder / "metrics.json").read_text())
        return {"out_of_fold": (folder / "out_of_fold.csv").read_text(), **metrics, "seconds": 0}
    trials = [trial.model_dump(mode="json", exclude={"seconds"}) for trial in read_trials(folder / TRIALS)]
    report = json.loads((folder / studies.REPORT).read_text())
    return {"trials": trials, **report, "seconds": 0, "outer": (folder / studies.OUTER).read_text()}


if __name__ == "__main__":
    app()
