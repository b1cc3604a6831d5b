"""More right Keras programs: backbones, masks, cells, towers, mixers, and models of models."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops
from keras_clean import Program, application, chain, floats, ids, sparse


class Block(layers.Layer):
    """One block of a backbone as model hubs write them: a padding mask, pre-norm, dropout, configurable."""

    def __init__(self, width: int, heads: int, inner: int, **options: Any) -> None:
        super().__init__(**options)
        self.width, self.heads, self.inner = width, heads, inner
        self.attention = layers.MultiHeadAttention(heads, width // heads, dropout=0.1)
        self.before, self.behind = layers.LayerNormalization(), layers.LayerNormalization()
        self.up, self.down = layers.Dense(inner, activation="gelu"), layers.Dense(width)
        self.drop = layers.Dropout(0.1)

    def call(self, x, padding_mask=None, training=None):
        seen = ops.expand_dims(ops.cast(padding_mask, "bool"), 1)
        x = x + self.attention(self.before(x), self.before(x), attention_mask=seen, training=training)
        return x + self.drop(self.down(self.up(self.behind(x))), training=training)

    def get_config(self):
        return super().get_config() | {"width": self.width, "heads": self.heads, "inner": self.inner}


class Backbone(keras.Model):
    """A functional model inside of a class, with inputs by name."""

    def __init__(self, vocabulary: int = 40, width: int = 16, heads: int = 4, depth: int = 2, **options: Any) -> None:
        tokens = keras.Input((None,), dtype="int32", name="token_ids")
        mask = keras.Input((None,), dtype="int32", name="padding_mask")
        x = layers.Embedding(vocabulary, width, name="embed")(tokens)
        for place in range(depth):
            x = Block(width, heads, 2 * width, name=f"block_{place}")(x, padding_mask=mask)
        first = layers.Lambda(lambda x: x[:, 0])(x)
        super().__init__({"token_ids": tokens, "padding_mask": mask}, {"sequence": x, "pooled": first}, **options)


def backbone():
    return Backbone(), {"token_ids": ids(40, 3, 7), "padding_mask": ids(2, 3, 7)}


def classifier_of_a_backbone():
    tokens = keras.Input((None,), dtype="int32", name="token_ids")
    mask = keras.Input((None,), dtype="int32", name="padding_mask")
    found = Backbone()({"token_ids": tokens, "padding_mask": mask})
    model = keras.Model({"token_ids": tokens, "padding_mask": mask}, layers.Dense(3)(found["pooled"]))
    return model, {"token_ids": ids(40, 3, 7), "padding_mask": ids(2, 3, 7)}, ids(3, 3), sparse()


def grouped_queries():
    text = keras.Input((None, 16))
    x = layers.GroupQueryAttention(4, 4, 2)(text, text)
    return keras.Model(text, layers.Dense(3)(layers.Add()([text, x]))), floats(3, 7, 16)


def additive_attention():
    question, text = keras.Input((5, 8)), keras.Input((9, 8))
    found = layers.Concatenate()([question, layers.AdditiveAttention()([question, text])])
    return keras.Model([question, text], layers.Dense(4)(found)), (floats(3, 5, 8), floats(3, 9, 8))


def mask_from_zeros():
    text = keras.Input((None,), dtype="int32")
    x = layers.Embedding(30, 8, mask_zero=True)(text)
    x = layers.Bidirectional(layers.GRU(6, return_sequences=True))(x)
    x = layers.GlobalAveragePooling1D()(x)
    model = keras.Model(text, layers.Dense(1, activation="sigmoid")(x))
    return model, ids(30, 5, 9), ids(2, 5, 1), keras.losses.BinaryCrossentropy()


def masked_steps():
    steps = [layers.Masking(-1.0), layers.LSTM(6, return_sequences=True), layers.TimeDistributed(layers.Dense(2))]
    return chain(keras.Input((9, 3)), *steps), floats(4, 9, 3), floats(4, 9, 2), keras.losses.MeanSquaredError()


def stateful_stack():
    steps = [layers.LSTM(5, stateful=True, return_sequences=True), layers.LSTM(5, stateful=True), layers.Dense(2)]
    return chain(keras.Input((9, 3), batch_size=4), *steps), floats(4, 9, 3), ids(2, 4), sparse()


def cells():
    cell = layers.StackedRNNCells([layers.LSTMCell(6), layers.GRUCell(5)])
    return chain(keras.Input((9, 3)), layers.RNN(cell, return_sequences=True), layers.Dense(2)), floats(4, 9, 3)


def both_ways_from_states():
    source, target = keras.Input((None, 4)), keras.Input((None, 4))
    _, *states = layers.Bidirectional(layers.LSTM(6, return_state=True))(source)
    both = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(target, initial_state=states)
    return keras.Model([source, target], layers.Dense(3)(both)), (floats(3, 8, 4), floats(3, 5, 4))


def backwards():
    text = keras.Input((9, 3))
    ahead = layers.GRU(5, return_sequences=True)(text)
    back = ops.flip(layers.GRU(5, return_sequences=True, go_backwards=True)(text), axis=1)
    return keras.Model(text, layers.Dense(2)(layers.Concatenate()([ahead, back]))), floats(4, 9, 3)


def moving_pictures():
    steps = [layers.ConvLSTM2D(4, 3, padding="same", return_sequences=True), layers.Conv3D(2, 3, padding="same")]
    return chain(keras.Input((5, 8, 8, 1)), *steps), floats(2, 5, 8, 8, 1)


def waves():
    x = sound = keras.Input((None, 2))
    for dilation in (1, 2, 4):
        gate = layers.Conv1D(6, 2, dilation_rate=dilation, padding="causal", activation="sigmoid")(x)
        value = layers.Conv1D(6, 2, dilation_rate=dilation, padding="causal", activation="tanh")(x)
        x = layers.Conv1D(6, 1)(gate * value)
    return keras.Model(sound, layers.Conv1D(4, 1)(x)), floats(3, 16, 2), ids(4, 3, 16), sparse()


def drawing_autoencoder():
    down = [layers.Conv2D(4, 3, 2, padding="same", activation="relu"), layers.Flatten(), layers.Dense(6)]
    up = [layers.Dense(8 * 8 * 4, activation="relu"), layers.Reshape((8, 8, 4))]
    steps = [*down, *up, layers.Conv2DTranspose(1, 3, 2, padding="same")]
    pictures = floats(2, 16, 16, 1)
    return chain(keras.Input((16, 16, 1)), *steps), pictures, pictures, keras.losses.MeanSquaredError()


def two_towers():
    user, item = keras.Input((), dtype="int32"), keras.Input((), dtype="int32")
    score = layers.Dot(axes=1)([layers.Embedding(20, 6)(user), layers.Embedding(30, 6)(item)])
    return keras.Model([user, item], score), (ids(20, 5), ids(30, 5)), floats(5, 1), keras.losses.MeanSquaredError()


def wide_and_deep():
    numbers, kind = keras.Input((4,)), keras.Input((1,), dtype="int32")
    wide = layers.CategoryEncoding(5, output_mode="one_hot")(kind)
    deep = layers.Dense(6, activation="relu")(layers.Concatenate()([numbers, layers.Flatten()(kind * 1.0)]))
    head = layers.Dense(1)(layers.Concatenate()([wide, deep]))
    return keras.Model([numbers, kind], head), (floats(5, 4), ids(5, 5, 1))


def mixer():
    patches = keras.Input((9, 8))
    across = layers.Permute((2, 1))(layers.LayerNormalization()(patches))
    across = layers.Permute((2, 1))(layers.Dense(9)(layers.Dense(12, activation="gelu")(across)))
    x = layers.Add()([patches, across])
    x = layers.Add()([x, layers.Dense(8)(layers.Dense(12, activation="gelu")(layers.LayerNormalization()(x)))])
    return (
        keras.Model(patches, layers.Dense(3)(layers.GlobalAveragePooling1D()(x))),
        floats(4, 9, 8),
        ids(3, 4),
        sparse(),
    )


def vision_transformer():
    picture = keras.Input((16, 16, 3))
    patches = layers.Reshape((16, 8))(layers.Conv2D(8, 4, strides=4)(picture))
    x = patches + layers.Embedding(16, 8)(ops.arange(16))
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)])
    return keras.Model(picture, layers.Dense(3)(layers.Flatten()(x))), floats(2, 16, 16, 3), ids(3, 2), sparse()


def experts():
    x = keras.Input((6,))
    gates = layers.Dense(3, activation="softmax")(x)
    each = ops.stack([layers.Dense(5)(x) for _ in range(3)], axis=1)
    return keras.Model(x, layers.Dense(2)(ops.sum(each * gates[:, :, None], axis=1))), floats(4, 6)


def shared_encoder_in_models():
    encode = chain(keras.Input((None,), dtype="int32"), layers.Embedding(30, 6), layers.GRU(5))
    one, other = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    inner = keras.Model([one, other], layers.Concatenate()([encode(one), encode(other)]))
    left, right = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    return keras.Model([left, right], layers.Dense(2)(inner([left, right]))), (ids(30, 4, 9), ids(30, 4, 6))


def channels_before():
    steps = [layers.Permute((2, 3, 1)), layers.Conv2D(4, 3), layers.GroupNormalization(2), layers.GlobalMaxPooling2D()]
    return chain(keras.Input((3, 8, 8)), *steps, layers.Dense(2)), floats(2, 3, 8, 8)


class Residual(layers.Layer):
    def __init__(self, filters: int, **options: Any) -> None:
        super().__init__(**options)
        self.one, self.two = (layers.Conv2D(filters, 3, padding="same") for _ in range(2))
        self.norm, self.other = layers.BatchNormalization(), layers.BatchNormalization()
        self.short = layers.Conv2D(filters, 1)

    def call(self, x, training=None):
        y = ops.relu(self.norm(self.one(x), training=training))
        return ops.relu(self.other(self.two(y), training=training) + self.short(x))


class Stages(keras.Model):
    """Blocks in a list, a list of outputs."""

    def __init__(self, filters: int = 4, stages: int = 3) -> None:
        super().__init__()
        self.stages = [Residual(filters * 2**place) for place in range(stages)]
        self.pool, self.head = layers.GlobalAveragePooling2D(), layers.Dense(3)

    def call(self, x, training=None):
        found = []
        for stage in self.stages:
            x = stage(x, training=training)
            found.append(self.pool(x))
        return self.head(ops.concatenate(found, axis=-1))


MORE_PROGRAMS: dict[str, Program] = {
    **{name: application(name) for name in ("MobileNetV3Small", "ConvNeXtTiny")},
    **{
        made.__name__: made
        for made in (
            backbone,
            classifier_of_a_backbone,
            grouped_queries,
            additive_attention,
            mask_from_zeros,
            masked_steps,
            stateful_stack,
            cells,
            both_ways_from_states,
            backwards,
            moving_pictures,
            waves,
            drawing_autoencoder,
            two_towers,
            wide_and_deep,
            mixer,
            vision_transformer,
            experts,
            shared_encoder_in_models,
            channels_before,
        )
    },
    "stages": lambda: (Stages(), floats(2, 8, 8, 3), ids(3, 2), sparse()),
}
