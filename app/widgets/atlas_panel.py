"""Every alloy on one map, and all that follows a selection there."""
import difflib

import numpy as np
import streamlit as st

from app import state
from app.atlas import LABELS
from app.cloud import Cloud, cloud_of, picked
from app.figures.atlas import MOST_POINTS, SAMPLE, Coloured, Points, map_figure
from app.filters import QUERY_KEYS as FILTER_KEYS
from app.filters import Filters
from app.look import QUERY_KEYS as LOOK_KEYS
from app.look import Look
from app.presets import name_of, opening
from app.services import maps
from app.widgets.atlas_alloy import alloy_under_design
from app.widgets.atlas_filters import filter_chips, filter_controls
from app.widgets.atlas_layout import layout_controls, layout_in_use, layout_note, spoken
from app.widgets.atlas_paint import is_painted, report_paint
from app.widgets.atlas_scene import Scene, quantities
from app.widgets.atlas_tables import marked_ids, tables
from app.widgets.atlas_views import overview

KNOWN = (*FILTER_KEYS, *LOOK_KEYS, *opening().to_query(), "view", "data", "curation")  # what a link to Explore may say
TRUST = ("Trustworthiness (Venna & Kaski 2001): 1 where the ten nearest alloys on the map are also nearest in what they are "
         "compared by, about 0.5 where the map is as good as chance.")
IDS, BAKED, REVISION = "map_ids", "map_baked", "map_revision"


def atlas_panel() -> None:
    """The map with its controls; beside and below it, once the map is drawn, all that follows what is selected."""
    complaints = _open_link() or state.noted("map")
    scene = _scene()
    _controls(scene)
    for complaint in complaints:
        st.warning(complaint)
    ids = state.shown(IDS, ())
    cloud = cloud_of(scene.atlas, scene.passing.alloys & (picked(ids, scene.atlas) if ids else True), scene.passing.readings)
    with st.container(key="atlas"):
        left, right = st.columns([1.25, 1], gap="large")
    with left:
        _map(scene, ids, cloud)
        _caption(scene)
    if is_painted():
        with left, st.container(key="alloy_on_map"):
            alloy_under_design(scene)
        with right, st.container(key="overview"):
            overview(scene, cloud, _clear if ids else None)
        tables(scene, cloud)
    else:
        report_paint()
        state.note("map", complaints)  # the page that follows at once says them again
    _mirror(scene)


def _open_link() -> list[str]:
    """Take filters and look from the URL, once a session."""
    said = [sentence for sentence in (state.open_link(opening()),) if sentence]
    if state.shown("filters") is None:
        atlas, query = maps.atlas(state.datasets()), state.linked()
        numbers = quantities(atlas)
        filters, missed = Filters.from_query(query, atlas)
        look, strange = Look.from_query(query, {**numbers, **LABELS}, numbers)
        state.show("filters", filters)
        state.show("look", look)
        said += missed + strange + _unknown(query)
    return said


def _unknown(query: dict[str, str]) -> list[str]:
    """A sentence for each parameter that means nothing here; it is taken out of the link."""
    strange = sorted(query.keys() - set(KNOWN))
    state.mirror_part({}, strange)
    meant = {name: difflib.get_close_matches(name, KNOWN, n=1) for name in strange}
    return [f"This link says {name[:40]!r}, which this page does not know" + (f" (it would be {close[0]!r})" if close else "")
            + "; it is left out." for name, close in meant.items()]


def _mirror(scene: Scene) -> None:
    """What is on screen goes to the link; the alloy under design once it is not the usual one."""
    alloy = {} if state.selection() == opening() else {
        name: text for name, text in state.selection().to_query().items() if name in ("alloy", "basis")}
    state.mirror_part(scene.filters.to_query() | scene.look.to_query() | alloy, {*FILTER_KEYS, *LOOK_KEYS, "alloy", "basis"})


def _scene() -> Scene:
    datasets, look, filters = state.datasets(), state.shown("look"), state.shown("filters")
    found = layout_in_use(look, datasets)
    passing = maps.passing(filters, tuple(filters.to_query().items()), datasets)
    return Scene(datasets, maps.atlas(datasets), filters, passing, look, found,
                 maps.coordinates(found, maps.identity(found), datasets))


def _controls(scene: Scene) -> None:
    names = {key: f"{one.kind} · {one.title}" for key, one in scene.choices.items()}
    words = {key: f"Label · {label}" for key, label in LABELS.items()}
    properties = {key: name for key, name in names.items() if name.startswith("Property")}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _selectbox("Colour by", "color", properties | words | names, scene.look.color, width=330)
        filter_controls(scene)
        with st.popover("Look", icon=":material/palette:"):
            _selectbox("Size by", "size", {"": "all alike", **names}, scene.look.size)
            state.show("look_opacity", scene.look.opacity)
            st.slider("Opacity", 0.1, 1.0, step=0.05, key="look_opacity", on_change=_change, args=("opacity",))
        layout_controls(scene)
    filter_chips(scene)
    layout_note(scene)


def _selectbox(label: str, name: str, choices: dict[str, str], chosen: str, **options) -> None:
    state.show(f"look_{name}", chosen)
    st.selectbox(label, list(choices), format_func=choices.get, key=f"look_{name}", on_change=_change, args=(name,), **options)


def _change(name: str) -> None:
    state.show("look", state.shown("look").but(**{name: state.shown(f"look_{name}")}))


def _map(scene: Scene, ids: tuple[str, ...], cloud: Cloud) -> None:
    """The figure changes with what it shows, and not with what is drawn around on it: that the browser does by itself."""
    chosen, marked = state.selection(), marked_ids(cloud)
    shows = (scene.datasets, scene.filters.to_query(), scene.look, maps.identity(scene.map), chosen.amounts, marked)
    baked = state.shown(BAKED)
    if baked is None or baked[0] != shows or not ids:
        baked = (shows, map_figure(
            _points(scene, ids), _coloured(scene), opacity=scene.look.opacity, here=maps.place(scene.map, chosen.composition),
            here_name=name_of(chosen.composition) or "this alloy", marked=picked(marked, scene.atlas) if marked else None,
            revision=state.shown(REVISION, 0)))
        state.show(BAKED, baked)
    st.plotly_chart(baked[1], key="map", on_select=_select, selection_mode=("points", "box", "lasso"),
                    config={"displaylogo": False, "scrollZoom": True, "displayModeBar": True,
                            "modeBarButtonsToRemove": ["autoScale2d", "toImage"]},
                    alt=f"Map of all alloys coloured by {_title(scene)}")


def _points(scene: Scene, ids: tuple[str, ...]) -> Points:
    color, n = scene.look.color, len(scene.atlas.alloys)
    values = scene.atlas.alloys[color].to_numpy(str) if color in LABELS else scene.numbers(color).to_numpy(float)
    sizes = scene.numbers(scene.look.size).to_numpy(float) if scene.look.size else None
    return Points(scene.atlas.alloys.index.to_numpy(str), scene.xy, scene.passing.texts, values, sizes, scene.passing.alloys,
                  picked(ids, scene.atlas) if ids else np.ones(n, bool))


def _coloured(scene: Scene) -> Coloured:
    one = scene.choices.get(scene.look.color)
    return Coloured(one.label, one.unit, one.logarithmic, one.kind != "Property") if one else Coloured(LABELS[scene.look.color])


def _title(scene: Scene) -> str:
    return LABELS.get(scene.look.color) or scene.choices[scene.look.color].title


def _select() -> None:
    """Ids travel with the points; what carries none is ground, ring or marker."""
    points = state.shown("map")["selection"]["points"]
    state.show(IDS, tuple(dict.fromkeys(point["customdata"] for point in points if point.get("customdata"))))


def _clear() -> None:
    state.show(IDS, ())
    state.show(REVISION, state.shown(REVISION, 0) + 1)


def _caption(scene: Scene) -> None:
    said = [f"{spoken(scene.map)}, trustworthiness {scene.map.score:.3f}: neighbours here are alike",
            "; distances between clouds mean little. " if scene.map.settings.method == "umap" else ". ",
            "**Draw around points to select them**; a double click clears. "]
    if scene.look.color not in LABELS:
        said.append("Pale: no value. ")
    if not scene.passing.alloys.all():
        said.append("Small and grey: left out by the filters. ")
    if len(scene.atlas.alloys) > MOST_POINTS:
        said.append(f"So many alloys are drawn as density, with {SAMPLE:,} of them as points; a selection picks among these.")
    st.caption("".join(said), help=TRUST)
