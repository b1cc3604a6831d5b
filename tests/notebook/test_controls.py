import ipywidgets
import pytest
import traitlets

from shapewidget.notebook.controls import Progress, SizeInput, close_all, stops
from shapewidget.probing.sizes import SizeControl


def size_input(value=32, low=1, high=512, refusal="", label="batch size"):
    return SizeInput(SizeControl("B", label, value, low, high, refusal), continuous=True)


def from_browser(widget, **state):
    """What arrives when a person moves the control."""
    widget.set_state(state)


def shown(control):
    """The size that the slider stands at, and the number in the box."""
    return stops(control.control.low, control.control.high)[control.slider.value], control.box.value


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1, 16, [1, 2, 3, 4, 6, 8, 12, 16]),
        (5, 20, [5, 6, 8, 12, 16, 20]),
        (1, 1, [1]),
        (7, 7, [7]),
        (1, 3, [1, 2, 3]),
    ],
)
def test_stops_are_log_spaced_between_the_bounds(low, high, expected):
    assert stops(low, high) == expected


def test_size_input_starts_at_its_size():
    control = size_input(32)
    assert control.value == 32
    assert shown(control) == (32, 32)


def test_slider_moves_value_and_box():
    control = size_input(32)
    from_browser(control.slider, value=control.slider.value + 1)
    assert control.value == 48
    assert shown(control) == (48, 48)


def test_box_takes_a_size_that_is_no_stop():
    control = size_input(32)
    from_browser(control.box, value=100)
    assert control.value == 100
    assert shown(control) == (96, 100)


def test_box_takes_a_size_beyond_the_slider():
    control = size_input(32)
    from_browser(control.box, value=100_000)
    assert control.value == 100_000
    assert shown(control) == (512, 100_000)


def test_slider_that_echoes_where_it_was_put_changes_nothing():
    control = size_input(32)
    from_browser(control.box, value=100)
    from_browser(control.slider, value=control.slider.value)
    assert control.value == 100


@pytest.mark.parametrize("wrong", [0, -5])
def test_box_reverts_a_wrong_size_and_says_why(wrong):
    control = size_input(32)
    seen = []
    control.observe(seen.append, "value")
    from_browser(control.box, value=wrong)
    assert (control.value, control.box.value) == (32, 32)
    assert f">batch size must be a whole number from 1, not {wrong}.<" in control.message.value
    assert seen == []


def test_next_size_clears_the_message():
    control = size_input(32)
    from_browser(control.box, value=0)
    from_browser(control.box, value=64)
    assert control.message.value == ""


def test_value_can_be_set_and_moves_the_parts():
    control = size_input(32)
    control.value = 128
    assert shown(control) == (128, 128)


def test_value_below_one_is_an_error_in_code():
    with pytest.raises(traitlets.TraitError):
        size_input(32).value = 0


def test_value_can_be_linked():
    one, other = size_input(32), size_input(32)
    traitlets.link((one, "value"), (other, "value"))
    from_browser(one.box, value=77)
    assert other.box.value == 77


def test_refused_size_is_disabled_and_says_why():
    control = size_input(1, 1, 1, refusal="The inputs have no axis that is the sequence length.")
    assert control.slider.disabled
    assert control.box.disabled
    assert ">The inputs have no axis that is the sequence length.<" in control.message.value
    tooltip = control.slider.tooltip if control.slider.has_trait("tooltip") else control.slider.description_tooltip
    assert tooltip == "The inputs have no axis that is the sequence length."


def test_message_is_text_and_not_html():
    assert "Pass &lt;b&gt;build&lt;/b&gt;" in size_input(refusal="Pass <b>build</b>").message.value


def test_slider_always_has_a_range():
    control = size_input(1, 1, 1)
    assert control.slider.min < control.slider.max
    from_browser(control.slider, value=control.slider.max)
    assert control.value == 1


def test_label_of_a_model_opens_no_tag():
    assert "<" not in size_input(label="<img src=x onerror=alert(1)>").slider.description


def test_progress_is_hidden_until_it_is_shown():
    progress = Progress(lambda: None)
    assert progress.layout.visibility == "hidden"
    progress.show()
    assert progress.layout.visibility == "visible"
    progress.hide()
    assert progress.layout.visibility == "hidden"


def test_progress_button_cancels():
    pressed = []
    Progress(lambda: pressed.append(True)).button.click()
    assert pressed == [True]


def test_close_all_leaves_no_widget_behind():
    before = open_widgets()
    control = size_input()
    assert open_widgets() != before
    close_all([control])
    assert open_widgets() == before


def open_widgets():
    """The ids of all open widgets, from where ipywidgets 8 or 7 keeps them."""
    module = ipywidgets.widgets.widget
    return set(module._instances if hasattr(module, "_instances") else ipywidgets.Widget.widgets)
