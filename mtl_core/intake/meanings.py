"""What a column can mean, how each meaning is called on screen, and the headers by which it is recognised."""
import re
import unicodedata
from dataclasses import dataclass

from mtl_core import tasks
from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.intake.units import UNITS, find_units, plain

ELEMENT = "element:"
PARTS = {"": "", ":low": ", lowest", ":high": ", highest", ":±": ", ±"}
_QUANTITY = {"HV": "hardness", "MPa": "strength", "%": "strain", "mV vs SCE": "potential", "°C": "temperature",
             "A/cm²": "current"}


@dataclass(frozen=True)
class Meaning:
    """key, its label for readers, and the quantity whose units it may have ("" = none)."""

    key: str
    label: str
    quantity: str = ""


def _of_tasks() -> tuple[Meaning, ...]:
    return tuple(Meaning(task.key + part, task.label + words, _QUANTITY[task.unit])
                 for task in tasks.PROPERTIES.values() for part, words in PARTS.items())


_LONG_FORM = ("property", "value", "value:low", "value:high", "value:±", "unit", "bound")
MEANINGS: dict[str, Meaning] = {meaning.key: meaning for meaning in (
    Meaning("composition", "Composition as text", "basis"), Meaning("name", "Name of the alloy"),
    *_of_tasks(),
    Meaning("temperature_c", "Test temperature", "temperature"), Meaning("solution", "Test solution as text"),
    Meaning("chloride_m", "Chloride", "chloride"), Meaning("bromide_m", "Bromide", "amount"),
    Meaning("sulphate_m", "Sulphate", "amount"), Meaning("perchlorate_m", "Perchlorate", "amount"),
    Meaning("acid_m", "Strong acid", "amount"),
    Meaning("ph", "pH"), Meaning("scan_rate_mv_s", "Scan rate", "scan rate"), Meaning("test_type", "Tension or compression"),
    Meaning("process", "Processing"), Meaning("phases", "Phases"), Meaning("doi", "DOI"), Meaning("year", "Year"),
    Meaning("reference", "Paper or report"), Meaning("property", "Property of this row (long form)"),
    *(Meaning(f"value{part}", f"Value{words} (long form)") for part, words in PARTS.items()),
    Meaning("unit", "Unit of the value (long form)"), Meaning("bound", "Bound: =, > or < (long form)"),
    *(Meaning(ELEMENT + symbol, f"Amount of {symbol}", "content") for symbol in SYMBOLS),
)}
PROPERTIES = tuple(tasks.PROPERTIES)
ELECTROCHEMICAL = tuple(key for key, task in tasks.PROPERTIES.items() if "chloride_m" in task.conditions)
SCHEMA_UNITS = {"temperature_c": "°C", "chloride_m": "mol/L", "bromide_m": "mol/L", "sulphate_m": "mol/L",
                "perchlorate_m": "mol/L", "acid_m": "mol/L", "scan_rate_mv_s": "mV/s"}
SCHEMA_NAMES = {"value_low": "value:low", "value_high": "value:high", "alloy_id": "name", "reference_id": "reference",
                "task": "property"}

# Headers in plain form, narrower ones first.
_PATTERNS = {
    "crevice_temperature": r"(critical )?crevice (corrosion )?temp|cct\b|t ?crev",
    "pitting_temperature": r"(critical )?pitting (corrosion )?temp|cpt\b|t ?pit",
    "crevice_potential": r"e ?(crev|cr)\b|crevice (corrosion )?pot|e ?r[, ]*crev",
    "repassivation_potential": r"e ?(rp|rep|r|prot|pp)\b|(repassivation|protection) pot",
    "pitting_potential": r"e ?(pit\w*|b|bd|br)\b|(pitting|break-? ?down)[ -]*(corrosion )?pot",
    "corrosion_potential": r"e ?corr|(corrosion|open[ -]circuit|rest) pot|ocp\b|e ?oc[pv]?\b",
    "corrosion_current": r"(log ?)?[ij] ?corr|corrosion current",
    "passive_current": r"(log ?)?[ij] ?pass?\b|passiv\w* current",
    "hardness": r"(vickers |micro|nano|macro|brinell |rockwell |knoop )?-? ?(vickers )?hardness|h ?v\b|hv ?[\d.]+|hr[abc]\b"
                r"|hbw?\b|hk\b|h ?it\b|vickers",
    "yield_strength": r"(0[.,]2 ?%? ?)?(yield|proof)|[tc]?ys\b|σ ?(y|0[.,]?2)|sigma ?(y|0[.,]?2)|r ?p ?0[.,]?2|re[hl]\b",
    "ultimate_strength": r"ultimate|u[tc]s\b|(tensile|compressive) strength|rm\b|σ ?(uts|u|b|max)\b",
    "elongation": r"(total |uniform |fracture )?elongation|t?el\b|ε|strain (at|to) (fracture|failure)"
                  r"|(fracture|failure) strain|a ?50?\b|ductility",
    "temperature_c": r"(test(ing)? |solution |electrolyte )?temp|t\b(?! ?(pit|crev))",
    "chloride_m": r"\[?cl ?-?\]?( |$|\(|\[)|\[cl|chloride|nacl|c ?\(?(na)?cl|conc\w*\.? ?(of )?(na)?cl",
    "bromide_m": r"\[?br ?-?\]?( |$|\()|bromide|nabr", "sulphate_m": r"\[?so4|sul(f|ph)ate|na2so4",
    "perchlorate_m": r"perchlorate|\[?clo4", "ph": r"ph\b", "scan_rate_mv_s": r"(potential )?(scan|sweep) ?-?rate(?! of temp)",
    "solution": r"(test )?(solution|electrolyte|environment|medium)",
    "test_type": r"(type of test|test ?type|test ?mode|loading)", "doi": r"doi\b", "year": r"(publication )?year",
    "phases": r"phases?\b|(micro|crystal )?-?structure", "reference": r"ref(?!\w* electrode)|source|citation|author|paper|report",
    "process": r"process|(heat )?-?treatment|condition|synthesis|route|fabrication|manufactur|state\b",
    "composition": r"(alloy |chemical |nominal )?(composition|formula)",
    "name": r"(sample|specimen|alloy|id|label|name|designation|grade|material(?! class)|code|no\.?|#)\b|#$",
    "property": r"propert(y|ies)$", "value:low": r"value ?(low|min)", "value:high": r"value ?(high|max)",
    "value": r"(value|result)s?\b", "unit": r"units?\b", "bound": r"bound|censor|qualifier",
}
_GERMAN = {
    "crevice_temperature": r"(kritische )?spaltkorrosionstemp",
    "pitting_temperature": r"(kritische )?loch(korrosions|fra(ß|ss))-?temp",
    "pitting_potential": r"(loch(fra(ß|ss)|korrosions)|durchbruchs?)-?pot", "repassivation_potential": r"repassivierungspot",
    "corrosion_potential": r"(freies )?(korrosions|ruhe)-?pot", "corrosion_current": r"korrosionsstrom",
    "passive_current": r"passivstrom", "hardness": r"(vickers|mikro|brinell|rockwell)?-?h(ä|ae)rte",
    "yield_strength": r"(0[.,]2 ?%?-?)?(streck|dehn)grenze", "ultimate_strength": r"zug-?festigkeit",
    "elongation": r"(bruch)?dehnung", "chloride_m": r"chlorid",
    "solution": r"(test|prüf)?(lösung|elektrolyt|medium)", "year": r"(erscheinungs)?jahr",
    "phases": r"phasen\b|gefüge", "reference": r"quelle|literatur|autor|veröffentl",
    "process": r"zustand|(wärme)?behandlung|herstell|verarbeit|fertigung", "composition": r"(chemische )?zusammensetzung",
    "name": r"(probe|legierung|bezeichnung|werkstoff)\b", "property": r"eigenschaft$", "value": r"(mess)?wert\b",
    "unit": r"einheit",
}
_PART_WORDS = {":±": r"±|\+ ?/? ?-|\bstd\b|\bs\.?d\.?\b|st\w*\.? ?dev\w*|\bdev\w*|\berr\w*|uncert\w*|\bs\.?e\.?\b|scatter",
               ":low": r"\bmin\w*|lowest|lower", ":high": r"\bmax\w*(?! ?\))|highest|upper"}
_AVERAGE = r"\b(avg|ave|average|mean|median)\b\.?"
_ELEMENT = re.compile(r"(?:(?:at|wt|x|w|c|mass|mole?)[\s_.%(\[-]*)?%?\s*"
                      rf"({'|'.join(sorted(SYMBOLS, key=len, reverse=True))})(?![A-Za-z+])(.*)", re.DOTALL)
_BESIDE = r"[\s_.,;:/()\[\]{}%-]*"
_AFTER_SYMBOL = re.compile(rf"{_BESIDE}(?:(?:at|wt|ma?|mol\w*|mass|weight|atom\w*|gew|ppm|pct|fraction|ratio|content|nominal"
                           rf"|comp\w*|per ?cent|in|max)\b{_BESIDE})*", re.IGNORECASE)


def recognise(header: str) -> str:
    """The key of what a header most likely means; "" when nothing is recognised. A lone "±" or "min" gives only its part."""
    header = unicodedata.normalize("NFKC", header)
    text = plain(header)
    if text in ("", "-"):
        return ""
    exact = header.strip().lower()
    if exact in MEANINGS or exact in SCHEMA_NAMES:
        return SCHEMA_NAMES.get(exact, exact)
    if symbol := element_of(header):
        return ELEMENT + symbol
    if ":" in text and (inner := recognise(header.rpartition(":")[2])):  # "PROPERTY: HV"
        return inner
    part = next((part for part, words in _PART_WORDS.items() if re.search(words, text)), "")
    bare = re.sub(rf"{_PART_WORDS.get(part, '$^')}|{_AVERAGE}", " ", text)
    bare = re.sub(r"\s+", " ", bare).strip(" .,;:-()[]")
    found = next((key for patterns in (_PATTERNS, _GERMAN) for key, pattern in patterns.items() if re.match(pattern, bare)), "")
    return found + part if found + part in MEANINGS else found or part


def element_of(header: str) -> str:
    """The symbol when a header is that of an amount, such as Cr, at_Cr, "Cr (wt.%)" or %Cr; "" otherwise."""
    match = _ELEMENT.fullmatch(header.strip())
    return match[1] if match and _AFTER_SYMBOL.fullmatch(match[2]) else ""


def property_of_text(text: str) -> str:
    """The task that a cell of the long form names, by key, label or a usual header; "" when none."""
    labels = {plain(task.label): key for key, task in tasks.PROPERTIES.items()}
    found = labels.get(plain(text)) or recognise(text)
    return found if found in PROPERTIES else ""


def is_unit(text: str) -> bool:
    """Whether a short text is nothing but a unit, as in a row of units under the header."""
    return len(text) <= 30 and any(find_units(quantity, text) for quantity in UNITS)
