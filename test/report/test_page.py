from __future__ import annotations

import re

from matplotlib.figure import Figure

from RecoE2E.ParticleViT.report.page import Page


def test_a_page_holds_everything_and_refers_to_nothing(tmp_path):
    figure = Figure(figsize=(2, 2))
    figure.add_subplot().plot([0, 1])
    page = Page("A & B")
    page.heading("Numbers")
    page.table(("name", "value"), [("<x>", 0.123456), ("none", None), ("n", 1000000)])
    page.mapping({"seed": 1})
    page.warning("careful")
    page.figure(figure, 'a "line"', wide=True)
    figure.savefig(tmp_path / "line.png")
    page.figure(tmp_path / "line.png", "the same from a file")
    page.write(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "A &amp; B" in text
    assert "&lt;x&gt;" in text
    assert 'alt="a &#34;line&#34;"' in text
    assert '<figure class="wide">' in text
    assert "<td>-</td>" in text
    assert "0.1235" in text
    assert "1,000,000" in text
    assert text.count("data:image/png;base64,") == 2
    assert not re.search(r'(src|href)="(?!data:)', text)
