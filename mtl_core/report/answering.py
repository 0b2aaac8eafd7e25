"""What answers, and how its settings were chosen: from the config of a run and from what its training left behind."""
from collections.abc import Iterable

from mtl_core.report.blocks import Block, Text, number, table
from mtl_core.report.facts import Facts
from mtl_core.validation.ladder import OPTIMISTIC

LOGGED = ("The other divisions have the seeds 101 and 102 (python -m benchmarks.development); benchmarks/accuracy.md logs each "
          "look at this one.")


def answering(facts: Facts) -> Iterable[Block]:
    """Networks, Gaussian processes and ridge regressions, their weights and their choices."""
    share = facts.config.kernel_share
    rows = [("networks", f"{1.0 - share:.0%}", networks_in_words(facts))]
    if share:
        rows += [("Gaussian processes", f"{share:.0%}", processes_in_words(facts)),
                 ("ridge regressions", "a share of theirs", ridges_in_words(facts))]
    yield table(("what answers", "weight", "how it is made"), rows)
    yield Text(f"How the settings were chosen. {chosen_in_words(facts)}")


def networks_in_words(facts: Facts) -> str:
    network, train = facts.config.network, facts.config.train
    heads = " or ".join(_widths(head) for head in dict.fromkeys(network.heads or (network.head,)))
    return (f"{facts.metrics['n_members']} networks, {train.n_repeats} for each of {train.n_folds * train.n_fold_seeds} parts of "
            f"the data, {facts.metrics['n_masks']} dropout masks each; hidden layers {_widths(network.trunk)}, then {heads} for "
            f"each property; {network.activation}; {network.likelihood} likelihood, which takes bounds as well; {train.epochs} "
            "epochs.")


def _widths(layers: Iterable[int]) -> str:
    return "-".join(map(str, layers))


def processes_in_words(facts: Facts) -> str:
    from mtl_core.ensemble.kernel_fit import PAPER

    return (f"One for each property and part, on exact readings. Kernel: Matérn 3/2 with a length of its own for each feature, "
            "a line, and a constant. Readings of one paper share a random effect, p = "
            f"{PAPER:g} standard deviations of the property, so that a large paper does not count as many. Lengths, scales "
            "and noise maximise the marginal likelihood with a prior, on the training rows of the part.")


def ridges_in_words(facts: Facts) -> str:
    """v and c of the run; v differs from part to part."""
    line, apart = (facts.of_processes(name) for name in ("line", "apart"))
    found = [f"{task.label.lower()} {number(line[task.key])}" for task in facts.tasks]
    return ("Where a ridge regression differs by d from the process, v d exp(−(d / c)²) is added. v is what it earns on training "
            f"rows left out by group, mean of the parts: {', '.join(found)}; c = {max(apart.values()):g} standard "
            "deviations of the property.")


def chosen_in_words(facts: Facts) -> str:
    """On which rows the settings were chosen."""
    if facts.preset and facts.is_published:
        return f"{OPTIMISTIC} {LOGGED}" if facts.config.kernel_share else OPTIMISTIC
    return "The files of this run do not say on which rows; a search (the command tune) keeps an outer fold for that."
