"""diffusers: denoisers and autoencoders, at the sizes of its own tests."""

from __future__ import annotations

from typing import Any, Callable

import torch

from . import Builder, Built
from .torchvision_models import define_operators


def seeded(batch: int) -> torch.Generator:
    return torch.Generator().manual_seed(batch)


def randn(batch: int, *shape: int) -> torch.Tensor:
    return torch.randn(batch, *shape, generator=seeded(batch))


class Named(torch.nn.Module):
    """A model that is called by the names of its arguments, and gives one tensor."""

    def __init__(self, model: torch.nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.model(**dict(zip(self.names, inputs)), return_dict=False)[0]


class Coded(torch.nn.Module):
    """An autoencoder without its draw: the mode of what it encodes."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        encoded = self.model.encode(x, return_dict=False)[0]
        latent = encoded.mode() if hasattr(encoded, "mode") and not isinstance(encoded, torch.Tensor) else encoded
        return self.model.decode(latent, return_dict=False)[0]


Inputs = dict[str, Callable[[int], torch.Tensor]]
TIME: Inputs = {"timestep": lambda b: torch.arange(1, b + 1)}
BLOCKS = {"block_out_channels": (16, 32), "norm_num_groups": 8, "layers_per_block": 1}

DENOISERS: dict[str, tuple[str, dict[str, Any], Inputs]] = {
    "UNet2DModel": ("UNet2DModel", BLOCKS | {"sample_size": 16, "in_channels": 3, "out_channels": 3, "attention_head_dim": 4,
                    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"), "up_block_types": ("AttnUpBlock2D", "UpBlock2D")},
                    {"sample": lambda b: randn(b, 3, 16, 16)} | TIME),
    "UNet2DConditionModel": ("UNet2DConditionModel", BLOCKS | {"sample_size": 16, "cross_attention_dim": 32, "attention_head_dim": 4,
                             "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D")},
                             {"sample": lambda b: randn(b, 4, 16, 16)} | TIME | {"encoder_hidden_states": lambda b: randn(b, 4, 32)}),
    "UNet2DConditionModel-linear": ("UNet2DConditionModel", BLOCKS | {"sample_size": 16, "cross_attention_dim": 32, "attention_head_dim": 4, "use_linear_projection": True,
                                    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"), "resnet_time_scale_shift": "scale_shift"},
                                    {"sample": lambda b: randn(b, 4, 16, 16)} | TIME | {"encoder_hidden_states": lambda b: randn(b, 4, 32)}),
    "UNet3DConditionModel": ("UNet3DConditionModel", BLOCKS | {"sample_size": 16, "cross_attention_dim": 32, "attention_head_dim": 4,
                             "down_block_types": ("CrossAttnDownBlock3D", "DownBlock3D"), "up_block_types": ("UpBlock3D", "CrossAttnUpBlock3D")},
                             {"sample": lambda b: randn(b, 4, 2, 16, 16)} | TIME | {"encoder_hidden_states": lambda b: randn(b, 4, 32)}),
    "DiTTransformer2DModel": ("DiTTransformer2DModel", {"num_attention_heads": 2, "attention_head_dim": 8, "in_channels": 4, "out_channels": 4, "num_layers": 2, "sample_size": 8,
                              "num_embeds_ada_norm": 10}, {"hidden_states": lambda b: randn(b, 4, 8, 8)} | TIME | {"class_labels": lambda b: torch.arange(b)}),
    "PixArtTransformer2DModel": ("PixArtTransformer2DModel", {"num_attention_heads": 2, "attention_head_dim": 8, "cross_attention_dim": 16, "num_layers": 2, "sample_size": 8,
                                 "caption_channels": 8, "use_additional_conditions": False},
                                 {"hidden_states": lambda b: randn(b, 4, 8, 8), "encoder_hidden_states": lambda b: randn(b, 4, 8)} | TIME),
    "SD3Transformer2DModel": ("SD3Transformer2DModel", {"sample_size": 8, "num_layers": 2, "attention_head_dim": 8, "num_attention_heads": 2, "joint_attention_dim": 16,
                              "caption_projection_dim": 16, "pooled_projection_dim": 12, "in_channels": 4, "out_channels": 4, "pos_embed_max_size": 16},
                              {"hidden_states": lambda b: randn(b, 4, 8, 8), "encoder_hidden_states": lambda b: randn(b, 4, 16), "pooled_projections": lambda b: randn(b, 12)} | TIME),
    "AuraFlowTransformer2DModel": ("AuraFlowTransformer2DModel", {"sample_size": 8, "num_mmdit_layers": 1, "num_single_dit_layers": 1, "attention_head_dim": 8, "num_attention_heads": 2,
                                   "joint_attention_dim": 16, "caption_projection_dim": 16, "pos_embed_max_size": 64},
                                   {"hidden_states": lambda b: randn(b, 4, 8, 8), "encoder_hidden_states": lambda b: randn(b, 4, 16), "timestep": lambda b: torch.rand(b, generator=seeded(b))}),
    "PriorTransformer": ("PriorTransformer", {"num_attention_heads": 2, "attention_head_dim": 8, "num_layers": 2, "embedding_dim": 16, "num_embeddings": 7, "additional_embeddings": 4},
                         {"hidden_states": lambda b: randn(b, 16)} | TIME | {"proj_embedding": lambda b: randn(b, 16) * 0.5, "encoder_hidden_states": lambda b: randn(b, 7, 16)}),
    "ControlNetModel": ("ControlNetModel", BLOCKS | {"cross_attention_dim": 32, "attention_head_dim": 4, "conditioning_embedding_out_channels": (8, 8),
                        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D")},
                        {"sample": lambda b: randn(b, 4, 16, 16)} | TIME | {"encoder_hidden_states": lambda b: randn(b, 4, 32), "controlnet_cond": lambda b: randn(b, 3, 32, 32)}),
    "SanaTransformer2DModel": ("SanaTransformer2DModel", {"sample_size": 8, "num_layers": 1, "in_channels": 4, "out_channels": 4, "num_attention_heads": 2, "attention_head_dim": 4,
                               "num_cross_attention_heads": 2, "cross_attention_head_dim": 4, "cross_attention_dim": 8, "caption_channels": 8},
                               {"hidden_states": lambda b: randn(b, 4, 8, 8), "encoder_hidden_states": lambda b: randn(b, 4, 8)} | TIME),
    "CogVideoXTransformer3DModel": ("CogVideoXTransformer3DModel", {"num_attention_heads": 2, "attention_head_dim": 8, "in_channels": 4, "out_channels": 4, "time_embed_dim": 2, "text_embed_dim": 8,
                                    "num_layers": 1, "sample_width": 8, "sample_height": 8, "sample_frames": 8, "patch_size": 2, "temporal_compression_ratio": 4, "max_text_seq_length": 8},
                                    {"hidden_states": lambda b: randn(b, 2, 4, 8, 8), "encoder_hidden_states": lambda b: randn(b, 8, 8)} | TIME),
}
CODERS: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {
    "AutoencoderKL": ("AutoencoderKL", BLOCKS | {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2, "latent_channels": 4}, (3, 16, 16)),
    "AsymmetricAutoencoderKL": ("AsymmetricAutoencoderKL", {"down_block_types": ("DownEncoderBlock2D",) * 2, "down_block_out_channels": (8, 16), "layers_per_down_block": 1,
                                "up_block_types": ("UpDecoderBlock2D",) * 2, "up_block_out_channels": (8, 16), "layers_per_up_block": 1, "norm_num_groups": 4}, (3, 16, 16)),
    "AutoencoderTiny": ("AutoencoderTiny", {"encoder_block_out_channels": (16, 16), "decoder_block_out_channels": (16, 16), "num_encoder_blocks": (1, 1), "num_decoder_blocks": (1, 1)}, (3, 16, 16)),
    "VQModel": ("VQModel", BLOCKS | {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2, "num_vq_embeddings": 16}, (3, 16, 16)),
    "AutoencoderDC": ("AutoencoderDC", {"in_channels": 3, "latent_channels": 4, "attention_head_dim": 4, "encoder_block_types": ("ResBlock", "EfficientViTBlock"), "decoder_block_types": ("ResBlock", "EfficientViTBlock"),
                      "encoder_block_out_channels": (8, 8), "decoder_block_out_channels": (8, 8), "encoder_layers_per_block": (1, 1), "decoder_layers_per_block": (1, 1),
                      "encoder_qkv_multiscales": ((), (5,)), "decoder_qkv_multiscales": ((), (5,))}, (3, 16, 16)),
}


def denoiser(kind: str, words: dict[str, Any], inputs: Inputs) -> Built:
    define_operators()
    import diffusers
    return Built(Named(getattr(diffusers, kind)(**words), tuple(inputs)), lambda batch: tuple(make(batch) for make in inputs.values()))


def coder(kind: str, words: dict[str, Any], shape: tuple[int, ...]) -> Built:
    define_operators()
    import diffusers
    return Built(Coded(getattr(diffusers, kind)(**words)), lambda batch: (randn(batch, *shape),))


def models() -> dict[str, Builder]:
    out: dict[str, Builder] = {name: (lambda m=made: denoiser(*m)) for name, made in DENOISERS.items()}
    return out | {name: (lambda m=made: coder(*m)) for name, made in CODERS.items()}
