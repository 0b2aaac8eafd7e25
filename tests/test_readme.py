"""What the README claims is what the shipped ensemble scored, and its commands exist."""
import re

import pytest

from benchmarks.accuracy import MARKERS, PAGES, ROOT, shipped_report

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_printed_accuracy_is_that_of_the_shipped_ensemble(page):
    assert MARKERS.format(PAGES[page](shipped_report())) in page.read_text(encoding="utf-8"), "run `make readme`"


def test_every_make_target_in_the_readme_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = set(re.findall(r"^make (\w+)", README, flags=re.MULTILINE)) | set(re.findall(r"`make (\w+)", README))
    assert {"app", "test"} <= named <= targets


def test_every_file_that_the_readme_links_exists():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_continuous_integration_runs_the_readmes_test_command():
    assert "make test" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
