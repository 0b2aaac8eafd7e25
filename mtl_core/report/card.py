"""The verb: the report of a run as one text."""
from pathlib import Path
from typing import Literal

from mtl_core.registry.runs import SHIPPED
from mtl_core.report.blocks import as_html, as_markdown
from mtl_core.report.facts import Say, read_facts
from mtl_core.report.sections import sections

Form = Literal["html", "md"]


def card(run: str = SHIPPED, *, form: Form = "html", root: Path | None = None, user_root: Path | None = None,
         say: Say = lambda words: None) -> str:
    """The model card and the checklists of a complete training; takes some ten seconds.

    root: of the runs; user_root: of datasets and curations; say: told what is being worked out. Raises RunError for a run that
    is no complete training, CheckpointError when its data are not what it was trained on.
    """
    facts = read_facts(run, root=root, user_root=user_root, say=say)
    return (as_html if form == "html" else as_markdown)(f"Model card of run {facts.name}", sections(facts))
