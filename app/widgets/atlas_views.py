"""All that follows the selection: what the alloys are made of, how they measure, under which conditions, who measured."""
from collections.abc import Callable

import streamlit as st

from app.atlas import CONDITIONS, PROPERTIES, Quantity
from app.cloud import (
    DOI,
    Cloud,
    commonest,
    condition_points,
    doubts_table,
    element_means,
    element_use,
    exact_values,
    is_doubted,
    mean_alloy,
    papers_table,
    summary_table,
)
from app.figures.coverage import coverage_figure
from app.figures.distributions import Spread, spreads_figure
from app.figures.elements import elements_figure
from app.figures.pairs import pairs_figure
from app.figures.periodic import periodic_figure
from app.figures.style import COLORS, color_of, written
from app.services import maps
from app.widgets.atlas_scene import Scene
from app.yours import plain
from mtl_core.data.rules import MECHANICAL

STILL = {"displayModeBar": False}
MOST_ELEMENTS = 14
PAIRS = ("vec", "delta", "mixing_enthalpy")
MOST_PAIRS = 5
SHARE = "share"
IN_SOLUTION = ("chloride_m", "ph", "scan_rate_mv_s")  # conditions of corrosion tests alone
ROOMY = 128  # pixels, so that the evidence can be read


def overview(scene: Scene, cloud: Cloud, clear: Callable[[], None] | None) -> None:
    """What is selected: how much, and in the open tab what it is made of, how it measures, when, where and by whom."""
    n_all = len(scene.atlas.alloys)
    with st.container(horizontal=True, vertical_alignment="center", height=44, border=False):
        st.subheader("All alloys" if len(cloud) == n_all else f"{len(cloud):,} of {n_all:,} alloys", anchor=False)
        if clear:
            st.button("Clear selection", icon=":material/close:", on_click=clear, key="clear_selection")
    with st.container(horizontal=True, gap="medium", key="amounts"):
        for label, amount in _amounts(scene, cloud).items():
            st.metric(label, f"{amount:,}", width="content", help=_counted(scene, cloud) if label == "Doubted" else None)
    views = {"At a glance": _glance, "Values": _values, "Elements": _elements, "Conditions": _conditions, "Pairs": _pairs,
             "Papers": _papers, "Doubts": _doubts}
    for tab, draw in zip(st.tabs(list(views), on_change="rerun", key="map_views"), views.values(), strict=True):
        if tab.open:
            with tab:
                draw(scene, cloud) if len(cloud) else st.info(_nothing(scene))


def _nothing(scene: Scene) -> str:
    """Why nothing is left, and what brings how many alloys back."""
    if scene.passing.alloys.any():
        return "No alloy is left. Clear the selection: a double click on the map does it too."
    conditions = " and ".join(CONDITIONS[key].label for key in scene.filters.ranges if key in IN_SOLUTION)
    properties = " and ".join(PROPERTIES[key].label.lower() for key in scene.filters.ranges if key in MECHANICAL)
    clash = (f" {conditions}: stated of corrosion tests only. A range keeps only readings that state it, and no {properties} is "
             "among those.") if conditions and properties else ""
    ways = {words: int(maps.passing(without, tuple(without.to_query().items()), scene.datasets).alloys.sum())
            for words, without in scene.filters.spoken(scene.choices).items()}
    back = "".join(f"\n- without *{plain(words)}*: {n:,}" for words, n in ways.items() if n)
    return f"No alloy passes all filters.{clash} " + (f"What would be left:{back}" if back else "Take more than one away.")


def _amounts(scene: Scene, cloud: Cloud) -> dict[str, int]:
    rows = cloud.readings
    return {"Alloys": len(cloud), "Readings": len(rows), "Papers": rows["reference_id"].nunique(),
            "Doubted": int(is_doubted(rows, scene.suspects).sum())}


def _counted(scene: Scene, cloud: Cloud) -> str:
    """What "Doubted" counts, beside the number of findings that the data desk lists."""
    n = len(doubts_table(cloud, scene.suspects))
    return (f"Readings, not findings: those that {n:,} finding{'s' if n != 1 else ''} name (one may name several; see Doubts), "
            "and those that a rule leaves out of default training.")


def _glance(scene: Scene, cloud: Cloud) -> None:
    """Elements, families and properties in one look."""
    alloys = scene.atlas.alloys.loc[cloud.ids]
    st.markdown(f"Mean **{mean_alloy(cloud)}** at.%  \nFamilies: {commonest(alloys['family'])}  \n"
                f"Processing: {commonest(alloys['process'])}")
    _periodic(scene, cloud)
    st.table(summary_table(cloud), hide_index=True, border="horizontal",
             alt="Each property: readings, bounds among them, median, middle 80 %")
    st.caption("Readings count bounds too; medians are of exact values only, and pool all conditions.")


def _periodic(scene: Scene, cloud: Cloud) -> None:
    """Share of the alloys that hold an element, or the mean of what colours the map over those that do."""
    one = scene.choices.get(scene.look.color)
    choices = {SHARE: "Share of alloys"} | ({one.key: f"Mean {one.label[0].lower()}{one.label[1:]}"} if one else {})
    shown = st.segmented_control("Elements by", list(choices), format_func=choices.get, default=SHARE, key="periodic_by",
                                 label_visibility="collapsed") or SHARE
    use = element_use(cloud)
    means = use["share"].to_dict() if shown == SHARE or one is None else element_means(cloud, scene.numbers(one.key))
    if not means:
        st.info(f"Of these alloys nothing says {one.label[0].lower()}{one.label[1:]}; *Values* shows what was measured of them.")
        return
    unit = "% of the alloys" if shown == SHARE or one is None else one.title
    texts = {symbol: f"<b>{symbol}</b>: in {row.n:,} alloys ({row.share:.0f} %)<br>median {row.median:.3g} at.% where present"
             + (f"<br>mean {one.label}: {written(means[symbol])} {one.unit}" if shown != SHARE and symbol in means else "")
             for symbol, row in zip(use.index, use.itertuples(), strict=True)}
    st.plotly_chart(periodic_figure(means, texts, color=COLORS[0], title=unit), key="periodic", config=STILL,
                    alt=f"Periodic table coloured by {unit}")


def _values(scene: Scene, cloud: Cloud) -> None:
    """Small multiples of every property that was measured of these alloys."""
    shape = st.segmented_control("Shape", ["Histograms", "Violins"], default="Histograms", key="map_shape", required=True,
                                 label_visibility="collapsed")
    everything, chosen = exact_values(scene.passing.readings), exact_values(cloud.readings)
    bounds = cloud.readings.loc[cloud.readings["value"].isna(), "property"].value_counts()
    spreads = [Spread(one.label, one.unit, everything[key], chosen[key], one.logarithmic, color_of(index), bounds.get(key, 0))
               for index, (key, one) in enumerate(PROPERTIES.items()) if key in chosen]
    if not spreads:
        st.info("Nothing was measured exactly of these alloys; bounds stand in the table below.")
        return
    st.plotly_chart(spreads_figure(spreads, violins=shape == "Violins"), key="spreads", config=STILL,
                    alt="Each property of the selected alloys, beside all alloys in grey")
    st.caption("Colour: these alloys. Grey: all that pass the filters. Each is scaled to its own peak. Drawn, and in the "
               "median, are exact values of all conditions; bounds are counted only.")


def _conditions(scene: Scene, cloud: Cloud) -> None:
    """[Cl-] × T × pH of the corrosion tests."""
    points = condition_points(cloud.readings)
    if points.empty:
        st.info("None of these alloys was tested for corrosion.")
        return
    st.plotly_chart(coverage_figure(points), key="coverage", config=STILL,
                    alt="Chloride, temperature and pH of the corrosion readings")
    st.caption("One mark a combination, larger where more was read. **?**: not reported; grey: pH not reported.")


def _elements(scene: Scene, cloud: Cloud) -> None:
    """How much of each element."""
    use = element_use(cloud)
    st.plotly_chart(elements_figure(use.head(MOST_ELEMENTS), color=COLORS[0]), key="elements", config=STILL,
                    alt="Box plot of the amounts of each element")
    st.caption(f"The {min(MOST_ELEMENTS, len(use))} most frequent of {len(use)} elements, where present. Boxes: middle half; "
               "whiskers: 5 to 95 %.")


def _papers(scene: Scene, cloud: Cloud) -> None:
    """Who measured it."""
    st.dataframe(papers_table(cloud), hide_index=True, width="stretch", height=560, key="map_papers", placeholder="no DOI",
                 column_config={"Paper": st.column_config.LinkColumn("Paper", display_text=rf"{DOI}(.*)")})


def _doubts(scene: Scene, cloud: Cloud) -> None:
    """Which of these numbers to doubt, by which rule."""
    found = doubts_table(cloud, scene.suspects)
    if found.empty:
        st.info("No rule has anything against these readings.")
        return
    st.dataframe(found, hide_index=True, width="stretch", height=520, row_height=ROOMY, key="map_doubts",
                 column_config={"Paper": st.column_config.LinkColumn("Paper", display_text=rf"{DOI}(.*)"),
                                "Alloy (at.%)": st.column_config.Column(width=110), "Property": st.column_config.Column(width=90),
                                "Rule": st.column_config.Column(width=100), "Evidence": st.column_config.Column(width=215)})
    st.caption("Keep them, leave them out or turn them into bounds in the data desk.")


def _pairs(scene: Scene, cloud: Cloud) -> None:
    """Scatter plots of the quantities that the visitor chooses."""
    names = {key: one.label for key, one in scene.choices.items()}
    keys = st.multiselect("Pairs", list(names), default=[key for key in PAIRS if key in names], format_func=names.get,
                          max_selections=MOST_PAIRS, key="map_pairs", label_visibility="collapsed",
                          placeholder="two to five descriptors, properties or elements")
    if len(keys) < 2:
        st.caption("Choose at least two quantities.")
        return
    values = {_short(scene.choices[key]): scene.numbers(key).to_numpy(float) for key in keys}
    shown = scene.passing.alloys
    figure = pairs_figure({label: found[shown] for label, found in values.items()}, cloud.is_in[shown],
                          scene.passing.texts[shown], color=COLORS[0])
    st.plotly_chart(figure, key="pairs", config=STILL, alt="Scatter plots of each pair of the chosen quantities")


def _short(one: Quantity) -> str:
    sign = one.symbol or one.label
    return f"{sign} ({one.unit})" if one.unit else sign
