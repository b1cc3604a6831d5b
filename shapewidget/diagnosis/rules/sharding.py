"""How data is divided among ranks and workers, and what of it is read twice or never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.loader_evidence import LoaderEvidence
from shapewidget.graph.batches import Ranks, RankShare, SamplerPasses

_SAMPLER = "DistributedSampler"
_DETAILS: dict[str, Any] = {"axis": 0, "axis_name": "samples per rank"}


def workers_repeat(evidence: LoaderEvidence) -> Iterator[Finding]:
    """An iterable data set that every worker reads from its beginning to its end."""
    share = evidence.origins.workers
    if share is not None and share.samples > share.alone:
        yield finding(
            "SW731",
            "loader",
            "IterableDataset",
            f"Each of the {share.workers} workers has a copy of the data set and gives all of it: {share.samples} "
            f"samples come where there are {share.alone}, every one {share.workers} times.",
            fix="give each worker its part in __iter__: itertools.islice(data, info.id, None, info.num_workers) with "
            "info = torch.utils.data.get_worker_info()",
            axis=0,
            axis_name="samples per pass",
            expected=share.alone,
            got=share.samples,
            verified=share.is_mended,
        )


def ranks_share_badly(evidence: LoaderEvidence) -> Iterator[Finding]:
    """The first cause that explains what the ranks read, and a note of the counts."""
    ranks = evidence.origins.ranks
    if ranks is None or len(ranks.shares) < 2:
        return
    rules = (split_twice, drawn_apart, ranks_repeat, on_no_rank, rounded_down)
    cause = next((each for rule in rules for each in rule(ranks)), None)
    layer = evidence.settings.title if ranks.dividing else _SAMPLER
    for found in (*uneven_ranks(ranks), *([cause] if cause is not None else []), _counts(ranks)):
        yield replace(found, layer=layer)


def uneven_ranks(evidence: Ranks) -> Iterator[Finding]:
    """Ranks with different numbers of batches: the others wait for ever for the one that has ended."""
    batches = [share.batches for share in evidence.shares]
    if len(set(batches)) > 1:
        yield finding(
            "SW744",
            "loader",
            _SAMPLER,
            f"The ranks have {_listed(batches)} batches. A rank with {max(batches)} waits for ever in the first "
            f"backward pass that the one with {min(batches)} does not make.",
            fix=f"end every rank with the shortest: itertools.islice(loader, {min(batches)})"
            if evidence.dividing
            else "give every rank as many batches: DistributedSampler pads or cuts the data so that they are",
            axis=0,
            axis_name="batches per rank",
            expected=max(batches),
            got=min(batches),
            verified=evidence.same_data is True and evidence.is_whole_when_divided,
        )


def split_twice(evidence: Ranks) -> Iterator[Finding]:
    """A sampler that divides what was a rank's part already."""
    first, ranks = evidence.shares[0], len(evidence.shares)
    each = -(-evidence.whole // ranks)
    is_part = first.dataset in (evidence.whole // ranks, each) and first.dataset != evidence.whole
    if first.replicas is None or first.replicas < 2 or not is_part:
        return
    got = len(first.rows)
    read = len(set(_all_rows(evidence.shares)))
    if not evidence.same_data:
        read = sum(len(set(share.rows)) for share in evidence.shares)
    missing = evidence.whole - read
    yield finding(
        "SW741",
        "loader",
        _SAMPLER,
        f"The data set of {first.dataset} samples is one of {ranks} parts of {evidence.whole} already, and "
        f"{_SAMPLER} divides it by {first.replicas} again: each rank reads {got} samples, not {each}, and {missing} of "
        f"{evidence.whole} are on no rank.",
        fix=f"give {_SAMPLER} the whole data set of {evidence.whole} samples",
        expected=each,
        got=got,
        verified=evidence.is_whole_when_divided,
        **_DETAILS,
    )


def drawn_apart(evidence: Ranks) -> Iterator[Finding]:
    """Parts that are as large as they should be, and that every rank has drawn for itself."""
    ranks, parts = len(evidence.shares), sum(share.dataset for share in evidence.shares)
    is_divided = evidence.same_data is True and 0 <= evidence.whole - parts < ranks
    missing = evidence.whole - evidence.rows
    if is_divided and evidence.rows < parts and all(share.replicas is None for share in evidence.shares):
        yield finding(
            "SW743",
            "loader",
            _SAMPLER,
            f"The {ranks} ranks have parts of {evidence.shares[0].dataset} of {evidence.whole} samples, each drawn for "
            f"itself: {parts - evidence.rows} samples are in more than one of them, and {missing} are on no rank.",
            fix=f"sampler={_SAMPLER}(dataset, num_replicas={ranks}, rank=rank), or one seed for the order on all ranks",
            expected=evidence.whole,
            got=evidence.rows,
            verified=evidence.is_whole_when_divided,
            **_DETAILS,
        )


def ranks_repeat(evidence: Ranks) -> Iterator[Finding]:
    """Samples that several ranks read: no sampler divides, or the ranks' samplers do not belong together."""
    shares, ranks = evidence.shares, len(evidence.shares)
    repeated = _repeated(evidence)
    is_divided = all(share.replicas == ranks for share in shares)
    padding = -evidence.shares[0].dataset % ranks if is_divided else 0
    if not evidence.same_data or not repeated:
        return
    if repeated > padding:
        yield _overlap(evidence, repeated)
    elif not shares[0].shuffles and not evidence.dividing:
        total = sum(len(share.rows) for share in shares)
        yield finding(
            "SW743",
            "loader",
            _SAMPLER,
            f"{shares[0].dataset} samples do not divide by {ranks}, and {_SAMPLER} fills up with {repeated} that "
            f"another rank reads too: {total} results come of {shares[0].dataset} samples. The order is fixed, as for "
            f"evaluation, where every sample should count once.",
            fix=f"divide without filling up: Subset(dataset, range(rank, len(dataset), {ranks}))",
            expected=shares[0].dataset,
            got=total,
            verified=evidence.is_once_when_dealt,
            **_DETAILS,
        )


def _overlap(evidence: Ranks, repeated: int) -> Finding:
    shares, ranks = evidence.shares, len(evidence.shares)
    each, missing = -(-evidence.rows // ranks), _missing(evidence)
    expected, got = each, len(shares[0].rows)
    part = f"Each of the {ranks} ranks reads {got} of {evidence.rows} samples, where {each} would be its part."
    if got == each and missing:
        expected, got = evidence.rows, evidence.rows - missing
        part = f"Of {expected} samples the {ranks} ranks read {got} together, and {missing} are on no rank."
    if evidence.dividing:
        why, fix = "nothing divides the stream among the ranks", f"give each rank its part: {evidence.dividing}"
    elif any(share.replicas is None for share in shares):
        why = "no sampler divides the data among the ranks"
        fix = f"sampler={_SAMPLER}(dataset, num_replicas={ranks}, rank=rank)"
    elif any(share.replicas != ranks for share in shares):
        why, fix = f"its num_replicas is {shares[0].replicas}, with {ranks} ranks", f"num_replicas={ranks}"
    else:
        why = "the ranks' samplers differ in seed or epoch, or have the same rank"
        fix = "the same seed and epoch on all ranks, and each its own rank"
    return finding(
        "SW743",
        "loader",
        _SAMPLER,
        f"{repeated} samples are read by more than one rank: {why}. {part}",
        fix=fix,
        expected=expected,
        got=got,
        verified=evidence.is_once_when_dealt if evidence.dividing else evidence.is_whole_when_divided,
        **_DETAILS,
    )


def rounded_down(evidence: Ranks) -> Iterator[Finding]:
    """Equal parts from the first sample on, whose number was rounded down: the last samples are on no rank."""
    shares, ranks = evidence.shares, len(evidence.shares)
    each, left = divmod(evidence.whole, ranks)
    read = set(_all_rows(shares))
    is_cut = left and all(share.replicas is None and share.dataset == each for share in shares)
    if evidence.same_data and is_cut and read == set(range(ranks * each)):
        yield finding(
            "SW742",
            "loader",
            _SAMPLER,
            f"Every rank has {each} samples, {evidence.whole} / {ranks} rounded down: the last {left} of "
            f"{evidence.whole} are on no rank, in any epoch.",
            fix=f"sampler={_SAMPLER}(dataset, num_replicas={ranks}, rank=rank)",
            expected=evidence.whole,
            got=len(read),
            verified=evidence.is_whole_when_divided,
            **_DETAILS,
        )


def on_no_rank(evidence: Ranks) -> Iterator[Finding]:
    """Samples that no rank reads, beyond what a shuffled sampler leaves out for other epochs."""
    shares, ranks = evidence.shares, len(evidence.shares)
    if not evidence.same_data or shares[0].dataset != evidence.rows:
        return
    missing = _missing(evidence)
    is_other_each_time = shares[0].shuffles and missing < ranks
    if missing and not is_other_each_time:
        got, replicas = evidence.rows - missing, shares[0].replicas
        is_other_count = replicas is not None and replicas != ranks
        why = f"the sampler divides among {replicas}, with {ranks} ranks" if is_other_count else "in a fixed order"
        yield finding(
            "SW742",
            "loader",
            _SAMPLER,
            f"The ranks read {got} of {evidence.rows} samples in an epoch, and {missing} are on no rank: {why}.",
            fix=f"{_SAMPLER}(dataset, num_replicas={ranks}, rank=rank) without drop_last",
            expected=evidence.rows,
            got=got,
            verified=evidence.is_whole_when_divided,
            **_DETAILS,
        )


def _counts(evidence: Ranks) -> Finding:
    samples = [len(share.rows) for share in evidence.shares]
    batches = [share.batches for share in evidence.shares]
    first = evidence.shares[0]
    twice = f": {_repeated(evidence)} twice, {_missing(evidence)} not at all" if evidence.same_data else ""
    sizes = {share.sizes[0] for share in evidence.shares if share.sizes}
    step = (
        f" A step takes {len(samples)} x {min(sizes)} = {len(samples) * min(sizes)} samples." if len(sizes) == 1 else ""
    )
    epoch = " sampler.set_epoch(epoch) before every epoch makes the order another one." if first.shuffles else ""
    return finding(
        "SW745",
        "loader",
        _SAMPLER,
        f"Of {evidence.rows} samples, the ranks read {_listed(samples)}, in batches that number {_listed(batches)}"
        f"{twice}.{step}{epoch}",
        expected=-(-evidence.rows // len(evidence.shares)),
        got=samples[0],
        **_DETAILS,
    )


def same_order_every_epoch(passes: SamplerPasses) -> Finding:
    """A sampler that shuffles by its epoch, gone through several times at one epoch."""
    return finding(
        "SW746",
        "loader",
        passes.sampler,
        f"{passes.passes} passes over {passes.samples} samples were made with the epoch of {passes.sampler} at "
        f"{passes.epoch}. Its order is drawn from that number, so all had the same order.",
        fix="sampler.set_epoch(epoch) before every epoch",
        op="set_epoch",
        axis=0,
        axis_name="order of the samples",
        expected="a new order in each epoch",
        got="the same order in each epoch",
        verified=passes.next_differs,
    )


def _missing(evidence: Ranks) -> int:
    return evidence.rows - len(set(_all_rows(evidence.shares)))


def _repeated(evidence: Ranks) -> int:
    return sum(count - 1 for count in Counter(_all_rows(evidence.shares)).values())


def _all_rows(shares: tuple[RankShare, ...]) -> list[int]:
    return [row for share in shares for row in share.rows]


def _listed(counts: list[int]) -> str:
    """'26 each' for equal counts, else '26, 26, 26, 25'."""
    if len(set(counts)) == 1:
        return f"{counts[0]} each"
    return ", ".join(map(str, counts[:8])) + (", …" if len(counts) > 8 else "")
