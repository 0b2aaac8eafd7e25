"""What the surrogate of a search believes: which settings matter, the score along one and over two, and what to try next."""
import numpy as np
import streamlit as st

from app import searches
from app.figures.surrogate import curve_figure, importance_figure, plane_figure
from app.services.studies import Beliefs
from app.yours import plain
from mtl_core.prospects import Landscape, Plane
from mtl_core.studies import Study
from mtl_core.tuning.space import Choice
from mtl_core.tuning.study import complete

CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
STILL = {"displayModeBar": False}


def beliefs_section(found: Study, beliefs: Beliefs) -> None:
    """Nothing here is computed by the page: a process of its own fits the surrogate, once a trial."""
    st.markdown("##### What the search believes", help=f"{searches.WORDS['surrogate']} {searches.WORDS['acquisition']}")
    if beliefs.complaint:
        st.warning(f"The surrogate could not be fitted: {plain(beliefs.complaint)}")
    known = beliefs.landscape
    if known is None:
        st.caption("A surrogate is being fitted to the scores; that takes some seconds …" if beliefs.is_coming else
                   "A surrogate needs two trials with different scores.")
        return
    renewed = " It is being renewed …" if beliefs.is_coming else ""
    method = "" if found.config.method == "bayesian" else " This search does not use it: it only tells what the trials show."
    st.caption(f"A Gaussian process guesses the score of settings that nobody tried, from {known.n_trials} trials."
               f"{method}{renewed}")
    _following(found, known)
    left, right = st.columns([1, 1.35], gap="large")
    with left:
        _importance(known)
    with right:
        _curve(found, known)
    if known.planes:
        _plane(found, known)


def _following(found: Study, known: Landscape) -> None:
    """The next point and why."""
    for proposal in known.next:
        over = found.report is not None
        with st.container(border=True):
            st.markdown(f"**{'It would try next' if over else f'Trial {proposal.number}'}**: "
                        f"{plain(searches.point_words(proposal.point))}")
            st.caption(searches.why(proposal, found.config.objective, found.config.method))


def _importance(known: Landscape) -> None:
    st.plotly_chart(importance_figure({searches.label(name): share for name, share in known.importance.items()}), config=STILL,
                    key="study_importance", alt="Importance of each dimension")
    st.caption("Share of the score's variation over the space that a setting explains alone (first-order Sobol' index of the "
               "surrogate). What settings do only together is in none of them.")


def _curve(found: Study, known: Landscape) -> None:
    names, space = list(known.importance), found.config.space
    name = st.selectbox("Setting", names, format_func=searches.label, key="study_setting", width=320)
    name = name if name in names else names[0]
    dimension, best = space[name], found.incumbent
    places, scores = searches.positions(space, complete(found.trials)), searches.scores(complete(found.trials))
    through, averaged = known.slices[name], known.dependences[name]
    at = [dimension.to_unit(value) for value in through.values]
    place = (places.loc[best.number, name], best.score) if best.number in places.index else None
    st.plotly_chart(curve_figure(at, _numbers(through), _numbers(averaged), (places[name], scores.loc[places.index]), place,
                                 searches.ticks(dimension), name=searches.label(name),
                                 title=searches.score_title(found.config.objective), is_choice=isinstance(dimension, Choice)),
                    key="study_curve", config=CONFIG, alt=f"Score along {searches.label(name)}")
    st.caption("Expected score, ± 1 standard deviation of what is not known: along this setting with all others as in the best "
               "trial, and averaged over all others. Wide shade: nobody has been there.")


def _numbers(line) -> tuple[np.ndarray, np.ndarray]:
    return np.array(line.mean), np.array(line.std)


def _plane(found: Study, known: Landscape) -> None:
    names = sorted(known.importance, key=lambda name: isinstance(found.config.space[name], Choice))  # ranges first
    with st.container(horizontal=True, vertical_alignment="bottom"):
        one = st.selectbox("Across", names, format_func=searches.label, key="study_x", width=260)
        other = st.selectbox("Upwards", names, 1, format_func=searches.label, key="study_y", width=260)
    if one == other:
        st.caption("Choose two different settings.")
        return
    plane = next(plane for plane in known.planes if {plane.x_name, plane.y_name} == {one, other})
    left, right = st.columns(2, gap="large")
    with left:
        _heat(found, known, plane, (one, other), "mean", f"expected {searches.score_title(found.config.objective)}", ".3f")
    with right:
        _heat(found, known, plane, (one, other), "acquisition", searches.ACQUISITIONS[found.config.acquisition], ".2g")
    st.caption("All other settings as in the next point, which is the star; dots are trials, seen from above. The search goes "
               "where the second map is highest: where much is expected, or little is known.")


def _heat(found: Study, known: Landscape, plane: Plane, pair: tuple[str, str], what: str, title: str, form: str) -> None:
    space, (one, other) = found.config.space, pair
    values = np.array(getattr(plane, what))
    x, y = plane.x, plane.y
    if plane.x_name != one:
        values, x, y = values.T, plane.y, plane.x
    places = searches.positions(space, found.trials)
    star = [(space[one].to_unit(point.point[one]), space[other].to_unit(point.point[other])) for point in known.next[:1]]
    st.plotly_chart(
        plane_figure([space[one].to_unit(value) for value in x], [space[other].to_unit(value) for value in y], values,
                     (places[one], places[other]), star[0] if star else None,
                     (searches.ticks(space[one]), searches.ticks(space[other])),
                     names=(searches.label(one), searches.label(other)), title=title, form=form),
        key=f"study_plane_{what}", config=STILL, alt=f"{title} over two dimensions")
