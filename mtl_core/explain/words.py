"""What attributions and swaps say, in the words of the pages and of the command line."""
from collections.abc import Mapping

from mtl_core.data.schema import AT
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.words import CONDITION_WORDS, PROCESS_WORDS, signed, with_spread, written

LOWER_IS_BETTER = {"corrosion_current", "passive_current"}
FEWEST = 5  # measured alloys of a task that must hold as much of what comes in, before a swap can be called best for it
LEAST = 0.005  # at.%; a smaller difference is not written
MARKS = (f"(?): fewer than nine networks in ten agree on the sign. (!): outside the domain. (<{FEWEST}): fewer than {FEWEST} "
         "measured alloys hold as much of what comes in.")
SPREAD = "±: standard deviation over the networks, not the error against a measurement."


def sum_sentence(found, unit: str) -> str:
    """How well the bars of an `Attribution` add up. unit: of a difference."""
    change = abs(found.prediction - found.baseline)
    if found.error.any():
        return (f"Some alloys stand for all: a bar has a standard error of up to {written(found.error.max())} {unit}; "
                f"the sum misses the difference of {written(change)} {unit} by {written(abs(found.gap))} {unit}.")
    gap = f"{written(abs(found.gap))} {unit}" if abs(found.gap) > 1e-3 * change else "less than 0.1 % of it"
    return f"The bars add up to the difference but for {gap}, the error of the integral."


def is_rough(found) -> bool:
    """Whether what adds up to the difference between two predictions misses a tenth of it or more."""
    return abs(found.gap) > 0.1 * abs(found.prediction - found.baseline)


def unit_of_change(task: TaskSpec) -> str:
    """A difference of two potentials knows no reference electrode."""
    return task.unit.removesuffix(" vs SCE")


def changes(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, str]:
    """Element → "+11.1", how many at.% the alloy has more than the baseline."""
    different = {symbol: after.get(symbol, 0.0) - before.get(symbol, 0.0) for symbol in before | after}
    texts = {symbol: signed(one) for symbol, one in different.items() if abs(one) >= LEAST}
    return texts | {AT + symbol: text for symbol, text in texts.items()}


def changes_of_conditions(before: Conditions, after: Conditions) -> dict[str, str]:
    """Condition → "25 °C → 60 °C", of those that differ."""
    return {name: f"{_spoken(name, getattr(before, name))} → {_spoken(name, getattr(after, name))}"
            for name in CONDITION_WORDS if getattr(before, name) != getattr(after, name)}


def _spoken(name, value):
    return "not reported" if value is None else CONDITION_WORDS[name].format(PROCESS_WORDS.get(value, value))


def swap_words(found, row: int) -> str:
    """"Fe → Mo: +4.2 ± 1.1 HV, +20 ± 5 mV"; see `MARKS` for what stands behind a number."""
    effects = [f"{with_spread(found.values[row, column], found.spread[row, column])} {unit_of_change(task)}"
               f"{_marks(found, row, column)}" for column, task in enumerate(found.tasks)]
    return f"{found.out[row]} → {found.into[row]}: {', '.join(effects)}"


def _marks(found, row, column):
    doubts = {" (?)": not found.is_stable[row, column], " (!)": not found.in_domain[row, column],
              f" (<{FEWEST})": found.n_measured[row, column] < FEWEST}
    return "".join(mark for mark, is_due in doubts.items() if is_due)


def support_words(found, row: int) -> str:
    """How many measured alloys stand behind a swap: "measured with as much Mo: 212 (hardness), 98 (pitting potential)"."""
    counts = [f"{n:,} ({task.label.lower()})" for n, task in zip(found.n_measured[row], found.tasks, strict=True)]
    return f"measured with as much {found.into[row]}: {', '.join(counts)}"


def no_swap_words(found) -> str:
    """Why none is called best, and where no swap is inside the domain of a property at all."""
    outside = [task.label.lower() for column, task in enumerate(found.tasks) if not found.in_domain[:, column].any()]
    return ("No swap does, by a sign on which the networks agree, inside the domain, and with amounts that were measured."
            + (f" All of these alloys lie outside the domain of {' and '.join(outside)}." if outside else ""))


def best_swaps(found, ranges: Mapping[str, float]) -> dict[str, list[int]]:
    """What is looked for → the three best swaps: each property alone, then all of them. ranges: task → its 5-95 % range."""
    tasks = [task for task in found.tasks if task.key in ranges]
    best, scales = {}, {task.key: ranges[task.key] * (-1.0 if task.key in LOWER_IS_BETTER else 1.0) for task in tasks}
    for task in tasks:
        wanted = "Lower" if task.key in LOWER_IS_BETTER else "Higher"
        best[f"{wanted} {task.label.lower()}"] = found.best({task.key: scales[task.key]})
    return best | ({"Both at once" if len(scales) == 2 else "All at once": found.best(scales)} if len(scales) > 1 else {})
