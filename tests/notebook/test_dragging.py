"""A slider dragged while a cell is busy, in real kernels of both stacks, on the main shell and on a subshell."""

import pytest
from kernels import running

DASHBOARD = """
import threading, time
from pathlib import Path
import torch
from shapewidget import zoo
torch.set_num_threads(1)
dashboard = %shapewidget zoo.BiLSTMTagger(vocab=50, emb=8, hidden=16)
"""
COUNT = """
session = dashboard.report.session
runs, probe = [], session.probe

def counted(sizes):
    runs.append((sizes["B"], threading.current_thread() is threading.main_thread()))
    return probe(sizes)

session.probe = counted
"""
BUSY = """
deadline = time.monotonic() + 180
while not Path({mark!r}).exists():
    assert time.monotonic() < deadline
    time.sleep(0.001)
was_quiet = not runs
"""
MOVES = 40


@pytest.mark.parametrize(("stack", "shell"), [("newest", "main"), ("newest", "subshell"), ("colab", "main")])
def test_slider_dragged_while_a_cell_is_busy_runs_the_model_few_times_and_last_where_it_ended(stack, shell, tmp_path):
    mark = tmp_path / "dragged"
    (tmp_path / "kernels").mkdir()
    with running(stack, tmp_path / "kernels") as kernel:
        kernel.run(DASHBOARD)
        kernel.listen_until_measured()
        kernel.run(COUNT)
        subshell = kernel.subshell() if shell == "subshell" else None
        box = kernel.box("B")
        kernel.client.execute(BUSY.format(mark=str(mark)))
        if subshell is None:
            for value in range(9, 9 + MOVES):
                kernel.move(box, {"value": value})
            mark.touch()
        else:  # there a page has one message of a model under way, and then sends the last of what it held back
            sent = kernel.move(box, {"value": 9}, subshell)
            mark.touch()
            kernel.listen_until(lambda: sent in kernel.ended)
            kernel.move(box, {"value": 8 + MOVES}, subshell)
        kernel.listen_until(lambda: kernel.probed["B"] == 8 + MOVES)
        kernel.listen_until_measured()
        [output] = kernel.run("print((runs, was_quiet))")
    runs, was_quiet = eval(output["content"]["text"])
    assert was_quiet
    assert 1 <= len(runs) <= 3
    assert runs[-1] == (8 + MOVES, True)
    assert all(is_main for _, is_main in runs)
