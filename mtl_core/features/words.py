"""What readers call the columns that the networks see."""
from mtl_core.data.schema import AT
from mtl_core.features.descriptors import DESCRIPTORS
from mtl_core.words import PROCESS_WORDS

COLUMN_WORDS = {"temperature_c": "Temperature", "chloride_m": "Chloride", "ph": "pH", "scan_rate_mv_s": "Scan rate"} | {
    descriptor.key: descriptor.label for descriptor in DESCRIPTORS}
_WORDS = COLUMN_WORDS | {
    "process": "Processing", "log_chloride": "Chloride (log)", "no_chloride": "No chloride", "log_bromide": "Bromide (log)",
    "log_sulphate": "Sulphate (log)", "log_scan_rate": "Scan rate (log)", "elements": "Elements", "descriptors": "Descriptors",
    "conditions": "Processing and conditions"}
_PROCESS, _UNKNOWN = "process_", "_not_reported"


def called(name: str) -> str:
    """What readers call an element, a feature column, a condition or a kind: "Cr", "Cr content", "Processing: cast"."""
    if name in _WORDS:
        return _WORDS[name]
    if name.startswith(AT):
        return f"{name.removeprefix(AT)} content"
    if name.endswith(_UNKNOWN):
        before = name.removesuffix(_UNKNOWN)
        return f"{_WORDS.get(before, before.capitalize())} not reported"
    if name.startswith(_PROCESS):
        return f"Processing: {PROCESS_WORDS[name.removeprefix(_PROCESS)]}"
    return name
