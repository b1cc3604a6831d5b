"""Attention whose masks lie along the queries, are the wrong way round or hide nothing, or that runs over heads."""

from __future__ import annotations

import pytest
import torch
from silent_programs import Program, embedded, encoder, found, series, words
from torch import nn
from torch.nn import functional as F


def padded():
    ids = words()
    ids[1, 5:], ids[2, 3:], ids[4, 7:] = 0, 0, 0
    return ids


def in_heads(x):
    return x.view(*x.shape[:2], 4, 4).transpose(1, 2)


class Encoder(Program):
    """Multi-head attention over words; `masked` gives the scores as the softmax reads them."""

    def __init__(self, masked, behind=None):
        super().__init__(None, **embedded(q=nn.Linear(16, 16), k=nn.Linear(16, 16), v=nn.Linear(16, 16)))
        self.masked, self.behind = masked, behind
        self.bias = nn.Parameter(torch.randn(4, 1, 1))

    def forward(self, ids):
        h = self.emb(ids)
        q, k, v = in_heads(self.q(h)), in_heads(self.k(h)), in_heads(self.v(h))
        weights = torch.softmax(self.masked(self, q @ k.transpose(-1, -2), ids), -1)
        weights = weights if self.behind is None else self.behind(weights, ids)
        return (weights @ v).transpose(1, 2).reshape(*ids.shape, 16)


def queries_filled(m, scores, ids):
    return scores.masked_fill((ids == 0)[:, None, :, None], -1e9)


def queries_chosen(m, scores, ids):
    return torch.where((ids != 0).unsqueeze(1).unsqueeze(-1), scores, torch.tensor(-1e9))


def queries_shifted(m, scores, ids):
    return scores + (1.0 - (ids != 0).float())[:, None, :, None] * -10000.0


@pytest.mark.parametrize("masked", [queries_filled, queries_chosen, queries_shifted])
def test_mask_of_queries_is_named_and_turned(masked):
    (only,) = found(Encoder(masked), padded())
    assert only.code == "SW615"
    assert only.verified
    assert ".transpose(-2, -1)" in only.fix


def data_filled(m, scores, ids):
    return scores.masked_fill((ids != 0)[:, None, None, :], -1e9)


def earlier_filled(m, scores, ids):
    return scores.masked_fill(torch.tril(torch.ones(scores.shape[-2:])) == 1, -1e9)


@pytest.mark.parametrize(("masked", "hidden"), [(data_filled, "42 steps"), (earlier_filled, "before each step")])
def test_mask_that_is_the_wrong_way_round_is_named_and_turned(masked, hidden):
    (only,) = found(Encoder(masked), padded())
    assert only.code == "SW619"
    assert only.verified
    assert hidden in only.reason
    assert "~" in only.fix


def keys_multiplied(m, scores, ids):
    return scores * (ids != 0)[:, None, None, :]


def later_keys_multiplied(m, scores, ids):
    return scores * torch.tril(torch.ones(scores.shape[-2:]))


def keys_filled_with_zeros(m, scores, ids):
    return scores.masked_fill((ids == 0)[:, None, None, :], 0.0)


@pytest.mark.parametrize("masked", [keys_multiplied, later_keys_multiplied, keys_filled_with_zeros])
def test_zero_in_the_place_of_what_is_hidden_is_named_and_mended(masked):
    (only,) = found(Encoder(masked), padded())
    assert only.code == "SW620"
    assert only.verified
    assert "-1e9" in only.fix


def keys_filled(m, scores, ids):
    return scores.masked_fill((ids == 0)[:, None, None, :], -1e9)


def both_filled(m, scores, ids):
    return keys_filled(m, scores, ids).masked_fill((ids == 0)[:, None, :, None], -1e9)


def pairs_filled(m, scores, ids):
    return scores.masked_fill(~((ids != 0)[:, None, None, :] & (ids != 0)[:, None, :, None]), -1e9)


def empty_rows_opened(m, scores, ids):
    hidden = scores.masked_fill((ids == 0)[:, None, None, :], float("-inf"))
    return hidden.masked_fill((ids == 0).all(1)[:, None, None, None], 0.0)


def later_keys_filled(m, scores, ids):
    return scores.masked_fill(torch.triu(torch.ones(scores.shape[-2:]), 1).bool(), float("-inf"))


def keys_shifted(m, scores, ids):
    return scores + (1.0 - (ids != 0).float())[:, None, None, :] * -10000.0


def biased(m, scores, ids):
    return scores + m.bias


def keys_shifted_and_queries_filled(m, scores, ids):
    return queries_filled(m, keys_shifted(m, scores, ids), ids)


def positive_scores(m, scores, ids):
    return scores * (scores > 0)


def scores_dropped(m, scores, ids):
    return scores * (torch.rand(scores.shape) > 0.1)


def without_nan(m, scores, ids):
    return scores.masked_fill(torch.isnan(scores), 0.0)


RIGHT = [
    keys_filled,
    both_filled,
    pairs_filled,
    empty_rows_opened,
    later_keys_filled,
    keys_shifted,
    biased,
    keys_shifted_and_queries_filled,
    positive_scores,
    scores_dropped,
    without_nan,
]


@pytest.mark.parametrize("masked", RIGHT)
def test_mask_of_keys_is_right(masked):
    assert found(Encoder(masked), padded()) == []


def test_queries_of_padding_may_be_zeroed_behind_the_softmax():
    model = Encoder(keys_filled, lambda weights, ids: weights.masked_fill((ids == 0)[:, None, :, None], 0.0))
    assert found(model, padded()) == []


def attended(m, ids, **masks):
    h = m.emb(ids)
    return m.attention(h, h, h, **masks)[0]


def padding_of_layer(m, ids):
    return attended(m, ids, key_padding_mask=ids == 0)


def data_of_layer(m, ids):
    return m.body(m.emb(ids), src_key_padding_mask=ids != 0)


def padding_of_encoder(m, ids):
    return m.body(m.emb(ids), src_key_padding_mask=ids == 0)


def both_directions(m, ids):
    steps = torch.ones(ids.shape[1], ids.shape[1])
    later, earlier = steps.triu(1).bool(), steps.tril(-1).bool()
    return attended(m, ids, attn_mask=later) + attended(m, ids, attn_mask=earlier)


def later_of_layer(m, ids):
    return attended(m, ids, attn_mask=nn.Transformer.generate_square_subsequent_mask(ids.shape[1]))


def layers_of_attention():
    return embedded(attention=nn.MultiheadAttention(16, 4, batch_first=True), body=encoder())


def test_mask_of_data_is_turned_where_the_encoder_is_called():
    (only,) = found(Program(data_of_layer, **layers_of_attention()), padded())
    assert only.code == "SW619"
    assert only.verified
    assert "src_key_padding_mask=~(ids != 0)" in only.fix


@pytest.mark.parametrize("forward", [padding_of_layer, padding_of_encoder, both_directions, later_of_layer])
def test_masks_of_layers_are_right(forward):
    assert found(Program(forward, **layers_of_attention()), padded()) == []


# -- heads ------------------------------------------------------------------------------------------------------------


def split(x):
    return x.view(x.size(0), x.size(1), 4, -1)


def over_heads(m, x):
    batch, steps, width = x.shape
    q, k, v = split(m.q(x)), split(m.k(x)), split(m.v(x))
    weights = torch.softmax(q @ k.transpose(-2, -1) / 2, dim=-1)
    return m.head((weights @ v).reshape(batch, steps, width))


def over_heads_fused(m, x):
    q, k, v = split(m.q(x)), split(m.k(x)), split(m.v(x))
    return m.head(F.scaled_dot_product_attention(q, k, v).flatten(2))


def over_steps(m, x):
    batch, steps, width = x.shape
    q, k, v = (split(part(x)).transpose(1, 2) for part in (m.q, m.k, m.v))
    weights = torch.softmax(q @ k.transpose(-2, -1) / 2, dim=-1)
    return m.head((weights @ v).transpose(1, 2).reshape(batch, steps, width))


def over_features(m, x):
    q, k, v = (split(part(x)).permute(0, 2, 3, 1) for part in (m.q, m.k, m.v))
    mixed = torch.softmax(q @ k.transpose(-2, -1), -1) @ v
    return m.head(mixed.permute(0, 3, 1, 2).reshape(x.shape))


def gated_groups(m, x):
    gates = torch.softmax(split(m.q(x)).mean(-1), -1)
    return m.head((gates[..., None] * split(x)).reshape(x.shape))


def over_agents(m, x):
    return m.head(torch.softmax(m.q(x) @ m.k(x).transpose(-2, -1), -1) @ m.v(x))


def layers():
    return {name: nn.Linear(16, 16) for name in ("q", "k", "v", "head")}


@pytest.mark.parametrize("forward", [over_heads, over_heads_fused])
def test_attention_over_heads_is_named_and_mended(forward):
    (only,) = found(Program(forward, **layers()), series(features=16))
    assert only.code == "SW617"
    assert only.verified
    assert only.got == (6, 9, 4, 4)
    assert only.expected == (6, 4, 9, 4)


@pytest.mark.parametrize("forward", [over_steps, over_features, gated_groups])
def test_attention_over_steps_or_features_is_right(forward):
    assert found(Program(forward, **layers()), series(features=16)) == []


def test_attention_among_agents_is_right():
    torch.manual_seed(0)
    assert found(Program(over_agents, **layers()), torch.randn(6, 9, 5, 16)) == []
