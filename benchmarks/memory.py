"""Resident memory of a fresh process that opened the Design page and so made its first prediction. Linux only."""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_OPEN_THE_APP = """
from pathlib import Path
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("app/main.py", default_timeout=300).run()
assert not page.exception, page.exception
print("resident kB", Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0])
"""


def app_gigabytes() -> float:
    """GB (10⁹ bytes) after the first run of the page."""
    done = subprocess.run([sys.executable, "-c", _OPEN_THE_APP], capture_output=True, text=True, cwd=ROOT, check=True)
    return int(done.stdout.rsplit(maxsplit=1)[-1]) * 1024 / 1e9
