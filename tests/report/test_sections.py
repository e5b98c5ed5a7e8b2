"""What each verdict's page tells, that every figure of it is in the JSON, and that it fits."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from html import escape, unescape

import pytest
from report_samples import SAMPLES, candidate, changed, newswire, rate

from rixin.core.verdict import Decision, Standing
from rixin.report import figures
from rixin.report.as_json import to_json
from rixin.report.data import ANSWERS, WRONG, Care
from rixin.report.html import render_html
from rixin.report.summary import summary_of
from rixin.report.words import LANGUAGES, words_of

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pages = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)


def text_of(page: str) -> str:
    """What a reader sees, but commands and the scales of charts."""
    page = re.sub(
        r"<style>.*?</style>|<code.*?</code>|<desc>.*?</desc>", " ", page, flags=re.DOTALL
    )
    page = re.sub(r'<text class="(tick|axis)".*?</text>|<title>.*?</title>', " ", page)
    page = re.sub(r"<span>\d+\. ", "<span>", page)  # the steps are numbered
    return unescape(re.sub(r"<[^>]+>", " ", page)).replace("\N{NO-BREAK SPACE}", " ")


def part(page: str, title: str) -> str:
    """One section of a page, as text."""
    found = re.search(
        rf"<section[^>]*><h2>{re.escape(escape(title))}.*?</section>", page, re.DOTALL
    )
    assert found, f"no section {title!r}"
    return re.sub(r" +([:,.;)])", r"\1", " ".join(text_of(found[0]).split()))


def numbers(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?", text))


def told(value: object) -> Iterator[str]:
    """Every way in which a value of the JSON may be written on the page."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from told(each)
    elif isinstance(value, list):
        yield str(len(value))
        for each in value:
            yield from told(each)
    elif isinstance(value, str):
        yield value
        yield value.replace("T", " ", 1)
        if re.fullmatch(r"-?\d+(\.\d+)?", value):
            yield from told(float(value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        shown = (figures.percent, figures.number, figures.seconds, figures.score)
        yield from (show(value) for show in shown)
        yield from (f"{value:,.0f}", f"{value:.3f}", f"{100 * value:+.1f}", f"{value:g}")
        yield f"{value:.2g}"


@pages
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_figure_of_the_page_is_in_the_json(sample, lang):
    data = sample()
    known = set().union(*(numbers(one) for one in told(json.loads(json.dumps(to_json(data))))))
    found = numbers(text_of(render_html(data, lang)))
    assert found
    assert found - known == set()


@pages
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sections_come_in_the_order_in_which_they_are_acted_on(sample, lang):
    say = words_of(lang).say
    page = render_html(sample(), lang)
    titles = ["What to do next", "What can go wrong", "Caveats", "For the reviewer"]
    places = [page.find(f"<h2>{escape(say(title))}") for title in titles]
    there = [place for place in places if place >= 0]
    assert there == sorted(there)
    assert places[0] >= 0
    assert places[1] >= 0


def test_an_adoption_tells_who_does_what_when_and_at_what_risk():
    page = render_html(newswire())
    steps = part(page, "What to do next")
    assert "1. " not in steps
    assert (
        "Confirm the assumed figures: what a case costs today, what a wrong answer costs" in steps
    )
    assert "what a case costs today is taken as USD 1.10; at USD 0.825 the saving would be" in steps
    assert "news operations, and a second person who approves" in steps
    assert "now: each month of waiting forgoes about USD 31,450" in steps
    assert "about 1,200 wrong answers a month (today about 2,100)" in steps
    assert "rixin promote scenarios/newswire-desk.yaml --canary 5" in page
    nothing_assumed = render_html(SAMPLES["cannot_tell"]())
    assert "Confirm the assumed" not in nothing_assumed


def test_an_open_question_tells_what_is_missing_and_how_much_of_it():
    steps = part(render_html(SAMPLES["cannot_tell"]()), "What to do next")
    assert "120 of the 860 test cases that it takes" in steps
    assert "Add about 1,480 rows with right answers to stories.csv" in steps
    assert "each month without it forgoes about USD 18,000 (not proven)" in steps
    assert "Until then leave the work with desk editors" in steps
    data = SAMPLES["cannot_tell"]()
    limited = replace(data.verdict.missing, rows=None)
    steps = part(render_html(changed(data, {"missing": limited})), "What to do next")
    assert "Let 740 more test cases be asked" in steps
    steps = part(render_html(changed(data, {"missing": None})), "What to do next")
    assert "Do what the headline and the reasons below name" in steps
    assert "test cases that it takes" not in steps
    losing = replace(data.verdict.candidates[0], saving_per_month=rate(-1.0, 0.0))
    steps = part(render_html(changed(data, {"candidates": (losing,)})), "What to do next")
    assert "no hurry: no saving is in sight" in steps


def test_a_refusal_leaves_the_work_where_it_is_and_names_what_was_not_tried():
    steps = part(render_html(SAMPLES["no_ai"]()), "What to do next")
    assert "Leave the work with desk editors: there is nothing to do" in steps
    assert "as today: 7.0 % of the cases are not solved" in steps
    assert "language model" not in steps
    student = candidate("student", "student", rate(0.7, 0.05), rate(0.2, 0.1), n=90)
    kept = changed(
        newswire(), {"decision": Decision.KEEP, "winner": None, "candidates": (student,)}
    )
    assert "Try a language model before you give up" in part(render_html(kept), "What to do next")


def test_the_price_of_a_solved_case_is_the_sum_of_its_parts():
    summary = summary_of(newswire())
    people, student = summary.prices[:2]
    assert people.name == "desk editors"
    assert people.answers == pytest.approx(33000 / (30000 * 0.93))
    assert student.wrong == pytest.approx(4776 / (30000 * 0.96))
    assert student.answers + student.wrong + student.reviews == pytest.approx(0.174, abs=0.001)
    text = part(render_html(newswire()), "What a solved case costs, USD")
    assert "A wrong answer is taken to cost USD 4.00. assumed" in text


def test_the_promise_is_a_table_of_limit_measured_and_worst():
    text = part(render_html(newswire()), "The promise")
    assert "student cases solved, at least 85.0 % 96.0 % of 3,776 cases 95.4 % ✓ proven" in text
    assert "local cases solved, at least 85.0 % 87.0 % of 120 cases 80.6 % ? not proven" in text
    assert "student solved in <wire>, at least 80.0 % 90.0 % of 310 cases 83.0 % ✓ proven" in text
    assert "student harmful answers, at most 1.0 % 0.03 % of 477 cases 0.1 % ✓ proven" in text
    assert "student latency p95, at most 2.0 s 4 ms of 3,776 cases 5 ms ✓ proven" in text
    assert "news operations answers for them" in text
    assert "one of these guards objects to: pii, output-schema" in text
    assumed = changed(newswire(), illustrative=("promise.solved",))
    assert "is assumed from the share solved today, 93.0 %" in part(
        render_html(assumed), "The promise"
    )
    assert "✗ missed" in part(render_html(SAMPLES["no_ai"]()), "The promise")


def test_security_reads_where_cases_go_and_what_holds_them():
    page = render_html(newswire())
    text = part(page, "What can go wrong")
    assert 'remote → <code dir="ltr">api.example.com</code> (' in re.sub(r"</?bdi[^>]*>", "", page)
    assert "only these regions are allowed: eu" in text
    assert "the gateway keeps facts only, not what was said" in text
    assert "an answer with a confidence below 0.8 goes to people" in text
    assert "0.03 % found, could be as many as 0.1 %" in text
    assert "local: Apache-2.0; remote: not known here" in text
    assert "a second person approves every change of what serves" in text
    assert "about 1,200 of 30,000 cases a month; they cost USD 4,776 a month assumed" in text
    open_house = part(render_html(changed(newswire(), care=Care(egress=True, hosts=(("a", "b.example", ""),)))), "What can go wrong")  # fmt: skip
    assert "nothing: allows any host" in open_house
    assert "not measured: no guard counts them" in open_house
    assert "one person may change what serves" in open_house
    closed = part(render_html(changed(newswire(), care=Care(guards=("output-schema",)))), "What can go wrong")  # fmt: skip
    assert "no case leaves this machine" in closed
    assert "no guard looks for them" in closed


def test_where_nothing_is_adopted_only_the_way_of_the_data_is_a_risk():
    text = part(render_html(SAMPLES["no_ai"]()), "What can go wrong")
    assert "data leave the house" in text
    assert "wrong answers" not in text
    nobody = part(render_html(SAMPLES["empty"]()), "What can go wrong")
    assert "wrong answers" not in nobody


def test_a_page_that_is_not_in_english_says_which_part_is():
    assert 'class="in-english"' not in render_html(newswire())
    assert "为英文" in render_html(newswire(), "zh_Hans")
    assert "بالإنجليزية" in render_html(newswire(), "ar")


def test_no_margin_is_shown_where_nobody_has_said_what_a_case_is_worth():
    assert "net margin of the job (today" in render_html(newswire())
    unstated = changed(
        newswire(),
        {"illustrative": ("economics.value_per_solved",), "factors": ()},
        waterfalls=(("desk editors", ((ANSWERS, -33000.0), (WRONG, -8400.0))),),
    )
    page = render_html(unstated)
    assert "net margin" not in page
    assert "wrong answers a month (today" in page
    assert "all costs" in page
    assert 'class="loss"' not in page


def test_the_cases_of_a_month_add_up():
    flows = summary_of(newswire()).flows
    assert [(one.right, one.wrong, one.to_people) for one in flows] == [
        (27900, 2100, 0),
        (28800, 1200, 0),
    ]
    shy = newswire().verdict.candidates[1]
    half = replace(shy, tally=replace(shy.tally, weight=100.0, abstained_weight=2.0))
    flow = summary_of(changed(newswire(), {"candidates": (half,)})).flows[1]
    assert (flow.right, flow.wrong, flow.to_people) == (28800, 600, 600)


def test_what_the_saving_rests_on_is_one_list_with_its_effect():
    summary = summary_of(newswire())
    assert [one.name for one in summary.effects][:2] == [
        "incumbent.cost_per_case",
        "demand.cases_per_month",
    ]
    text = part(render_html(newswire()), "What the saving rests on")
    assert "as measured USD 31,450 this page USD 30,240 at least USD 32,660 at most" in text
    assert "cases a month 30,000 news operations USD 23,000 at 22,500 USD 39,000 at 37,500" in text
    assert "price of a processor for an hour USD 0.05 finance or IT" in text


def test_labels_are_told_apart_in_a_matrix_or_a_list():
    summary = summary_of(newswire())
    assert summary.matrix is not None
    assert summary.matrix.labels == ("earn", "acq")
    assert summary.matrix.counts == ((1900, 31, 2), (12, 1120, 4))
    many = tuple((f"label {i}", f"label {(i + 1) % 30}", 30 - i) for i in range(30))
    text = part(render_html(changed(newswire(), answers=many)), "What student takes for what")
    assert "label 0 label 1 30 6.5 %" in text
    lost = changed(newswire(), answers=(*many, ("label 3", None, 99)))
    assert "label 3 no label 99" in part(render_html(lost), "What student takes for what")


def test_causes_beyond_the_first_are_one_line():
    one = newswire().verdict.candidates[1]
    causes = tuple((f"cause {i}", 40 - i) for i in range(25))
    data = changed(
        newswire(), {"candidates": (replace(one, tally=replace(one.tally, causes=causes)),)}
    )
    text = part(render_html(data), "For the reviewer")
    assert "cause 19 21 0.6 %" in text
    assert "5 causes more 90 2.4 %" in text


def test_a_chart_without_any_candidate_is_not_drawn():
    assert "Cost per solved case against solve rate" not in render_html(SAMPLES["empty"]())
    one = newswire().verdict.candidates[1]
    unpriced = replace(one, name="strong", cost_per_solved=rate(0.5, 0.1), standing=Standing.OPEN)
    unpriced = replace(unpriced, cost_per_solved=replace(unpriced.cost_per_solved, value=None))
    page = render_html(changed(newswire(), {"candidates": (one, unpriced)}))
    assert "Not shown (cost unknown): strong." in page


def test_a_page_is_small():
    for sample in SAMPLES.values():
        for lang in LANGUAGES:
            assert len(render_html(sample(), lang).encode()) < 150_000


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_no_page_is_wider_than_a_telephone(tmp_path):
    """Every page in a frame of 390 pixels; the browser says how wide its content is."""
    frames = [
        f'<iframe style="width:390px;height:9000px" name="{name}-{lang}"'
        f' srcdoc="{escape(render_html(sample(), lang))}"></iframe>'
        for name, sample in SAMPLES.items()
        for lang in LANGUAGES
    ]
    script = (
        "onload=()=>{document.body.innerHTML='<pre>'+[...document.querySelectorAll('iframe')].map(f=>f.name+' '+"
        "f.contentDocument.documentElement.scrollWidth).join('\\n')+'</pre>'}"
    )
    wrapper = tmp_path / "frames.html"
    wrapper.write_text(
        f"<!doctype html><meta charset=utf-8><body>{''.join(frames)}<script>{script}</script>",
        encoding="utf-8",
    )
    run = subprocess.run(
        [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom",
         f"--user-data-dir={tmp_path / 'profile'}", wrapper.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    widths = re.findall(r"^(?:.*<pre>)?([\w-]+) (\d+)", run.stdout, re.MULTILINE)
    assert len(widths) == len(frames), run.stdout[-600:] + run.stderr[-900:]
    assert {name: width for name, width in widths if int(width) > 390} == {}
