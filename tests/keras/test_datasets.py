"""`shapewidget.check_loader` and `probe(..., loader=...)` on pipelines of `tf.data`, wrong and right."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import shapewidget

Dataset = tf.data.Dataset
ROWS = np.random.default_rng(0).random((103, 4), dtype="float32")
LABELS = np.random.default_rng(0).integers(0, 3, 103)
PAIRS = Dataset.from_tensor_slices((ROWS, LABELS))


def serious(report):
    return [finding for finding in report.findings if finding.severity != "note"]


def only(report):
    (found,) = serious(report)
    return found


def classifier():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])


def probed(dataset, model=None):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return shapewidget.probe(model or classifier(), loss=loss, loader=dataset)


def sentences(*lengths):
    spec = tf.TensorSpec((None,), tf.int64)
    return Dataset.from_generator(lambda: (np.arange(1, n + 1) for n in lengths), output_signature=spec)


def photos(*heights):
    spec = tf.TensorSpec((None, None, 3)), tf.TensorSpec((), tf.int32)
    return Dataset.from_generator(lambda: ((np.zeros((n, 8, 3)), 0) for n in heights), output_signature=spec)


# -- right ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dataset", "sizes"),
    [
        (PAIRS.batch(32), [32, 32, 32, 7]),
        (PAIRS.shuffle(50).batch(32).prefetch(2), [32, 32, 32, 7]),
        (PAIRS.shuffle(50).batch(32, drop_remainder=True), [32, 32, 32]),
        (PAIRS.repeat().batch(32), [32] * 100),
        (PAIRS.batch(32).unbatch().batch(50), [50, 50, 3]),
        (sentences(5, 3, 6).padded_batch(2), [2, 1]),
        (photos(5, 5, 5).batch(3), [3]),
        (Dataset.zip((Dataset.from_tensor_slices(ROWS), Dataset.from_tensor_slices(LABELS))).batch(60), [60, 43]),
        (Dataset.zip((PAIRS.map(lambda row, _: row), PAIRS.map(lambda row, _: row).skip(1))).batch(51), [51, 51]),
        (Dataset.zip((PAIRS.batch(20), Dataset.range(3).repeat().batch(20))), [20, 20, 20, 20, 20, 3]),
    ],
)
def test_dataset_that_is_right_is_clean(dataset, sizes):
    report = shapewidget.check_loader(dataset)
    assert serious(report) == []
    assert [batch.size for batch in report.batches] == sizes


def test_dataset_that_reshuffles_says_that_its_order_moved_on():
    notes = [shapewidget.check_loader(data.batch(32)).notes for data in (PAIRS, PAIRS.shuffle(103))]
    assert notes[0] == ()
    assert "moves on with every pass" in notes[1][0]


# -- wrong ------------------------------------------------------------------------------------------------------------


def test_sentences_of_unequal_length_are_padded_and_run():
    words = keras.Sequential(
        [keras.Input((None,), dtype="int64"), keras.layers.Embedding(9, 4, mask_zero=True), keras.layers.LSTM(3)]
    )
    found = only(shapewidget.probe(words, loader=sentences(5, 3, 6).batch(3)))
    assert (found.code, found.layer, found.expected, found.got) == ("SW711", "Dataset.batch", 5, 3)
    assert found.fix == "padded_batch(3) in place of batch(3)"
    assert found.verified


def test_photos_of_unequal_size_are_resized_and_run():
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3)])
    found = only(shapewidget.probe(model, loader=photos(5, 5, 6, 5).batch(2)))
    assert (found.expected, found.got, found.verified) == (6, 5, True)
    assert "`sample[0]` is (6, 8, 3) in sample 2 and (5, 8, 3) in sample 3" in found.reason
    assert "tf.image.resize(image, (6, 8))" in found.fix


def test_sentence_that_is_longer_than_its_padding_is_named():
    found = only(shapewidget.check_loader(sentences(5, 3, 6, 9).padded_batch(2, padded_shapes=(6,))))
    assert (found.layer, found.expected, found.got) == ("Dataset.padded_batch", 6, 9)
    assert "in sample 3" in found.reason


def test_generator_that_breaks_its_signature_is_named():
    spec = tf.TensorSpec((5,), tf.int64)
    data = Dataset.from_generator(lambda: (np.arange(n) for n in (5, 3)), output_signature=spec).batch(2)
    found = only(shapewidget.check_loader(data))
    assert (found.code, found.layer) == ("SW711", "Dataset.from_generator")
    assert (found.expected, found.got, found.verified) == (5, 3, True)
    assert "sample 1" in found.reason


def test_map_that_raises_is_named_with_its_sample():
    data = PAIRS.map(lambda row, label: (tf.reshape(row[: 4 - tf.cast(row[0] > 0.9, tf.int32)], (4,)), label)).batch(9)
    found = only(shapewidget.check_loader(data))
    assert found.layer == "Dataset.map"
    assert f"sample {int(np.argmax(ROWS[:, 0] > 0.9))} was read" in found.reason


def test_streams_that_are_batched_differently_and_zipped_are_named():
    rows, labels = Dataset.from_tensor_slices(ROWS), Dataset.from_tensor_slices(LABELS)
    found = probed(Dataset.zip((rows.batch(20), labels.batch(10)))).findings[0]
    assert (found.code, found.where, found.expected, found.got) == ("SW713", "loader", 20, 10)
    assert "batched by 20 and by 10 before they were zipped" in found.reason
    assert found.verified


def test_zip_with_a_shorter_stream_is_found_and_its_repetition_tried():
    rows, labels = Dataset.from_tensor_slices(ROWS), Dataset.from_tensor_slices(LABELS[:80])
    found = only(shapewidget.check_loader(Dataset.zip((rows, labels)).batch(10)))
    assert (found.code, found.expected, found.got, found.verified) == ("SW721", 103, 80, True)


def test_dropped_remainder_in_a_fixed_order_is_found():
    found = only(probed(PAIRS.batch(32, drop_remainder=True)))
    assert (found.code, found.expected, found.got) == ("SW703", 103, 96)
    assert "drop_remainder=False" in found.fix


# -- padding ----------------------------------------------------------------------------------------------------------


def tagger(*, mask_zero):
    layers = keras.layers.Embedding(20, 8, mask_zero=mask_zero), keras.layers.LSTM(6), keras.layers.Dense(2)
    return keras.Sequential([keras.Input((None,), dtype="int32"), *layers])


IDS = keras.utils.pad_sequences([[1, 2, 3, 4, 5], [6, 7], [8, 9, 10, 11]], padding="post")


def test_padding_that_is_read_as_words_is_found_and_masked():
    found = only(shapewidget.probe(tagger(mask_zero=False), IDS))
    assert (found.code, found.axis_name, found.expected) == ("SW606", "time", "2 steps")
    assert found.verified
    assert "mask_zero=True" in found.fix


@pytest.mark.parametrize(
    ("ids", "mask_zero"),
    [(IDS, True), (IDS[:, ::-1], False), (np.maximum(IDS, 1), False), (np.where(IDS == 1, 0, IDS), False)],
)
def test_padding_that_is_masked_or_in_front_or_none_is_clean(ids, mask_zero):
    assert serious(shapewidget.probe(tagger(mask_zero=mask_zero), ids.copy())) == []


def pictures(step, *, batched_first):
    rows = np.random.default_rng(0).random((12, 6, 5, 1)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((rows, np.arange(12)))
    return data.batch(4).map(step) if batched_first else data.map(step).batch(4)


def brightest_to_one(x, label):
    return x / tf.reduce_max(x), label


def centred(x, label):
    return x - tf.math.reduce_mean(x), label


def each_by_itself(x, label):
    return x / tf.reduce_max(x, axis=(-3, -2, -1), keepdims=True), label


def mixed_with_the_one_before(x, label):
    return 0.7 * x + 0.3 * tf.roll(x, 1, axis=0), label


def noisy(x, label):
    return x / tf.reduce_max(x) + tf.random.normal(tf.shape(x)), label


@pytest.mark.parametrize("step", [brightest_to_one, centred])
def test_statistic_of_a_batch_in_the_place_of_that_of_a_sample_is_found(step):
    (found,) = shapewidget.check_loader(pictures(step, batched_first=True)).findings
    assert (found.code, found.verified) == ("SW717", True)
    assert found.fix == f"map({step.__name__}) before batch(4)"


@pytest.mark.parametrize("step", [each_by_itself, mixed_with_the_one_before])
def test_step_that_keeps_samples_apart_or_mixes_two_of_them_is_right_behind_the_batching(step):
    assert not shapewidget.check_loader(pictures(step, batched_first=True)).findings


def test_statistic_of_each_sample_before_the_batching_is_right():
    assert not shapewidget.check_loader(pictures(brightest_to_one, batched_first=False)).findings


def test_step_that_draws_numbers_anew_is_not_judged():
    tf.random.set_seed(None)
    assert not shapewidget.check_loader(pictures(noisy, batched_first=True)).findings


@pytest.mark.parametrize("batch", ["ragged_batch", "ragged source"])
def test_ragged_batches_are_of_the_length_of_their_longest_sample(batch):
    steps = tf.ragged.constant([[1, 2, 3], [4], [5, 6]])
    data = tf.data.Dataset.from_tensor_slices(steps)
    if batch == "ragged_batch":
        data = data.map(lambda it: it + 0).ragged_batch(2)
    else:
        data = data.batch(2)
    report = shapewidget.check_loader(data)
    assert [finding.code for finding in report.findings] == ["SW701"]
    assert [batch.inputs[0].spec.shape for batch in report.batches] == [(2, 3), (1, 2)]


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (PAIRS.batch(10).skip(20), 20),
        (PAIRS.shuffle(103, reshuffle_each_iteration=False).batch(10).prefetch(2).skip(50), 50),
        (PAIRS.skip(20).batch(10), None),
        (PAIRS.batch(10).skip(5), None),
    ],
)
def test_samples_that_are_skipped_where_there_are_batches_leave_none(data, got):
    found = serious(shapewidget.check_loader(data))
    if got is None:
        assert found == []
    else:
        assert [(each.code, each.layer, each.expected, each.got) for each in found] == [
            ("SW704", "Dataset.skip", 11, got)
        ]
        assert found[0].verified
        assert f"{103 - got} of 103 samples are left" in found[0].reason


def windows(data):
    return data.window(5, shift=1, drop_remainder=True)


@pytest.mark.parametrize(
    ("data", "fix"),
    [
        (windows(Dataset.range(20)), ".flat_map(lambda window: window.batch(5))"),
        (windows(Dataset.from_tensor_slices(ROWS)).shuffle(9).batch(4), ".flat_map(lambda window: window.batch(5))"),
        (windows(PAIRS), ".flat_map(lambda x, y: tf.data.Dataset.zip((x.batch(5), y.batch(5))))"),
        (windows(Dataset.range(20)).flat_map(lambda window: window.batch(5)).batch(4), None),
    ],
)
def test_windows_that_are_still_data_sets_are_told_with_what_joins_them(data, fix):
    found = serious(shapewidget.check_loader(data))
    assert [each.fix for each in found] == ([fix] if fix else [])
    assert all((each.code, each.verified) == ("SW740", True) for each in found)
