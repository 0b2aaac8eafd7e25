"""Where things stand on disk."""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA_DIR = ROOT / "data"
ASSETS_DIR = ROOT / "assets"
SHIPPED_DIR = ASSETS_DIR / "shipped"
RUNS_DIR = Path(os.environ.get("ALLOYSCOPE_RUNS", DATA_DIR / "runs"))
USER_DIR = Path(os.environ.get("ALLOYSCOPE_USER", DATA_DIR / "user"))
CACHE_DIR = Path(os.environ.get("ALLOYSCOPE_CACHE", DATA_DIR / "cache"))
