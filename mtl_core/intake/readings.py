"""What was measured in each row: values with their bounds, the conditions, and where it was published."""
import re
from dataclasses import replace

from mtl_core.data.readings import Value
from mtl_core.data.solution import Solution, molarity, parse_solution, settle_chloride
from mtl_core.intake.cells import is_absent, read_cell
from mtl_core.intake.mapping import Column, is_electrochemical
from mtl_core.intake.meanings import ELECTROCHEMICAL, MEANINGS, PROPERTIES, property_of_text
from mtl_core.intake.reader import Reader, converted, single
from mtl_core.intake.units import MOST_NACL_M, TOO_MUCH_NACL, find_units
from mtl_core.tasks import TASKS

ROOM_TEMPERATURE = re.compile(r"r\.?t\.?|room ?temp\w*\.?|ambient( temp\w*\.?)?", re.IGNORECASE)
ROOM_TEMPERATURE_C = 25.0
IONS = ("chloride_m", "bromide_m", "sulphate_m", "perchlorate_m", "acid_m")
TESTS = {"tension": r"t|tension|tensile|tens\.?", "compression": r"c|compression|compressive|comp\.?"}
PLAUSIBLE = {  # unit of the task → lowest and highest that is no slip of the unit
    "HV": (0.0, 10_000.0), "MPa": (0.0, 20_000.0), "%": (0.0, 2000.0), "mV vs SCE": (-4000.0, 4000.0), "°C": (-100.0, 500.0),
    "A/cm²": (0.0, 100.0),
}
MOST_CHLORIDE_M = 25.0  # lithium chloride saturates at 20 mol/kg
_A_SOLUTION = "a solution such as '0.1 M NaCl' or '3.5 wt% NaCl', or its chloride in a column of its own"
_NACL = re.compile(r"(\d*\.?\d+(?:e-?\d+)?)\s*(?:(M|N|ppm)|(?:wt\.?\s*)?%)\s*Na ?Cl(?!O)")
_NO_BOUND = ("", "=", "==", "exact")
_SPELLING = ((r"(?<=\d),(?=\d)", "."), (r"mol\s*(/|·|\*|\s)\s*(l|dm3|L)\b(\s*\^?-\d)?|mol\s*(l|dm)\s*\^?-\d|molar\b", "M"),
             (r"(wt|weight|mass)[\s.-]*(%|pct\b|per ?cent)", "wt%"), (r"\bmM\b", "e-3 M"),
             (r"\b(Na ?Cl|KCl|HCl|H2SO4|Na2SO4|MgCl2|NaBr|NaClO4)\s*\(?\s*(\d*\.?\d+)\s*(M|N|ppm|wt%|%)\)?(?!\w)", r"\2 \3 \1"),
             (r"(\d)\s+e-3", r"\1e-3"))

Readings = list[list[dict[str, object]]]
"""For each row of the sheet its readings: property, value, value_low, value_high, bound."""


def read_wide(reader: Reader) -> Readings:
    """One column a property, with columns of their own for the lowest, the highest and the scatter."""
    readings: Readings = [[] for _ in range(len(reader))]
    for key in PROPERTIES:
        parts = [reader.values(key + part) for part in ("", ":low", ":high", ":±")]
        column = next((reader.column(key + part) for part in ("", ":low", ":high", ":±") if reader.column(key + part)), None)
        for row, values in enumerate(zip(*parts, strict=True)):
            _add(reader, readings[row], row, column, key, values)
    return readings


def read_long(reader: Reader) -> Readings:
    """One row a reading: its property, unit and bound stand in cells of their own."""
    readings: Readings = [[] for _ in range(len(reader))]
    columns = [reader.column(f"value{part}") for part in ("", ":low", ":high", ":±")]
    cells = [reader.texts(f"value{part}") for part in ("", ":low", ":high", ":±")]
    properties, units, bounds = (reader.texts(meaning) for meaning in ("property", "unit", "bound"))
    for row in range(len(reader)):
        key = property_of_text(properties[row])
        if not key:
            reader.complain(row, reader.column("property"), f"a property out of {', '.join(PROPERTIES)}",
                            repr(properties[row][:60]))
            continue
        try:
            unit = _unit_of_row(key, units[row], columns[0])
            values = [converted(read_cell(texts[row], reader.mapping.decimal), MEANINGS[key].quantity, unit) for texts in cells]
            _add(reader, readings[row], row, columns[0], key, (_bounded(values[0], bounds[row]), *values[1:]))
        except ValueError as error:
            reader.complain(row, columns[0], str(error), repr(" ".join([texts[row] for texts in cells] + [units[row]]).strip()))
    return readings


def _unit_of_row(key: str, text: str, column: Column):
    found = find_units(MEANINGS[key].quantity, text) or find_units(MEANINGS[key].quantity, column.name)
    if len(found) == 1 and found[0].convert is not None:
        return found[0]
    if len(found) == 1:
        raise ValueError(f"{TASKS[key].label} in a unit that can be converted; {found[0].key} is {found[0].source}")
    raise ValueError(f"a unit of {TASKS[key].label} such as {' or '.join([one.key for one in found][:3]) or TASKS[key].unit}")


def _bounded(value: Value | None, bound: str) -> Value | None:
    """A value whose bound stands in a cell of its own."""
    word = bound.strip().lower()
    if word in _NO_BOUND or value is None:
        return value
    if value.number is None or word not in (">", ">=", "≥", "<", "<=", "≤"):
        raise ValueError("a number with '=', '>' or '<' as its bound")
    return Value(low=value.number, bound=">") if word[0] in ">≥" else Value(high=value.number, bound="<")


def _add(reader: Reader, row_readings: list, row: int, column: Column | None, key: str, values: tuple[Value | None, ...]) -> None:
    """Join a value with its lowest, highest and scatter; nothing where all are blank."""
    try:
        value = _joined(*values)
    except ValueError as error:
        reader.complain(row, column, str(error), " and ".join(str(end) for end in map(_shown, values) if end))
        return
    if value is None:
        return
    low, high = PLAUSIBLE[TASKS[key].unit]
    outside = [end for end in (value.number, value.low, value.high) if end is not None and not low <= end <= high]
    if outside:
        reader.complain(row, column, f"{TASKS[key].label} from {low:g} to {high:g} {TASKS[key].unit} (is the unit right?)",
                        f"{outside[0]:.6g} {TASKS[key].unit}")
        return
    row_readings.append({"property": key, "value": value.number, "value_low": value.low, "value_high": value.high,
                         "bound": value.bound})


def _shown(value: Value | None) -> str:
    if value is None:
        return ""
    return f"{value.number:g}" if value.number is not None else f"{value.low} to {value.high}"


def _joined(value: Value | None, lowest: Value | None, highest: Value | None, scatter: Value | None) -> Value | None:
    if value is None and None in (lowest, highest) and (lowest or highest) and (lowest or highest).bound != "=":
        return lowest or highest
    low, high, width = single(lowest), single(highest), single(scatter)
    if value is None:
        if low is None and high is None:
            return None  # a scatter without a value says nothing
        if None in (low, high):
            raise ValueError("a value, or both a lowest and a highest one")
        value = Value(low) if low == high else Value(low=low, high=high)
    elif value.number is not None and value.low is None:
        ends = (low, high) if width is None else (value.number - abs(width), value.number + abs(width))
        value = replace(value, low=ends[0], high=ends[1])
    stated = [end for end in (value.low, value.number, value.high) if end is not None]
    if stated != sorted(stated):
        raise ValueError("lowest ≤ value ≤ highest")
    return value


def read_conditions(reader: Reader) -> list[dict[str, object]]:
    """For each row: temperature_c, the ions, ph, scan_rate_mv_s, test_type; None = not reported."""
    temperature = _temperatures(reader)
    ions, ph = _electrolytes(reader), reader.numbers("ph")
    for row, found in enumerate(ions):
        if (found["chloride_m"] or 0.0) > MOST_CHLORIDE_M:
            reader.complain(row, reader.column("chloride_m") or reader.column("solution"),
                            f"at most {MOST_CHLORIDE_M:g} mol/L of chloride (is the unit right?)",
                            f"{found['chloride_m']:.6g} mol/L")
    rate, test = reader.numbers("scan_rate_mv_s"), _tests(reader)
    return [{"temperature_c": temperature[row], **ions[row], "ph": ph[row] if ph[row] is not None else ions[row]["ph"],
             "scan_rate_mv_s": rate[row], "test_type": test[row]} for row in range(len(reader))]


def _temperatures(reader: Reader) -> list[float | None]:
    column = reader.column("temperature_c")
    if column is None:
        return [None] * len(reader)

    def read(text: str) -> float | None:
        if ROOM_TEMPERATURE.fullmatch(text):
            return ROOM_TEMPERATURE_C
        return single(reader.value(text, column))

    return reader.each(column, read)


def _tests(reader: Reader) -> list[str | None]:
    column = reader.column("test_type")

    def read(text: str) -> str | None:
        found = [name for name, pattern in TESTS.items() if re.fullmatch(pattern, text, re.IGNORECASE)]
        if not found and not is_absent(text):
            raise ValueError("tension or compression")
        return found[0] if found else None

    return reader.each(column, read) if column else [None] * len(reader)


def _electrolytes(reader: Reader) -> list[dict[str, float | None]]:
    """The ions that the columns state, completed by those that the name of the solution gives."""
    column = reader.column("solution")
    stated = {ion: reader.numbers(ion) for ion in IONS}
    names, solutions = reader.texts("solution"), reader.each(column, _solution) if column else [None] * len(reader)
    needs_chloride = column and is_electrochemical(reader.mapping)
    rows = []
    for row, solution in enumerate(solutions):
        own = {ion: stated[ion][row] for ion in IONS}
        if needs_chloride and solution is not None and not solution.is_understood and own["chloride_m"] is None:
            reader.complain(row, column, _A_SOLUTION, repr(names[row][:60]))
        rows.append(_completed(own, solution))
    return rows


def _solution(text: str) -> Solution | None:
    if is_absent(text):
        return None
    for pattern, spelled in _SPELLING:
        text = re.sub(pattern, spelled, text)
    if any(molarity(float(amount), unit or "%", "NaCl") > MOST_NACL_M for amount, unit in _NACL.findall(text)):
        raise ValueError(TOO_MUCH_NACL)
    return parse_solution(text)


def _completed(own: dict[str, float | None], solution: Solution | None) -> dict[str, float | None]:
    if solution is None or not solution.is_understood:
        return own | {"ph": solution.ph if solution else None}
    settled = settle_chloride(solution, own["chloride_m"])
    named = {ion: getattr(settled, ion) for ion in IONS}
    return {ion: named[ion] if own[ion] is None or ion == "chloride_m" else own[ion] for ion in IONS} | {"ph": solution.ph}


def conditions_for(key: str, conditions: dict[str, object], *, in_solution: bool, is_long: bool) -> dict[str, object]:
    """Those of a row's conditions that one of its properties was measured under.

    in_solution: the sheet holds electrochemical properties, whose temperature is not that of a hardness beside them.
    """
    task = TASKS[key]
    if key in ELECTROCHEMICAL:
        kept = (*IONS, "ph", *(["scan_rate_mv_s"] if "scan_rate_mv_s" in task.conditions else []),
                *(["temperature_c"] if "temperature_c" in task.conditions else []))
    else:
        kept = ("test_type",) if key != "hardness" else ()
        kept = kept if in_solution and not is_long else (*kept, "temperature_c")
    return {name: conditions[name] for name in kept if conditions[name] is not None}
