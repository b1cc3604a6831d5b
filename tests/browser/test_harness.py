"""The harness itself: a plain ipywidgets slider, moved by hand, reaches the kernel in both stacks."""

import pytest

SLIDER = """
import ipywidgets
slider = ipywidgets.IntSlider(value=3, max=10)
slider.add_class("the-slider")
slider
"""
HANDLE = ".the-slider .noUi-handle, .the-slider .ui-slider-handle"


def test_slider_moved_by_keyboard_reaches_the_kernel(stack):
    notebook = stack.open([SLIDER])
    notebook.run_cell(0)
    handle = notebook.page.locator(HANDLE)
    handle.focus()
    handle.press("ArrowRight")
    notebook.wait_for_kernel("slider.value", 4)
    assert notebook.kernel_eval("{'value': slider.value, 'max': slider.max}") == {"value": 4, "max": 10}


def test_page_shows_the_widget_again_after_a_reload(stack):
    notebook = stack.open([SLIDER])
    notebook.run_cell(0)
    notebook.page.locator(HANDLE).wait_for()
    notebook.reload()
    notebook.page.locator(HANDLE).press("ArrowRight")
    notebook.wait_for_kernel("slider.value", 4)


def test_a_cell_that_fails_is_not_taken_for_one_that_ran(stack):
    notebook = stack.open(["1 / 0"])
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        notebook.run_cell(0)
    notebook.run_cell(0, fails=True)
    assert [output["ename"] for output in notebook.outputs(0)] == ["ZeroDivisionError"]


def test_a_wrong_expression_is_not_taken_for_a_value(stack):
    notebook = stack.open(["pass"])
    with pytest.raises(AssertionError, match="NameError"):
        notebook.kernel_eval("nothing_of_that_name")


def test_themes_are_told_apart(stack):
    notebook = stack.open(["pass"])
    pictures = []
    for theme in ("light", "dark"):
        notebook.set_theme(theme)
        pictures.append(notebook.screenshot(f"theme-{theme}").read_bytes())
    assert pictures[0] != pictures[1]


def test_requests_out_of_the_machine_are_seen(stack):
    notebook = stack.open(["pass"])
    notebook.page.evaluate("() => fetch('http://example.com').catch(() => null)")
    with pytest.raises(AssertionError, match=r"example\.com"):
        stack.check()
    notebook.external_requests.clear()
