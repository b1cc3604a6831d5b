"""All rules over one program."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import Severity
from shapewidget.diagnosis.rules import (
    attention,
    attention_heads,
    attention_masks,
    axis_roles,
    batch_order,
    channels,
    checkpoints,
    coincidence,
    compared,
    divided,
    equal_sizes,
    features,
    folded,
    gathered,
    gradient_norms,
    indices,
    kinds,
    last_state,
    layer_inputs,
    loss,
    loss_arguments,
    mask_values,
    memory,
    metrics,
    mixing,
    operands,
    over_batch,
    padding,
    recurrent,
    reshape,
    scaled_attention,
    softmax,
    split_order,
    targets,
    time_axis,
    weighted,
)

RULES: tuple[Callable[[Evidence], Iterator[Diagnosis]], ...] = (
    features.width_refused,
    recurrent.state_refused,
    recurrent.state_of_another_form,
    time_axis.time_axis_misplaced,
    layer_inputs.size_refused,
    layer_inputs.input_refused,
    targets.targets_refused,
    attention.attention_refused,
    scaled_attention.scaled_attention_refused,
    checkpoints.checkpoint_refused,
    kinds.kind_refused,
    operands.operands_refused,
    indices.index_refused,
    loss.loss_refused,
    loss_arguments.loss_argument_refused,
    folded.folded_into_batch,
    divided.size_not_divided,
    memory.memory_exceeded,
    kinds.program_raised,
    recurrent.batch_read_as_time,
    loss.every_sample_with_every_other,
    targets.targets_misread,
    targets.weights_without_effect,
    weighted.weighted_after_reduction,
    metrics.scores_read_as_ids,
    gradient_norms.length_over_too_few_axes,
    channels.normalised_along_positions,
    reshape.axes_swapped_by_view,
    reshape.split_and_merged,
    split_order.split_in_another_order,
    mixing.samples_mixed,
    over_batch.reduced_over_batch,
    batch_order.orders_meet,
    axis_roles.positions_along_batch,
    axis_roles.convolution_over_features,
    softmax.attention_over_the_wrong_axis,
    attention_masks.mask_along_queries,
    mask_values.mask_inverted,
    mask_values.zero_before_softmax,
    attention_heads.attention_over_heads,
    softmax.softmax_of_one_value,
    compared.compared_along_positions,
    axis_roles.batch_lost,
    gathered.positions_by_class,
    gathered.every_position_of_every_sample,
    last_state.backward_direction_cut,
    last_state.state_behind_padding,
    padding.padding_read_as_data,
    equal_sizes.agree_by_one_size,
    equal_sizes.batch_of_one_squeezed,
    coincidence.batch_size_built_in,
    coincidence.declared_by_coincidence,
)
_ORDER = {severity: place for place, severity in enumerate(Severity)}


def diagnose(evidence: Evidence) -> list[Diagnosis]:
    """What is wrong, the most serious first, and within one severity in the order in which it ran."""
    position = {layer.id: place for place, layer in enumerate(evidence.graph.layers)}
    found = [diagnosis for rule in RULES for diagnosis in rule(evidence)]
    return sorted(found, key=lambda it: (_ORDER[it.finding.severity], position.get(it.finding.layer_id, len(position))))
