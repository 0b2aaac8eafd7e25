"""Explain in a real browser: choose a baseline, change the grouping, open a swap in Design, come back by the link."""
import re

import pytest
from playwright.sync_api import expect

LOAD_MS = 120_000  # the first visit imports TensorFlow

pytestmark = pytest.mark.browser


def test_from_a_baseline_to_a_swap_in_design_and_back_by_the_link(visit):
    page = visit("explain")
    cards = page.locator("[class*=st-key-why_]")
    expect(cards).to_have_count(2, timeout=LOAD_MS)
    expect(cards.first).to_contain_text("CoCrFeNi: ")
    page.get_by_role("combobox", name="Compared with").click()
    page.get_by_role("option", name="304", exact=True).click()
    expect(cards.first).to_contain_text("304: ", timeout=LOAD_MS)
    expect(page).to_have_url(re.compile(r"vs=304"), timeout=LOAD_MS)
    expect(cards.first.locator(".ytick")).to_have_count(8, timeout=LOAD_MS)
    page.get_by_role("radio", name="Kinds").click()
    expect(page).to_have_url(re.compile(r"by=kind"), timeout=LOAD_MS)
    expect(cards.first.locator(".ytick")).to_have_count(2, timeout=LOAD_MS)  # nothing differs in the conditions
    link, said = page.url, cards.first.locator("p").first.inner_text()

    swap = page.locator("[class*=st-key-swap_0_] button").first
    into = re.search(r"→ (\w+):", swap.inner_text(timeout=LOAD_MS)).group(1)
    swap.click()
    expect(page.get_by_label(f"{into} (at.%), exact")).to_have_value("1", timeout=LOAD_MS)
    page.get_by_text("Why: what each element adds").click()
    expect(page.locator(".st-key-why, [data-testid=stExpander]").get_by_text("against 304").first).to_be_visible(timeout=LOAD_MS)

    again = visit(link.split("/")[-1])
    expect(again.locator("[class*=st-key-why_]").first.locator("p").first).to_have_text(said, timeout=LOAD_MS)
    expect(again.get_by_role("radio", name="Kinds")).to_be_checked()
