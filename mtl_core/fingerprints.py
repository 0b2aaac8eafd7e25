"""What the numbers of a run depend on besides its config and seed: the code, the packages, the folds."""
import hashlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version

import pandas as pd

import mtl_core

PACKAGES = ("tensorflow-cpu", "tensorflow", "numpy", "scipy", "pandas", "scikit-learn")
_FOLDS = ["split", "fold_seed", "measurement_id", "fold"]


def versions() -> dict[str, str]:
    """Of this project, Python and the packages that compute."""
    found = {"alloyscope": mtl_core.__version__, "python": python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # one of the two TensorFlow distributions is always absent
            continue
    return found


def code_sha256(under: Sequence[str] = ("",)) -> str:
    """Of the library's own sources and tables, in the order of their paths; under: the files and folders of it that count."""
    folder, digest = Path(mtl_core.__file__).parent, hashlib.sha256()
    chosen = {path for name in under for path in (folder / name, *(folder / name).rglob("*")) if path.suffix in (".py", ".csv")}
    for path in sorted(chosen):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def folds_sha256(out_of_fold: pd.DataFrame) -> str:
    """Of which measurement was held out in which fold: runs are compared in pairs where it is the same."""
    folds = out_of_fold[_FOLDS].sort_values(_FOLDS[:3])
    return hashlib.sha256(folds.to_csv(index=False, lineterminator="\n").encode()).hexdigest()
