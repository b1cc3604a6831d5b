"""Tiny models of the `transformers` library, made from configurations, with their inputs; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers
from torch import nn

_SMALL = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40}
_DECODER = _SMALL | {"num_key_value_heads": 3, "vocab_size": 67, "pad_token_id": 0}


def ids(vocab: int = 67, batch: int = 3, length: int = 7) -> torch.Tensor:
    return torch.randint(1, vocab, (batch, length))


def pixels(size: int = 32) -> torch.Tensor:
    return torch.randn(3, 3, size, size)


def _masked(vocab: int = 67) -> dict[str, torch.Tensor]:
    mask = torch.ones(3, 7, dtype=torch.long)
    mask[1, 5:] = 0
    return {"input_ids": ids(vocab), "attention_mask": mask}


def _pair() -> dict[str, torch.Tensor]:
    return {"input_ids": ids(), "decoder_input_ids": ids(length=5)}


def _model(name: str, **settings: Any) -> nn.Module:
    config = getattr(transformers, name + "Config")(**settings)
    kind = getattr(transformers, name + "Model")
    return kind(config).eval()


_ENCODER_DECODER = {
    "d_model": 24, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 3, "vocab_size": 67,
    "decoder_attention_heads": 3, "encoder_ffn_dim": 40, "decoder_ffn_dim": 40, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip

MODELS: dict[str, Callable[[], tuple[nn.Module, Any]]] = {
    "BERT": lambda: (_model("Bert", vocab_size=67, **_SMALL), _masked()),
    "RoBERTa": lambda: (_model("Roberta", vocab_size=67, pad_token_id=0, **_SMALL), ids()),
    "DistilBERT": lambda: (_model("DistilBert", vocab_size=67, dim=24, n_layers=2, n_heads=3, hidden_dim=40), ids()),
    "ALBERT": lambda: (_model("Albert", vocab_size=67, embedding_size=12, **_SMALL), ids()),
    "ELECTRA": lambda: (_model("Electra", vocab_size=67, embedding_size=12, **_SMALL), ids()),
    "GPT-2": lambda: (_model("GPT2", vocab_size=67, n_embd=24, n_layer=2, n_head=3), ids()),
    "Llama": lambda: (_model("Llama", **_DECODER), ids()),
    "Mistral": lambda: (_model("Mistral", **_DECODER), ids()),
    "Qwen2": lambda: (_model("Qwen2", **_DECODER), ids()),
    "Mixtral": lambda: (_model("Mixtral", num_local_experts=4, **_DECODER), ids()),
    "T5": lambda: (
        _model("T5", vocab_size=67, d_model=24, d_kv=8, d_ff=40, num_layers=2, num_heads=3, pad_token_id=0),
        _pair(),
    ),
    "BART": lambda: (_model("Bart", **_ENCODER_DECODER), _pair()),
    "Whisper": lambda: (
        _model("Whisper", num_mel_bins=10, max_source_positions=15, decoder_start_token_id=1, **_ENCODER_DECODER),
        {"input_features": torch.randn(3, 10, 30), "decoder_input_ids": ids(length=5)},
    ),
    "Wav2Vec2": lambda: (
        _model(
            "Wav2Vec2", conv_dim=(12, 12), conv_stride=(5, 2), conv_kernel=(10, 3), num_feat_extract_layers=2,
            num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, **_SMALL,
        ),
        torch.randn(3, 400),
    ),
    "ViT": lambda: (_model("ViT", image_size=32, patch_size=8, **_SMALL), pixels()),
    "DeiT": lambda: (_model("DeiT", image_size=32, patch_size=8, **_SMALL), pixels()),
    "ResNet": lambda: (_model("ResNet", embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1]), pixels()),
    "ConvNeXt": lambda: (_model("ConvNext", hidden_sizes=[8, 16], depths=[1, 1], num_stages=2), pixels()),
    "CLIP": lambda: (
        transformers.CLIPModel(
            transformers.CLIPConfig(
                text_config=dict(_SMALL, vocab_size=67, max_position_embeddings=20, eos_token_id=2),
                vision_config=dict(_SMALL, image_size=32, patch_size=8),
                projection_dim=16,
            )
        ).eval(),
        {"input_ids": ids(), "pixel_values": pixels()},
    ),
    "Mamba": lambda: (_model("Mamba", vocab_size=67, hidden_size=24, num_hidden_layers=2, state_size=4), ids()),
}  # fmt: skip
