"""How alloys are laid out on the map: settings, and the wait for a map that is being made."""
import streamlit as st

from app import state
from app.look import Look
from app.services import maps
from app.widgets.atlas_scene import Scene
from mtl_core.data.datasets import PUBLISHED
from mtl_core.features.projection import DEFAULT_MAP, MapSettings, Projection

METHODS = {"umap": "UMAP", "pca": "Principal components"}
INPUTS = {"both": "elements and descriptors", "elements": "elements", "descriptors": "descriptors"}
METRICS = ("euclidean", "manhattan", "cosine", "correlation")
LAST = "map_last"  # the map that was on screen last; it stays there while another one is made


def layout_of(look: Look, datasets: tuple[str, ...]) -> maps.Layout:
    """Laid out from the published alloys, unless the visitor asked for a map with their own."""
    return maps.Layout(look.settings, datasets if look.anew else (PUBLISHED,))


def layout_in_use(look: Look, datasets: tuple[str, ...]) -> Projection:
    """The map that was asked for; while it is being made, the one that was there before."""
    wanted = layout_of(look, datasets)
    found = maps.projection(wanted)
    if found is None:
        if not maps.failure(wanted):
            maps.lay_out(wanted)
        found = maps.projection(state.shown(LAST, maps.Layout())) or maps.shipped()
    else:
        state.show(LAST, wanted)
    return found


def layout_controls(scene: Scene) -> None:
    """The button with the settings behind it."""
    with st.popover("Layout", icon=":material/scatter_plot:", key="layout_open", on_change="rerun") as popover:
        if popover.open:
            _form(scene)


def _form(scene: Scene) -> None:
    asked = scene.look.settings
    method = st.segmented_control("Method", list(METHODS), format_func=METHODS.get, default=asked.method, key="layout_method",
                                  required=True)
    with st.form("layout", border=False):
        st.selectbox("Alloys are compared by", list(INPUTS), format_func=INPUTS.get, index=list(INPUTS).index(asked.inputs),
                     key="layout_inputs")
        if method == "umap":
            _umap_options(asked)
        if scene.datasets != (PUBLISHED,):
            st.checkbox("Lay out anew with my data", scene.look.anew, key="layout_anew",
                        help="Otherwise your alloys are placed on the published map, and nothing else moves.")
        apply, usual = st.columns(2)
        apply.form_submit_button("Lay out", type="primary", width="stretch", on_click=_apply)
        usual.form_submit_button("Usual map", width="stretch", on_click=_choose, args=(DEFAULT_MAP, False))
    st.caption("A UMAP map takes about half a minute, and is kept." if method == "umap" else "There at once.")


def _umap_options(asked: MapSettings) -> None:
    left, right = st.columns(2)
    left.number_input("Neighbours", 2, 200, asked.n_neighbors, key="layout_n_neighbors",
                      help="Few show fine grain, many the large picture.")
    right.number_input("Minimal distance", 0.0, 0.99, asked.min_dist, 0.05, key="layout_min_dist",
                       help="How close points may lie.")
    left.selectbox("Metric", METRICS, index=METRICS.index(asked.metric), key="layout_metric")
    right.number_input("Seed", 0, 2**31 - 1, asked.seed, key="layout_seed", help="Another seed, another map.")


def _apply() -> None:
    """What is not asked for (principal components have one option) stays as it is."""
    chosen = {name: state.shown(f"layout_{name}", before) for name, before in state.shown("look").settings}
    _choose(MapSettings(**chosen), state.shown("layout_anew", False))


def _choose(settings: MapSettings, anew: bool) -> None:
    state.show("look", state.shown("look").but(settings=settings, anew=anew))


def layout_note(scene: Scene) -> None:
    """What is going on where the map on screen is not yet the one that was asked for."""
    wanted = layout_of(scene.look, scene.datasets)
    if said := maps.failure(wanted):
        st.error(f"This map could not be laid out; the one on screen is another. {said}")
        st.button("Try again", on_click=maps.lay_out, args=(wanted,))
    elif maps.is_going(wanted):
        _wait(wanted)


@st.fragment(run_every=1.0)
def _wait(wanted: maps.Layout) -> None:
    if maps.is_going(wanted):
        st.info("Laying out the map you asked for: about half a minute. The map below is the one from before.",
                icon=":material/hourglass_top:")
    else:
        st.rerun()


def spoken(found: Projection) -> str:
    """"UMAP of elements and descriptors (15 neighbours, …)"."""
    settings = found.settings
    said = f"{METHODS[settings.method]} of {INPUTS[settings.inputs]}"
    if settings.method == "pca" or settings == DEFAULT_MAP:
        return said
    return f"{said} ({settings.n_neighbors} neighbours, distance {settings.min_dist:g}, {settings.metric}, seed {settings.seed})"
