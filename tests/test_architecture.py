"""What may import what, and what an import may cost."""
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
HEAVY = ("tensorflow", "keras", "umap", "numba", "sklearn", "streamlit", "matplotlib")


def loaded_by(statement: str) -> set[str]:
    """Top-level names of all modules that a fresh interpreter has loaded after the statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(done.stdout.split())


def sources(*folders: str):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_the_import_contracts_hold():
    done = subprocess.run([sys.executable, "-c", LINT_IMPORTS], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["mtl_core", "mtl_core.cli", "mtl_core.chemistry.composition", "mtl_core.data",
                                    "mtl_core.features.descriptors", "mtl_core.registry.archive", "mtl_core.trainings",
                                    "mtl_core.studies", "mtl_core.validations"])
def test_light_modules_of_the_library_load_nothing_heavy(module):
    assert loaded_by(f"import {module}").isdisjoint(HEAVY)


def test_the_dashboard_opens_before_tensorflow_and_the_map_are_loaded():
    light = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sources("app/widgets", "app/figures")]
    light = [name for name in light if not name.endswith("__init__")]
    loaded = loaded_by("import " + ", ".join([*light, "app.services.maps", "app.services.kept", "app.uploads", "app.runs"]))
    assert loaded.isdisjoint({"tensorflow", "keras", "umap", "numba"})


def test_only_services_cache():
    assert {path.parent.name for path in sources("app") if "st.cache_" in path.read_text(encoding="utf-8")} == {"services"}


def test_nothing_executable_is_stored_or_loaded():
    words = ("pickle.load", "joblib.load", "allow_pickle=True", "eval(", "exec(")
    code = {path.name: path.read_text(encoding="utf-8") for path in sources("app", "mtl_core")}
    assert [(name, word) for name, text in code.items() for word in words if word in text] == []
