"""x-transformers: the options that its own readme shows."""

from __future__ import annotations

from typing import Any

import torch

from . import Builder, Built, images, tokens

DECODERS: dict[str, dict[str, Any]] = {
    "plain": {}, "rotary": {"rotary_pos_emb": True}, "alibi": {"alibi_pos_bias": True}, "relative": {"rel_pos_bias": True}, "dynamic": {"dynamic_pos_bias": True, "dynamic_pos_bias_log_distance": False},
    "rmsnorm": {"use_rmsnorm": True}, "simple_rmsnorm": {"use_simple_rmsnorm": True}, "glu": {"ff_glu": True, "ff_swish": True}, "relu2": {"ff_relu_squared": True},
    "no_bias": {"ff_no_bias": True}, "qk_norm": {"attn_qk_norm": True}, "qk_norm_scale": {"attn_qk_norm": True, "attn_qk_norm_dim_scale": True}, "gate": {"attn_gate_values": True},
    "talking_heads": {"attn_pre_talking_heads": True}, "sparse": {"attn_sparse_topk": 4}, "one_kv_head": {"attn_one_kv_head": True}, "kv_heads": {"attn_kv_heads": 2},
    "sandwich": {"sandwich_coef": 1}, "macaron": {"macaron": True}, "residual_attn": {"residual_attn": True}, "shift": {"shift_tokens": 1}, "scale_residual": {"scale_residual": True},
    "sandwich_norm": {"sandwich_norm": True}, "memory": {"attn_num_mem_kv": 4}, "flash": {"attn_flash": True}, "deepnorm": {"pre_norm": False}, "softclamp": {"attn_softclamp_logits": True},
}


def decoder(words: dict[str, Any]) -> Built:
    from x_transformers import Decoder, TransformerWrapper
    return Built(TransformerWrapper(num_tokens=64, max_seq_len=32, attn_layers=Decoder(dim=32, depth=2, heads=4, attn_dim_head=8, **words)), tokens(16, 64))


def encoder() -> Built:
    from x_transformers import Encoder, TransformerWrapper
    return Built(TransformerWrapper(num_tokens=64, max_seq_len=32, attn_layers=Encoder(dim=32, depth=2, heads=4)), tokens(16, 64))


def vision() -> Built:
    from x_transformers import Encoder, ViTransformerWrapper
    return Built(ViTransformerWrapper(image_size=32, patch_size=8, num_classes=10, attn_layers=Encoder(dim=32, depth=2, heads=4)), images(3, 32, 32))


def continuous() -> Built:
    from x_transformers import ContinuousTransformerWrapper, Decoder
    return Built(ContinuousTransformerWrapper(dim_in=8, dim_out=4, max_seq_len=32, attn_layers=Decoder(dim=32, depth=2, heads=4)), images(16, 8))


def encoder_decoder() -> Built:
    from x_transformers import XTransformer

    class Both(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            whole = XTransformer(dim=32, enc_num_tokens=64, enc_depth=2, enc_heads=4, enc_max_seq_len=32, dec_num_tokens=64, dec_depth=2, dec_heads=4, dec_max_seq_len=32)
            self.encoder, self.decoder = whole.encoder, whole.decoder.net

        def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return self.decoder(target, context=self.encoder(source, return_embeddings=True))

    one = tokens(12, 64)
    return Built(Both(), lambda batch: (*one(batch), one(batch)[0].flip(1)))


def models() -> dict[str, Builder]:
    out: dict[str, Builder] = {f"decoder-{name}": (lambda w=words: decoder(w)) for name, words in DECODERS.items()}
    return out | {"encoder": encoder, "vision": vision, "continuous": continuous, "encoder_decoder": encoder_decoder}
