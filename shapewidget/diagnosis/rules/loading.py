"""Batches that the model does not take, or that leave samples out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.loader_evidence import LoaderEvidence
from shapewidget.graph.batches import BatchRecord, InnerPass, LoaderSettings, Skipped
from shapewidget.graph.training import Calls, Stream, StreamEnd, TrainingLog

CUT = "cut the rows from index * batch_size to (index + 1) * batch_size"


def last_batch(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A last batch that is short, which most models take."""
    settings, batches = evidence.settings, evidence.batches
    if not evidence.is_complete or settings.has_own_batches or len(batches) < 2:
        return
    if batches[-1].index in _refused(evidence):
        return
    full, last = batches[0].size, batches[-1].size
    if full is not None and last and last < full and all(batch.size == full for batch in batches[:-1]):
        taken = "the model takes" if evidence.tried.batches else "most models take"
        yield finding(
            "SW701",
            "loader",
            settings.title,
            f"{_arithmetic(evidence, full, last)}; {taken} it.",
            fix=f"{settings.dropping}=True if every batch has to be full",
            axis=0,
            axis_name="batch",
            expected=full,
            got=last,
        )


def batch_refused(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A batch that differs from the first, and that the model refuses while it takes the first."""
    by_index = {batch.index: batch for batch in evidence.batches}
    first = evidence.batches[0] if evidence.batches else None
    for index, refusal in _refused(evidence).items():
        batch = by_index.get(index)
        if first is None or batch is None or refusal is None:
            continue
        if evidence.turned_labels is not None and refusal.where == "loss":
            continue  # those of the full batches lie as wrongly
        what, fix = _what_differs(evidence, first, batch)
        is_last = fix.startswith(evidence.settings.dropping)
        reason = f"{what}, and `{refusal.layer}` does not take it: {refusal.reason}"
        verified = is_last and _others_are_full(evidence, batch)
        if refusal.verified:
            fix, verified = refusal.fix, True
            reason += f" {evidence.settings.dropping}=True would leave samples out of every pass." if is_last else ""
        yield finding(
            "SW702",
            refusal.where,
            refusal.layer,
            reason,
            fix=fix,
            patch=refusal.patch,
            op=refusal.op,
            scope=refusal.scope,
            axis=refusal.axis if refusal.axis is not None else 0,
            axis_name=refusal.axis_name or "batch",
            expected=refusal.expected if refusal.expected is not None else f"more than {batch.size}",
            got=refusal.got if refusal.got is not None else batch.size,
            source=refusal.source,
            layer_id=refusal.layer_id,
            input=refusal.input,
            verified=verified,
        )
        return


def batched_wrongly(evidence: LoaderEvidence) -> Iterator[Finding]:
    """Batches that were made twice, or samples that were never batched, which the model tells by refusing them."""
    first, trial = _first(evidence), evidence.tried.batches.get(0)
    if first is None or trial is None or trial.refusal is None or any(all_in_one_element(evidence)):
        return
    title, spec = evidence.settings.title, first.inputs[0].spec
    details: dict[str, Any] = {"axis": 0, "axis_name": "batch", "got": len(spec.shape), "verified": True}
    less, more = evidence.tried.one_axis_less, evidence.tried.one_axis_more
    if less is not None and less.refusal is None:
        reason = (
            f"{title} gives batches of batches: {spec.shape[0]} batch{'' if spec.shape[0] == 1 else 'es'} of "
            f"{spec.shape[1]} samples, stacked to {spec}, which has an axis more than the model takes. It takes each "
            f"of them by itself."
        )
        how = {"Dataset": "call Dataset.batch a single time", "BatchSampler": "batch_sampler= in place of sampler="}
        own = how.get(evidence.settings.sampler) or how.get(title)
        fix = f"batch once: {own or f'batch_size=None in {title}, as the data is batched already'}"
        yield finding("SW708", "loader", title, reason, fix=fix, expected=len(spec.shape) - 1, **details)
    elif evidence.tried.unstacked is not None and evidence.tried.unstacked.refusal is None:
        size, one, *rest = spec.shape
        reason = (
            f"Every sample that {title} draws is a batch of one already, {(one, *rest)}, and {size} of them are "
            f"stacked to {spec.shape}. The model takes ({', '.join(map(str, (size, *rest)))}), without the axis of one."
        )
        fix = "the sample without its own batch axis: sample[0] in __getitem__, or squeeze(1) behind the batching"
        yield finding("SW708", "loader", title, reason, fix=fix, expected=len(spec.shape) - 1, **details)
    elif more is not None and more.refusal is None:
        reason = (
            f"{title} gives single samples, {spec}, which have no batch axis. The model takes the same sample as a "
            f"batch of one, (1, {str(spec)[1:].removesuffix(',)').removesuffix(')')})."
        )
        kept = "dataset = dataset.batch(...): what `batch` gives is a new data set, which has to be kept"
        fix = kept if title == "Dataset" else "batch the samples: DataLoader(dataset, batch_size=...)"
        yield finding("SW709", "loader", title, reason, fix=fix, expected=len(spec.shape) + 1, **details)


def elements_are_data_sets(evidence: LoaderEvidence) -> Iterator[Finding]:
    """Windows of a pipeline that are still data sets, which no model takes."""
    found = evidence.origins.nested_sets
    if found is not None:
        given = f", of which the first is {found.shape}" if found.shape is not None else ""
        yield finding(
            "SW740",
            "loader",
            f"Dataset.{found.stage.split('(')[0]}",
            f"Every element behind `{found.stage}` is a data set of its own and holds no array. No model takes it, and "
            f"`batch` does not stack what is in it. Joined again, the windows are arrays{given}.",
            fix=found.fix,
            op=found.stage.split("(")[0],
            expected="arrays",
            got="data sets",
            verified=found.shape is not None,
        )


def all_in_one_element(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A data set whose only element is all of the samples, of which a batch is to have some."""
    samples, trial, first = evidence.origins.in_one_element, evidence.tried.sliced, _first(evidence)
    size = evidence.settings.batch_size
    if samples is None or first is None or not size or (trial is not None and trial.refusal is not None):
        return
    steps = -(-samples // size)
    yield finding(
        "SW749",
        "loader",
        "Dataset.from_tensors",
        f"`from_tensors` makes one element of all {samples} samples, and `batch({size})` a single batch of it, "
        f"{first.inputs[0].spec}: its batch axis is 1, where batches of {size} are asked for, and an epoch has 1 step "
        f"in the place of {steps}.",
        fix="from_tensor_slices in the place of from_tensors",
        op="from_tensors",
        axis=0,
        axis_name="batch",
        expected=min(size, samples),
        got=1,
        verified=trial is not None,
    )


def _first(evidence: LoaderEvidence) -> BatchRecord | None:
    return evidence.batches[0] if evidence.batches and evidence.batches[0].inputs else None


def longer_than_said(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A loader that goes on behind the end that its length tells."""
    said, title = evidence.settings.batches, evidence.settings.title
    if said is not None and len(evidence.batches) > said and evidence.batches[-1].index >= said:
        more = "" if evidence.is_complete else " and was not at its end then"
        yield finding(
            "SW719",
            "loader",
            title,
            f"len({title}) is {said}, and a pass gave {len(evidence.batches)} batches{more}.",
            fix="let __len__ of the data set count what __iter__ gives; of several workers, what all of them give",
            axis=0,
            axis_name="batches per pass",
            expected=said,
            got=len(evidence.batches),
        )


def _refused(evidence: LoaderEvidence) -> dict[int, Finding]:
    """The refused batches, if the model takes the first one."""
    first = evidence.tried.batches.get(evidence.batches[0].index) if evidence.batches else None
    if first is None or first.refusal is not None:
        return {}
    return {index: trial.refusal for index, trial in evidence.tried.batches.items() if trial.refusal is not None}


def _what_differs(evidence: LoaderEvidence, first: BatchRecord, batch: BatchRecord) -> tuple[str, str]:
    is_last = batch is evidence.batches[-1] or batch.index + 1 == evidence.settings.batches
    if batch.size != first.size and first.size is not None and batch.size is not None:
        if is_last and batch.size < first.size:
            return (
                _arithmetic(evidence, first.size, batch.size),
                f"{evidence.settings.dropping}=True in the loader, or let the model take its batch size from its input",
            )
        return (
            f"Batch {batch.index} has {batch.size} samples, the first {first.size}",
            "let the model take its batch size from its input",
        )
    parts = zip(first.parts, batch.parts, strict=False)
    odd = next(((one, other) for one, other in parts if one.spec != other.spec), None)
    if odd is None:
        return f"Batch {batch.index} is made otherwise than the first", "make every batch alike"
    before, here = odd
    name = f"`{'targets' if before.is_target else 'inputs'}{before.name}`"
    return (
        f"{name} is {here.spec} {here.spec.dtype} in batch {batch.index}, "
        f"and {before.spec} {before.spec.dtype} in the first",
        "crop or pad the samples to what the model takes, in the data set or in collate_fn",
    )


def _others_are_full(evidence: LoaderEvidence, last: BatchRecord) -> bool:
    """Whether all other batches have the form of the first, which the model takes."""
    return all(batch.shapes == evidence.batches[0].shapes for batch in evidence.batches if batch is not last)


def _arithmetic(evidence: LoaderEvidence, full: int, last: int) -> str:
    samples = evidence.settings.samples or sum(batch.size or 0 for batch in evidence.batches)
    return f"{samples} samples in batches of {full} leave a last batch of {last}"


def short_batch_of(refused: Finding, log: TrainingLog) -> Stream | None:
    """The pass whose last batch is short and was refused in a loop that has taken the full ones before."""
    return next((each for each in _newest(log) if _is_short(each, refused)), None)


def short_batch_refused(refused: Finding, stream: Stream, calls: Calls) -> Finding:
    """What a loop was refused at a last batch that is short, where it has taken the full ones before."""
    full, last = stream.full, stream.newest
    samples = f"{last} sample{'' if last == 1 else 's'}"
    reason = (
        f"{refused.reason} Batch {stream.drawn - 1} is the last of the pass and has {samples}; the batches before it "
        f"had {full}, and ran."
    )
    if refused.verified:
        return replace(refused, reason=reason)
    fix = f"{calls.drop}, or make what has {full} rows here as long as the batch"
    if last == 1:
        fix = f"{calls.drop}, or name the axis that is squeezed: of one sample it takes the batch axis too"
    return replace(refused, reason=reason, fix=fix, patch=None, verified=True)


def _newest(log: TrainingLog) -> list[Stream]:
    """The passes that gave the newest batches: several where loaders are read side by side."""
    most = max((each.last for each in log.streams), default=0)
    return [each for each in log.streams if each.drawn and each.last > most - len(log.streams)]


def _lacks_an_axis(refused: Finding) -> bool:
    """Whether a tensor of fewer axes came than is taken, as where the axis of a single sample was squeezed away."""
    expected, got = refused.expected, refused.got
    return refused.axis is None and isinstance(expected, int) and isinstance(got, int) and got < expected


def _is_short(stream: Stream, refused: Finding) -> bool:
    """Whether the last batch of a pass is short, and what was refused is of its size and of the full one."""
    full, last = stream.full, stream.newest
    if stream.drawn < 2 or not stream.is_even or stream.batches not in (None, stream.drawn):
        return False
    if full is None or last is None or not 0 < last < full:
        return False
    if last == 1 and _lacks_an_axis(refused):
        return True
    sizes = [each if isinstance(each, tuple) else (each,) for each in (refused.expected, refused.got)]
    if any(-1 in each for each in sizes):  # a reshape that leaves one size open
        return {each[0] for each in sizes} == {full, last}
    if not all(isinstance(size, int) and size > 0 for each in sizes for size in each):
        return False
    counts = [math.prod(each) if len(sizes[0]) != len(sizes[1]) else each[0] for each in sizes if each]
    is_alike = len(sizes[0]) != len(sizes[1]) or sizes[0][1:] == sizes[1][1:]
    return is_alike and len(counts) == 2 and max(counts) * last == min(counts) * full


# -- samples that are left out ----------------------------------------------------------------------------------------


def samples_left_out(evidence: LoaderEvidence) -> Iterator[Finding]:
    """drop_last, by which the same samples are never read, or all of them."""
    settings, left = evidence.settings, evidence.left_out
    samples, size = settings.samples, settings.batch_size
    if not left or samples is None or size is None:
        return
    details: dict[str, Any] = {"axis": 0, "axis_name": "batch"}
    if samples < size:
        reason = (
            f"The only batch has {samples} of {size} samples, and {settings.dropping} leaves it out: no batch is left."
        )
        fix = f"{settings.dropping}=False, or a batch_size of at most {samples}"
        details |= {"fix": fix, "verified": _is_taken(evidence)}
        yield finding("SW704", "loader", settings.title, reason, expected=size, got=samples, **details)
        return
    rest = evidence.tried.remainder
    has_a_reason = rest is not None and (rest.refusal is not None or rest.mixes_samples)
    reason = (
        f"{samples} samples in batches of {size} leave {left}, which {settings.dropping} leaves out: {samples - left} "
        f"are read"
    )
    if settings.shuffles is False and not has_a_reason:
        reason += f". The order is fixed, so the same {left} are never read; nothing here needs a full batch."
        details |= {"fix": f"{settings.dropping}=False; for training also shuffle", "verified": _is_taken(evidence)}
        yield finding("SW703", "loader", settings.title, reason, expected=samples, got=samples - left, **details)
    else:
        reason += ", others in each pass." if settings.shuffles else "; the model needs full batches."
        details["fix"] = f"{settings.dropping}=False for evaluation"
        yield finding("SW705", "loader", settings.title, reason, expected=samples, got=samples - left, **details)


def _is_taken(evidence: LoaderEvidence) -> bool:
    """Whether the model was run on what drop_last leaves out, and took it."""
    return evidence.tried.remainder is not None and evidence.tried.remainder.refusal is None


def draws_from_others(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A sampler that knows of another number of samples than the data set has."""
    settings = evidence.settings
    samples, known = settings.samples, settings.drawn_from
    if samples is None or known is None or known == samples or not known:
        return
    if settings.sampler.startswith("Subset"):
        what, fix = f"holds indices up to {known - 1}", "the loader's data set is that part already: shuffle=True alone"
        if not evidence.origins.is_whole_when_weighed:
            fix = "give the loader the data set that the indices are of"
    elif settings.sampler.startswith("Weighted"):
        of_part = known > samples and evidence.origins.is_whole_when_weighed
        which = "weights[dataset.indices]" if of_part else "weights[labels]"
        what, fix = f"has {known} weights", f"one weight for each of the {samples} samples: {which}"
    else:
        what, fix = f"was made for {known} samples", f"make the {settings.sampler} of the loader's own data set"
    effect = (
        f"only samples 0 to {known - 1} are ever drawn" if known < samples else f"it draws indices up to {known - 1}"
    )
    if evidence.failure is not None and known > samples:
        effect += f", which ends in {evidence.failure.error}"
    yield finding(
        "SW720",
        "loader",
        settings.sampler,
        f"{settings.sampler} {what}, and the data set has {samples}: {effect}.",
        fix=fix,
        axis=0,
        axis_name="samples",
        expected=samples,
        got=known,
        verified=evidence.origins.is_whole_when_weighed,
    )


def batch_empty(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A batch without a sample: its loss is no number."""
    batches, title = evidence.batches, evidence.settings.title
    empty = next((batch for batch in batches if batch.size == 0), None)
    if empty is None:
        return
    if evidence.edit is None and _ends_before(evidence, empty):
        yield _beyond_the_rows(evidence, empty.index)
        return
    full = evidence.settings.batch_size or batches[0].size
    sizes = ", ".join(str(batch.size) for batch in batches[:8])
    yield finding(
        "SW706",
        "loader",
        title,
        f"Batch {empty.index} of {title} has no sample; the sizes are {sizes}, where {full} is meant.",
        **({"fix": CUT} if evidence.edit is None else evidence.edit.details),
        axis=0,
        axis_name="batch",
        expected=full,
        got=0,
    )


def _ends_before(evidence: LoaderEvidence, empty: BatchRecord) -> bool:
    """Whether the batches before the first empty one are cut evenly, and none behind it holds a sample."""
    before, behind = evidence.batches[: empty.index], evidence.batches[empty.index :]
    is_even = len({batch.size for batch in before[:-1]}) < 2 and len(before) > 1
    return is_even and not any(batch.size for batch in behind) and evidence.settings.batches is not None


def _beyond_the_rows(evidence: LoaderEvidence, count: int) -> Finding:
    title, said = evidence.settings.title, evidence.settings.batches
    samples = sum(batch.size or 0 for batch in evidence.batches)
    return finding(
        "SW706",
        "loader",
        title,
        f"{title} says that it has {said} batches. The first {count} hold {samples} samples, and batch {count} and "
        f"those behind it none.",
        fix=f"{count} in __len__: the number of samples divided by the size of a batch, rounded up",
        op="__len__",
        axis=0,
        axis_name="batches per pass",
        expected=count,
        got=said,
        verified=True,
    )


def rows_left_out(evidence: LoaderEvidence) -> Iterator[Finding]:
    """An object that cuts batches from arrays of its own, and that does not give all of their rows."""
    rows, title = evidence.settings.rows, evidence.settings.title
    read = sum(batch.size or 0 for batch in evidence.batches)
    size, batches, rest = evidence.settings.batch_size, evidence.settings.batches, evidence.tried.rounded_off
    if rows and size and batches and rest is not None and rest.refusal is None:
        yield finding(
            "SW703",
            "loader",
            title,
            f"{title} holds {rows} samples, and its length is {batches}: {rows} / {size} rounded down. The order is "
            f"fixed, so the same {rows % size} samples are never read; batch {batches} would hold them.",
            fix=f"round up in __len__: math.ceil({rows} / {size}), which is {batches + 1}",
            op="__len__",
            axis=0,
            axis_name="samples",
            expected=rows,
            got=read,
            verified=True,
        )
    elif evidence.is_complete and rows is not None and 0 < read < rows:
        yield finding(
            "SW707",
            "loader",
            title,
            f"{title} holds {rows} rows, and a pass gives {read} of them in {len(evidence.batches)} batches.",
            fix="round the number of batches up, if every row is meant to be read",
            axis=0,
            axis_name="batch",
            expected=rows,
            got=read,
        )


def loader_gives_nothing(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A pass without a batch, for which drop_last is not to blame."""
    if evidence.is_complete and not evidence.batches and not evidence.left_out:
        title, samples = evidence.settings.title, evidence.settings.samples
        if evidence.origins.skipped is not None:
            yield _all_skipped(evidence.origins.skipped)
            return
        held = f"its data set has {samples} samples" if samples is not None else "it ended at once"
        yield finding(
            "SW704",
            "loader",
            title,
            f"A pass over {title} gives no batch: {held}.",
            fix="check the length of the data set, and what filters it",
            axis=0,
            axis_name="batch",
            expected="at least 1 batch",
            got=0,
        )


def _all_skipped(found: Skipped) -> Finding:
    left, name = found.samples - found.count, found.stage.split("(")[0]
    return finding(
        "SW704",
        "loader",
        f"Dataset.{name}",
        f"`{found.stage}` stands behind `{found.before}`, where it counts batches and not samples: there are "
        f"{found.batches} of them, and it leaves out {found.count}, so that none is left. Before it, {left} of "
        f"{found.samples} samples are left.",
        fix=f"split the samples, then batch them: .{found.stage}.{found.before}",
        op=name,
        axis=0,
        axis_name="elements of the data set",
        expected=found.batches,
        got=found.count,
        verified=found.is_mended,
    )


def shorter_loader_ends(evidence: LoaderEvidence) -> Iterator[Finding]:
    """Loaders read side by side, one of which ended while others had more to give."""
    ended = [one for one in evidence.origins.inner if one.drawn == one.batches]
    longer = next((one for one in evidence.origins.inner if 0 < one.drawn < one.batches), None)
    is_batched_alike = len(set(evidence.settings.zipped)) < 2
    if evidence.is_complete and ended and longer is not None and is_batched_alike:
        yield zipped(longer, ended[0], evidence)


def zipped(longer: InnerPass, shorter: InnerPass, evidence: LoaderEvidence) -> Finding:
    """A pass that ends with the shorter of two loaders."""
    are_batches = longer.unit == "batches"
    got = min(longer.drawn, len(evidence.batches) or longer.drawn) if are_batches else longer.drawn
    left = longer.batches - got
    rest = f"{left} are left out, others in each pass" if longer.shuffles else f"the other {left} are never read"
    return finding(
        "SW722" if longer.shuffles else "SW721",
        "loader",
        "zip",
        f"{evidence.settings.title} reads two {'loaders' if are_batches else 'streams'} side by side and ends with the "
        f"shorter one, which has {shorter.batches} {longer.unit}. Of the {longer.batches} {longer.unit} of "
        f"{longer.title}, it takes {got}: {rest}.",
        fix=f"repeat the shorter one: {evidence.settings.repeating}",
        op="zip",
        axis=0,
        axis_name=f"{longer.unit} per pass",
        expected=longer.batches,
        got=got,
        verified=evidence.origins.is_whole_when_repeated,
    )


def loop_ends_with_shorter(log: TrainingLog) -> Iterator[Finding]:
    """A loop of the user's own over two loaders side by side."""
    ended = {event.stream for event in log.events if isinstance(event, StreamEnd)}
    for number in sorted(ended):
        shorter = log.streams[number]
        for longer in log.streams[max(number - 1, 0) : number + 2]:
            is_left = longer.batches is not None and longer.drawn < longer.batches
            is_in_step = longer.drawn in (shorter.drawn, shorter.drawn + 1) and shorter.drawn > 1
            is_beside = longer.first <= shorter.last - 1 and shorter.first <= longer.last - 1
            if longer.loader != shorter.loader and is_left and is_in_step and is_beside and longer.batches is not None:
                left = InnerPass(longer.title, longer.batches, shorter.drawn, longer.shuffles)
                right = InnerPass(shorter.title, shorter.drawn, shorter.drawn, shorter.shuffles)
                yield zipped(left, right, LoaderEvidence(LoaderSettings("The loop")))
                return
