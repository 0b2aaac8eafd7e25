"""Save and load an ensemble as arrays and JSON: nothing in it can execute."""
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from mtl_core.ensemble import kernels, network
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.ensemble.ensemble import Ensemble, Upstream
from mtl_core.ensemble.wiring import Wired
from mtl_core.errors import CheckpointError
from mtl_core.features.preparation import Preparation, TargetTransform, arrays_of
from mtl_core.features.scaling import Scaler
from mtl_core.features.table import FeatureSpec
from mtl_core.files import read_arrays, read_json, sha256_of, write_arrays, write_json
from mtl_core.fingerprints import versions

FORMAT = 1
ARRAYS, DESCRIPTION = "ensemble.npz", "ensemble.json"


def save(ensemble: Ensemble | Wired, folder: Path, *, data_sha256: str) -> None:
    """Write `ensemble.npz` and `ensemble.json` into an existing folder, each by rename. Names of arrays begin with the task where
    each task has networks of its own."""
    if isinstance(ensemble, Wired):
        arrays = {f"{task}/{name}": value for task, one in ensemble.of_task.items() for name, value in _arrays(one).items()}
    else:
        arrays = _arrays(ensemble)
    write_arrays(folder / ARRAYS, arrays)
    write_json(folder / DESCRIPTION, {
        "format": FORMAT, "config": ensemble.config.model_dump(mode="json"), "features": ensemble.spec.model_dump(mode="json"),
        "columns": ensemble.spec.columns, "data_sha256": data_sha256, "arrays_sha256": sha256_of(folder / ARRAYS),
        "versions": versions(),
    })


def _arrays(ensemble):
    arrays = {f"parameters/{name}": value for name, value in ensemble.parameters.items()}
    arrays |= {f"masks/{layer}": mask for layer, mask in enumerate(ensemble.masks)}
    arrays |= {f"feature_{name}": value for name, value in arrays_of(ensemble.features).items()}
    arrays |= {f"target_{name}": value for name, value in arrays_of(ensemble.targets).items()}
    if ensemble.upstream and ensemble.upstream.scale is not None:
        arrays["told_scale"] = ensemble.upstream.scale
    if ensemble.kernels is not None:
        arrays |= {f"kernels/{name}": value for name, value in ensemble.kernels.arrays().items()}
    return arrays | {"part_of_member": ensemble.part_of_member}


def load(folder: Path) -> Ensemble | Wired:
    """The ensemble saved in a folder; raises CheckpointError that says where it differs from what is expected."""
    description = read_json(folder / DESCRIPTION)
    _expect("format", FORMAT, description.get("format"), folder)
    try:
        config = EnsembleConfig.model_validate(description.get("config"))
        spec = FeatureSpec.model_validate(description.get("features"))
    except ValidationError as error:
        raise CheckpointError(f"{folder / DESCRIPTION}: {error}") from error
    _expect("feature columns", list(spec.columns), description.get("columns"), folder)
    arrays = read_arrays(folder / ARRAYS)
    shapes = {name: value.shape for name, value in arrays.items()}
    _expect("arrays and their shapes", _expected(config, spec, arrays), shapes, folder)
    _expect("arrays with the fingerprint", description.get("arrays_sha256"), sha256_of(folder / ARRAYS), folder)
    return _ensemble(config, spec, arrays) if config.wiring == "multi-task" else _wired(config, spec, arrays)


def _wired(config, spec, arrays):
    """What tells the others is there before them."""
    of_task: dict[str, Ensemble] = {}
    for task in config.in_order:
        mine = _under(f"{task}/", arrays)
        one = _ensemble(config.for_task(task), spec, mine)
        if config.tells and task != config.source_task:
            one = replace(one, upstream=Upstream(of_task[config.source_task], mine.get("told_scale")))
        of_task[task] = one
    return Wired(config, spec, {task: of_task[task] for task in config.tasks})


def _ensemble(config, spec, arrays):
    return Ensemble(
        config=config, spec=spec, parameters=_under("parameters/", arrays),
        masks=tuple(arrays[f"masks/{layer}"] for layer in range(len(network.mask_widths(config.network)))),
        part_of_member=arrays["part_of_member"], features=Scaler(**_under("feature_", arrays)),
        targets=TargetTransform(config.preparation.target, **_under("target_", arrays)),
        kernels=kernels.Kernels.from_arrays(_under("kernels/", arrays)) if config.kernel_share else None)


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _expected(config, spec, arrays):
    """The shape of each array by name."""
    if config.wiring == "multi-task":
        return _shapes(config, spec, arrays)
    expected = {}
    for task in config.tasks:
        is_told = config.tells and task != config.source_task
        n_told = len(config.outputs(config.source_task)) if is_told and config.wiring == "latent" else 0
        mine = _shapes(config.for_task(task), spec, _under(f"{task}/", arrays), n_told=n_told)
        if is_told and config.wiring == "difference":
            mine["told_scale"] = mine["feature_mean"][:1]
        expected |= {f"{task}/{name}": shape for name, shape in mine.items()}
    return expected


def _shapes(config, spec, arrays, n_told=0):
    members, parts = arrays.get("part_of_member", np.zeros(0)).shape, arrays.get("feature_mean", np.zeros(0)).shape[:1]
    n_features, n_tasks = len(spec.columns), len(config.tasks)
    layers = network.shapes(config.network, n_features=n_features + n_told, n_tasks=config.n_outputs)
    expected = {f"parameters/{name}": members + shape for name, shape in layers.items()}
    expected |= {f"masks/{layer}": (*members, config.n_masks, 1, width)
                 for layer, width in enumerate(network.mask_widths(config.network))}
    expected |= {name: parts + shape for name, shape in _fitted_shapes(config.preparation, n_features, n_tasks).items()}
    if config.kernel_share:
        n_rows = len(arrays.get("kernels/task", ()))
        of_kernels = kernels.shapes(*parts, n_tasks, n_rows, n_features, config.preparation)
        expected |= {f"kernels/{name}": shape for name, shape in of_kernels.items()}
    return expected | {"part_of_member": members}


def _fitted_shapes(preparation: Preparation, n_features: int, n_tasks: int) -> dict[str, tuple[int, ...]]:
    """What the preparation fits on each part, found out by fitting it on nothing."""
    nothing = np.zeros((1, n_features))
    scaler = arrays_of(Scaler.fit(nothing, preparation))
    target = arrays_of(TargetTransform.fit(np.zeros(0), preparation.target))
    return {f"feature_{name}": value.shape for name, value in scaler.items()} | {f"target_{name}": (n_tasks,) for name in target}


def _expect(what, expected, came, folder):
    if expected == came:
        return
    if isinstance(expected, dict):
        names = sorted(name for name in {*expected, *came} if expected.get(name) != came.get(name))
        expected, came = ({name: side.get(name) for name in names} for side in (expected, came))
    raise CheckpointError(f"{folder}: expected {what} {expected}, got {came}; train again, or use the version that wrote it")
