"""The labels of an alloy out of words in English or German: how it was made, its phases, its family."""
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from mtl_core.intake.cells import is_absent

_QUENCH = r"(?:quench|abgeschreckt|abschreck)\w*"
PROCESSES = (  # the last step of a route is what the alloy was tested in; a quench that ends an anneal belongs to it
    ("ANNEAL", r"(?:anneal|homogeni[sz]|solution|heat.?treat|aged|ageing|aging|re[ck]rystalli[sz]|normali[sz]"
               rf"|gl(?:ü|ue?)h|wärmebehand|lösungsbehand|ausgelagert|ausgehärtet)(?:[^;]*?{_QUENCH})?"),
    ("POWDER", r"powder|sinter|\bsps\b|\bhip|mechanical.?alloy|\bp/?m\b|spark.?plasma|pulver"),
    ("WROUGHT", r"wrought|forg|roll|extru|drawn|sheet|plate|\bbar\b|swag|deform|walz|schmied|gezogen|umgeformt|verformt|blech"
                r"|gepresst"),
    ("CAST", r"cast|arc.?melt|induction.?melt|\bvim\b|ingot|(?<!laser )(?<!laser-)melt|solidif|gegossen|gu(?:ss|ß)|erschmolzen"
             r"|lichtbogen"),
    ("OTHER", rf"{_QUENCH}|temper(?!atur)\w*|angelassen|vergütet|(?<!aus)gehärtet"),  # a hardened steel is no annealed one
)
WHY_OTHER = " (no class of its own; quenched or tempered is not annealed)"
PHASES = (("FCC", r"\bFCC\b|austenit|γ"), ("BCC", r"\bBCC\b|ferrit"), ("B2", r"\bB2\b"), ("HCP", r"\bHCP\b"),
          ("Sigma", r"sigma|σ"), ("Laves", r"laves"), ("Martensite", r"martensit"), ("Borides", r"boride"),
          ("Amorphous", r"amorphous|glass"))
_LABELS = re.compile(r"[\w+\-/.,() ']{1,30}")


def process_of(text: str) -> str | None:
    """The class of a processing route in words: the step named last; OTHER when none is known, None when none is stated."""
    if is_absent(text):
        return None
    if text.strip().upper() in ("CAST", "WROUGHT", "ANNEAL", "POWDER", "OTHER"):
        return text.strip().upper()
    ends = {name: max((match.end() for match in re.finditer(pattern, text, re.IGNORECASE)), default=-1)
            for name, pattern in PROCESSES}
    last = max(ends, key=ends.get)
    return last if ends[last] >= 0 else "OTHER"


def process_notes(written: Sequence[str], good: Sequence[int]) -> list[str]:
    """One sentence for each process: which words were read as it, in how many of the good rows."""
    words: dict[str, list[str]] = defaultdict(list)
    for text, count in Counter(written[row] for row in good).most_common():
        if name := process_of(text):
            words[name].append(f"{text[:60]} ({count:,} {'row' if count == 1 else 'rows'})")
    return [f"Processing read as {name}{WHY_OTHER if name == 'OTHER' else ''}: {', '.join(words[name])}."
            for name in sorted(words)]


def phases_of(text: str) -> str | None:
    """The phases as typed where they are labels such as FCC+BCC; out of a description those that it names; None when none."""
    if is_absent(text):
        return None
    if _LABELS.fullmatch(text.strip()):
        return text.strip()
    return "+".join(name for name, pattern in PHASES if re.search(pattern, text, re.IGNORECASE)) or None


def family_of(at: np.ndarray, symbols: tuple[str, ...]) -> str | None:
    """"HEA" where three or more elements have at least 5 at.% and none more than 35, else the main element.

    Yeh et al., Adv. Eng. Mater. 6, 299 (2004), who ask for five elements; the published tables count alloys of three as well.
    """
    if not at.size or not np.isfinite(at).all():
        return None
    is_multi = (at >= 5).sum() >= 3 and at.max() <= 35
    return "HEA" if is_multi else symbols[int(at.argmax())]
