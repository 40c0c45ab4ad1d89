"""The bar for notebooks and scripts: HTML without widgets, a line on a terminal, else nothing."""

import io
import sys
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

import forecast
from forecast.progress import StageProgress


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Handle:
    def __init__(self):
        self.shown = []

    def update(self, html):
        self.shown.append(html)


@pytest.fixture
def notebook(monkeypatch):
    """IPython as a kernel has it, without ipywidgets."""
    handle = Handle()
    display = SimpleNamespace(HTML=str, display=lambda html, display_id: handle)
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=display))
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    return handle


def test_a_notebook_gets_a_bar_of_html(notebook):
    with forecast.progress_bar() as listen:
        listen(StageProgress("sample", 30, 120, "<2 divergences>"))
    first, last = notebook.shown
    bar = ElementTree.fromstring(first).find("progress")
    assert (bar.get("value"), bar.get("max")) == ("30", "120")
    assert "Sample the posterior, &lt;2 divergences&gt;" in first
    assert last.startswith("<small>Done in ")


def test_a_notebook_is_told_the_end_when_the_work_fails(notebook):
    def fail():
        with forecast.progress_bar() as listen:
            listen(StageProgress("read"))
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert notebook.shown[-1].startswith("<small>Done")


def test_a_terminal_gets_one_line_that_is_cleared(monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    with forecast.progress_bar() as listen:
        listen(StageProgress("sample", 30, 120))
        listen(StageProgress("sample", 31, 120))  # too soon after the last to be drawn
        listen(StageProgress("chances"))
    shown = stream.getvalue()
    assert "\n" not in shown
    assert shown.count("Sample the posterior [########......................] ") == 1
    assert "Compute chances" in shown
    assert shown.endswith("\r\x1b[2K")


def test_elsewhere_nothing_is_written(monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    with forecast.progress_bar() as listen:
        listen(StageProgress("read"))
    assert stream.getvalue() == ""
