"""The map in a real browser: what is drawn around on it is what the page goes on with, and a link brings the view back."""
import math
import re

import pytest
from playwright.sync_api import Page, expect

LOAD_MS = 120_000
MAP = "() => document.querySelector('.st-key-map .js-plotly-plot')"
# Where the points stand on the screen: id, formula, x, y in px.
PLACES = f"""() => {{
  const plot = ({MAP})(), box = plot.querySelector('.nsewdrag').getBoundingClientRect(), {{xaxis, yaxis}} = plot._fullLayout
  return plot._fullData.filter(trace => trace.customdata).flatMap(trace => Array.from(trace.x).map((x, i) => (
    {{id: trace.customdata[i], formula: trace.text[i].match(/<b>(.*?)<.b>/)[1], xy: [trace.x[i], trace.y[i]],
      x: box.x + xaxis.l2p(x), y: box.y + yaxis.l2p(trace.y[i])}})))
}}"""
# Where the rings stand in the coordinates of the map; those of the table come before that of the alloy under design.
RINGS = f"() => ({MAP})()._fullData.filter(trace => trace.type === 'scatter').map(trace => [trace.x[0], trace.y[0]])"

FIRST_CELL = "[class*=st-key-map_table_] [role=row][aria-rowindex='2'] [role=gridcell]"

pytestmark = pytest.mark.browser


def open_map(visit, query: str = "", **window) -> Page:
    page = visit(f"explore?view=map{query}", **window)
    expect(page.locator(".st-key-map .main-svg").first).to_be_visible(timeout=LOAD_MS)
    expect(page.get_by_test_id("stDataFrame").last).to_be_visible(timeout=LOAD_MS)
    return page


def title(page: Page):
    return page.locator(".st-key-overview h3")


def draw_around(page: Page, x: float, y: float, radius: float) -> None:
    corners = [(x + radius * math.cos(turn * math.tau / 40), y + radius * math.sin(turn * math.tau / 40)) for turn in range(41)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner)
    page.mouse.up()


def first_row(page: Page) -> list[str]:
    cells = page.locator(FIRST_CELL)
    expect(cells.first).to_be_attached()
    return cells.all_inner_texts()


def test_a_lasso_leads_to_its_alloys_their_readings_and_the_papers_and_outlives_another_colour(visit):
    page = open_map(visit)
    expect(title(page)).to_have_text("All alloys")
    places = page.evaluate(PLACES)
    centre = next(place for place in places if place["formula"] == "Co20Cr20Fe20Mn20Ni20")
    draw_around(page, centre["x"], centre["y"], 50)
    expect(title(page)).to_have_text(re.compile(r"^\d+ of 1,409 alloys$"))
    far = [math.hypot(place["x"] - centre["x"], place["y"] - centre["y"]) for place in places]
    shown = int(title(page).inner_text().split()[0])
    assert sum(away < 47 for away in far) <= shown <= sum(away < 51 for away in far)

    inside = {place["formula"] for place, away in zip(places, far, strict=True) if away < 51}
    expect(page.locator(".st-key-amounts").get_by_text(f"{shown:,}", exact=True)).to_be_visible()
    page.wait_for_function(f"inside => inside.includes(document.querySelector(\"{FIRST_CELL}\")?.textContent)", arg=list(inside))
    assert any(cell.startswith("https://doi.org/10.") for cell in first_row(page))

    page.get_by_role("combobox", name="Colour by").fill("Family")
    page.get_by_role("option", name="Label · Family").click()
    expect(page.locator(".st-key-map .legend")).to_contain_text("HEA")
    expect(title(page)).to_have_text(f"{shown} of 1,409 alloys")
    page.get_by_role("button", name="Clear selection").click()
    expect(title(page)).to_have_text("All alloys")


def test_a_row_that_is_picked_after_sorting_rings_its_own_alloy(visit):
    page = open_map(visit, "&family=Fe", viewport={"width": 1440, "height": 1900})
    box = page.locator("[class*=st-key-map_table_] canvas").first.bounding_box()
    before, heading = first_row(page), box["x"] + 60
    page.mouse.click(heading, box["y"] + 15)  # sort by alloy
    page.wait_for_function(f"before => document.querySelector(\"{FIRST_CELL}\").textContent !== before", arg=before[0])
    formula = first_row(page)[0]
    page.mouse.click(box["x"] + 20, box["y"] + 55)
    page.wait_for_function(f"() => ({RINGS})().length === 2")
    ring = page.evaluate(RINGS)[0]
    assert formula in {place["formula"] for place in page.evaluate(PLACES) if place["xy"] == pytest.approx(ring)}
    page.locator(".st-key-map_table_view button").get_by_text("Alloys").click()
    page.wait_for_function(f"() => ({RINGS})().length === 1")  # another table starts without any


def test_ranges_that_leave_nothing_say_why_and_what_would_be_left(visit):
    page = visit("explore?view=map&range=hardness:300..,ph:3..5&color=ph")
    said = page.locator(".st-key-overview").get_by_test_id("stAlert")
    expect(said).to_contain_text("pH: stated of corrosion tests only", timeout=LOAD_MS)
    expect(said).to_contain_text(re.compile(r"without pH 3 to 5: \d"))


def test_a_range_is_no_filter_until_it_is_narrowed(visit):
    page = open_map(visit)
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("combobox", name="Add a range").fill("Hardness")
    page.get_by_role("option", name="Property · Hardness (HV)").click()
    handle = page.get_by_role("slider", name="Hardness (HV)").first
    expect(handle).to_be_visible()
    expect(title(page)).to_have_text("All alloys")
    assert "range=" not in page.url
    handle.press("ArrowRight")
    expect(page.get_by_role("button", name="Hardness at least")).to_be_visible()
    expect(page).to_have_url(re.compile("range=hardness"))
    found = title(page).inner_text()
    expect(title(open_map(visit, "&" + page.url.split("?")[1]))).to_have_text(found)


def test_filters_go_to_the_link_and_come_back_from_it(visit):
    page = open_map(visit)
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("combobox", name="Contains", exact=True).fill("Mo")
    page.get_by_role("option", name="Mo", exact=True).click()
    page.keyboard.press("Tab")  # out of the list, which stays open for more
    expect(page.get_by_role("button", name="contains Mo")).to_be_visible()
    page.get_by_role("combobox", name="Where there is support").click()
    page.get_by_role("option", name="Corrosion measured", exact=True).click()
    expect(page).to_have_url(re.compile("support=corrosion"))
    expect(page.get_by_role("button", name="corrosion measured")).to_be_visible()
    found = title(page).inner_text()
    assert re.fullmatch(r"\d+ of 1,409 alloys", found)

    again = open_map(visit, "&" + page.url.split("?")[1] + "&color=at_Mo")
    expect(title(again)).to_have_text(found)
    again.get_by_role("button", name="contains Mo").click()
    expect(again.get_by_role("button", name="contains Mo")).to_have_count(0)
    expect(title(again)).not_to_have_text(found)
    expect(again).to_have_url(re.compile("color=at_Mo"))


def test_a_link_that_cannot_be_followed_says_so_and_the_page_goes_on(visit):
    page = open_map(visit, "&with=Qq,Cr&range=hardness:9..1&color=beauty&map=umap,99&colour=vec")
    for sentence in ("names 'Qq'", "says 'colour', which this page does not know (it would be 'color')",
                     "reads 'hardness:9..1'", "the color 'beauty'", "the map 'umap,99'"):
        expect(page.get_by_test_id("stAlert").filter(has_text=sentence)).to_be_visible()
    expect(page.get_by_role("button", name="contains Cr")).to_be_visible()
    expect(page).not_to_have_url(re.compile("colour="))


def test_the_ring_moves_with_the_alloy_and_is_the_alloy_of_the_design_page(visit):
    page = open_map(visit)
    before = page.evaluate(RINGS)
    page.get_by_placeholder("Type an alloy").fill("316L")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Alloy under design: 316L")).to_be_visible()
    page.wait_for_function(f"before => JSON.stringify(({RINGS})()) !== JSON.stringify(before)", arg=before)
    expect(page).to_have_url(re.compile("alloy=Fe"))
    page.get_by_test_id("stTopNavLinkContainer").get_by_text("Design").click()
    expect(page.get_by_role("heading", name="316L")).to_be_visible(timeout=LOAD_MS)


def test_principal_components_are_there_at_once(visit):
    page = open_map(visit)
    page.get_by_role("button", name="Layout").click()
    page.get_by_test_id("stPopoverBody").get_by_text("Principal components").click()
    expect(page.get_by_text("Neighbours", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Lay out").click()
    expect(page.get_by_text("Principal components of elements and descriptors, trustworthiness 0.")).to_be_visible()
    expect(page).to_have_url(re.compile("map=pca"))


def test_on_a_phone_what_is_selected_follows_the_map_and_nothing_is_cut_off(visit):
    page = open_map(visit, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tops = [page.locator(f".st-key-{key}").first.bounding_box()["y"] for key in ("map", "overview", "alloy_on_map")]
    assert tops == sorted(tops)
    for tab in ("Values", "Elements", "Conditions", "Pairs", "Papers"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name=tab).locator(".main-svg, canvas").first).to_be_visible()
