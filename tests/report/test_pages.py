"""The page, its charts and its languages."""

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_samples import ASSUMPTIONS, SAMPLES, changed, newswire

from rixin.core.verdict import Estimate
from rixin.errors import UnknownName
from rixin.report.html import render_fragment, render_html
from rixin.report.summary import summary_of
from rixin.report.svg import NARROW, WIDE, _Chart, cost_chart, marks_of
from rixin.report.svg_bars import Reach, payback_chart, reach_of, waterfall_chart
from rixin.report.words import LANGUAGES, words_of

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import messages

LOCALE = Path(__file__).parents[2] / "src/rixin/report/locale"
VOID = {"meta", "br", "img", "input", "link", "hr"}
pages = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)


class Reader(HTMLParser):
    """Collects text and attributes, and refuses elements that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in {"src", "href", "action"}]

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pages
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_page_is_whole_and_needs_nothing_from_outside(sample, lang):
    page = render_html(sample(), lang)
    reader = read(page)
    assert reader.links == []
    assert not re.search(r"https?:|@import|url\(|<script|<link|<iframe", page)
    headline = sample().verdict.headline.replace(" %", "\N{NO-BREAK SPACE}%")  # begins no line
    assert headline in "".join(reader.text)


@pages
def test_what_users_wrote_is_never_markup(sample):
    hostile = changed(sample(), task='<b onclick="x">&', owner="</title><script>")
    page = render_html(hostile)
    assert "<script>" not in page
    assert "&lt;b onclick=&quot;x&quot;&gt;&amp;" in page


def test_arabic_runs_from_right_to_left_and_chinese_says_its_name():
    assert '<html lang="ar" dir="rtl">' in render_html(newswire(), "ar")
    assert '<html lang="zh-Hans" dir="ltr">' in render_html(newswire(), "zh_Hans")
    with pytest.raises(UnknownName, match="language 'fr'"):
        render_html(newswire(), "fr")


def test_styles_know_no_left_and_no_right():
    style = (LOCALE.parent / "style.css").read_text()
    assert not re.search(r"(margin|padding|border)-(left|right)|text-align:\s*(left|right)", style)


def test_figures_that_rest_on_defaults_are_stamped():
    assert 'class="stamp"' in render_html(newswire())
    stated = tuple(replace(one, assumed=False) for one in ASSUMPTIONS)
    page = render_html(changed(newswire(), illustrative=(), assumptions=stated))
    assert 'class="stamp"' not in page


def test_nothing_is_promised_where_nothing_can_be_told():
    page = render_html(SAMPLES["cannot_tell"]())
    assert "Nothing is promised yet." in page
    assert "at most 0.0 %" not in page


def test_a_fragment_for_a_notebook_brings_its_own_styles():
    fragment = render_fragment(newswire())
    read(fragment)
    assert fragment.startswith('<div class="rixin"><style>')
    assert "<html" not in fragment


@pages
@pytest.mark.parametrize("rtl", [False, True])
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_no_label_of_a_chart_covers_another_or_a_mark(sample, rtl, size):
    data = sample()
    marks = marks_of(data)
    if size is NARROW and len(marks) > 8:
        pytest.skip("more names than a telephone has room for")
    chart = _Chart(data, marks, rtl, size)
    placed = chart.labels()
    boxes = [one.box for one in placed]
    for index, box in enumerate(boxes):
        assert 0 <= box.x <= size.width - box.width
        assert not any(box.overlaps(other) for other in boxes[:index])


def test_a_chart_tells_its_figures_in_words_too():
    chart = cost_chart(newswire(), str)
    assert "<title>Cost per solved case against solve rate</title>" in chart
    assert "student: 96.0 %, 0.168" in chart


def test_a_chart_mirrors_its_axis():
    plain, mirrored = (_Chart(newswire(), marks_of(newswire()), rtl) for rtl in (False, True))
    assert plain.x(0.2) < plain.x(1.0)
    assert mirrored.x(0.2) > mirrored.x(1.0)


def test_costs_far_apart_get_a_logarithmic_axis():
    wide = _Chart(SAMPLES["no_ai"](), marks_of(SAMPLES["no_ai"]()), False)
    near = _Chart(SAMPLES["crowd"](), marks_of(SAMPLES["crowd"]())[1:], False)
    assert (wide.x.log, near.x.log) == (True, False)
    assert len(wide.x.ticks()) >= 2
    assert len(near.x.ticks()) >= 2


def test_an_unbounded_cost_reaches_the_edge():
    one = newswire().verdict.candidates[0]
    open_end = replace(one, cost_per_solved=Estimate(0.2, 0.1, None))
    chart = cost_chart(changed(newswire(), {"candidates": (open_end,)}), str)
    assert "rules" in chart


def test_a_waterfall_ends_in_what_is_left():
    people = ("people", (("value", 1000.0), ("cost", -1600.0)))
    chart = waterfall_chart(people, reach_of([people]), str)
    assert 'class="loss"' in chart
    assert "what is left: −600" in chart
    small = ("people", (("value", 2.5), ("cost", -1.0)))
    assert "1.50" in waterfall_chart(small, reach_of([small]), str, rtl=True)


def test_without_an_income_only_costs_are_added_up_and_nothing_is_a_loss():
    people = ("people", (("answers", -1000.0), ("wrong", -600.0)))
    cheap = ("student", (("answers", -5.0), ("wrong", -60.0)))
    assert reach_of([people, cheap]) == Reach(0.0, 1600.0)
    chart = waterfall_chart(people, reach_of([people, cheap]), str)
    assert "all costs: 1,600" in chart
    assert 'class="loss"' not in chart


@pytest.mark.parametrize("rtl", [False, True])
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_line_of_what_is_saved_starts_at_what_it_costs_to_build(rtl, size):
    points = summary_of(newswire()).payback
    assert points[0].expected == points[0].at_least == -3500.0
    assert points[-1].month == 12
    assert points[-1].expected == pytest.approx(12 * 31450.0)
    chart = payback_chart(points, "USD", str, rtl=rtl, size=size)
    assert "at least: USD\N{NO-BREAK SPACE}362,880" in chart


@pytest.mark.parametrize("lang", ["zh_Hans", "ar"])
def test_catalogues_are_complete_and_compiled(lang):
    folder = LOCALE / lang / "LC_MESSAGES"
    known = messages.read_po((folder / "rixin.po").read_text(encoding="utf-8"))
    assert (folder / "rixin.mo").read_bytes() == messages.compile_mo(known)
    assert messages.used_messages() - set(known) == set()
    for source, said in known.items():
        assert set(re.findall(r"{\w+}", source)) == set(re.findall(r"{\w+}", said))
    assert words_of(lang).say("Why") != "Why"
