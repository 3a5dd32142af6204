"""transformers: the base model of each architecture, its configuration shrunk by the names of its fields."""

from __future__ import annotations

import inspect
from typing import Any, Callable

import torch

from . import Builder, Built
from .torchvision_models import define_operators

SMALL: dict[str, Any] = {}
for value, fields in {
    32: "hidden_size d_model n_embd dim model_dim emb_dim embed_dim input_dim width projection_dim decoder_hidden_size encoder_hidden_size text_embed_dim",
    64: "intermediate_size d_ff ffn_dim encoder_ffn_dim decoder_ffn_dim hidden_dim d_inner n_inner ffn_hidden_size dim_feedforward ffn_size mlp_dim "
        "encoder_intermediate_size decoder_intermediate_size max_position_embeddings n_positions max_source_positions max_target_positions block_sparse_moe_size",
    48: "moe_intermediate_size shared_expert_intermediate_size shared_intermediate_size expert_intermediate_size moe_d_ff",
    2: "num_hidden_layers n_layer n_layers num_layers encoder_layers decoder_layers num_encoder_layers num_decoder_layers num_blocks_per_layer "
       "num_key_value_heads num_kv_heads num_experts_per_tok num_experts_per_token moe_topk moe_k",
    4: "num_attention_heads n_head n_heads num_heads encoder_attention_heads decoder_attention_heads num_experts num_local_experts n_routed_experts moe_num_experts",
    8: "head_dim d_kv kv_channels attention_head_size qk_rope_head_dim qk_nope_head_dim v_head_dim d_head attention_window sliding_window",
    16: "q_lora_rank kv_lora_rank embedding_size",
    1: "n_group topk_group first_k_dense_replace n_shared_experts bos_token_id num_nextn_predict_layers",
    99: "vocab_size",
    0: "pad_token_id", 3: "eos_token_id decoder_start_token_id"}.items():
    SMALL |= {name: value for name in fields.split()}
VISION = {"image_size": 32, "patch_size": 8}
# Several inputs of different kinds, or none that a model of this size could be given.
TEXT = """albert apertus arcee arctic aya_vision_text bamba bart bert bert-generation big_bird bigbird_pegasus biogpt bitnet blenderbot blenderbot-small bloom camembert canine
 codegen cohere cohere2 convbert cpmant ctrl cwm data2vec-text dbrx deberta deberta-v2 deepseek_v2 deepseek_v3 diffllama distilbert doge dots1 electra ernie ernie4_5
 ernie4_5_moe esm exaone4 falcon falcon_h1 falcon_mamba flaubert flex_olmo fnet fsmt funnel gemma gemma2 gemma3_text glm glm4 glm4_moe gpt2 gpt_bigcode gpt_neo gpt_neox
 gpt_neox_japanese gpt_oss gptj granite granitemoe granitemoehybrid granitemoeshared helium hunyuan_v1_dense hunyuan_v1_moe ibert jamba jetmoe layoutlm led lfm2 lfm2_moe
 lilt llama llama4_text longcat_flash longformer longt5 luke m2m_100 mamba mamba2 marian markuplm mbart megatron-bert mega minimax ministral mistral mixtral
 mobilebert modernbert modernbert-decoder mpnet mpt mra mt5 mvp nemotron nezha nllb-moe nystromformer olmo olmo2 olmo3 olmoe openai-gpt opt pegasus pegasus_x persimmon phi phi3
 phimoe plbart prophetnet qwen2 qwen2_moe qwen3 qwen3_moe qwen3_next recurrent_gemma reformer rembert roberta roberta-prelayernorm roc_bert roformer rwkv seed_oss smollm3
 splinter squeezebert stablelm starcoder2 switch_transformers t5 umt5 vaultgemma xglm xlm xlm-roberta xlm-roberta-xl xlnet xlstm xmod yoso zamba zamba2""".split()
IMAGES = """beit bit clip_vision_model convnext convnextv2 cvt data2vec-vision deit dinat dinov2 dinov2_with_registers dinov3_convnext dinov3_vit dpt efficientnet focalnet glpn hgnet_v2 hiera
 ijepa imagegpt levit mobilenet_v1 mobilenet_v2 mobilevit mobilevitv2 nat poolformer pvt pvt_v2 regnet resnet segformer siglip_vision_model siglip swiftformer swin swin2sr swinv2
 textnet timesformer van vit vit_hybrid vit_mae vit_msn vitdet vivit yolos""".split()
SOUND = "audio-spectrogram-transformer data2vec-audio hubert moonshine sew sew-d speech_to_text unispeech unispeech-sat wav2vec2 wav2vec2-bert wav2vec2-conformer wavlm whisper".split()


class Named(torch.nn.Module):
    def __init__(self, model: torch.nn.Module, names: list[str], extra: dict[str, Any]) -> None:
        super().__init__()
        self.model, self.names, self.extra = model, names, extra

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.model(**dict(zip(self.names, inputs)), **self.extra)


def shrunk(kind: type, more: dict[str, Any]) -> Any:
    """A configuration of this class; fields that refuse a small value keep their own."""
    names = set(inspect.signature(kind.__init__).parameters) | set(getattr(kind, "__dataclass_fields__", {}))
    mapped = getattr(kind, "attribute_map", {})
    words = {name: value for name, value in (SMALL | more).items() if name in names and name not in mapped}
    default = kind()
    for name in list(words):
        own = getattr(default, name, None)
        if isinstance(own, (list, tuple, dict)) or (own is None and name not in ("pad_token_id", "head_dim")):
            del words[name]
    if "num_key_value_heads" in words and getattr(default, "num_key_value_heads", None) == getattr(default, "num_attention_heads", 0):
        words["num_key_value_heads"] = 4
    return kind(**words)


def inputs_of(model: torch.nn.Module, config: Any) -> dict[str, Callable[[int], torch.Tensor]]:
    accepted = inspect.signature(model.forward).parameters
    vocabulary = min(int(getattr(config, "vocab_size", 99) or 99), 99)
    main = model.main_input_name

    def ids(batch: int, length: int = 16) -> torch.Tensor:
        return torch.randint(4, vocabulary, (batch, length), generator=torch.Generator().manual_seed(batch))

    def randn(*shape: int) -> Callable[[int], torch.Tensor]:
        return lambda batch: torch.randn(batch, *shape, generator=torch.Generator().manual_seed(batch))

    out: dict[str, Callable[[int], torch.Tensor]] = {}
    if main == "pixel_values":
        size = getattr(config, "image_size", 64) or 64
        high, wide = (size, size) if isinstance(size, int) else (size[0], size[1])
        frames = (getattr(config, "num_frames", 0),) if hasattr(config, "num_frames") else ()
        out[main] = randn(*frames, getattr(config, "num_channels", 3), high, wide)
    elif main == "input_features":
        bins = getattr(config, "num_mel_bins", getattr(config, "feature_projection_input_dim", 80))
        length = 2 * getattr(config, "max_source_positions", 32)
        out[main] = randn(bins, length) if config.model_type == "whisper" else randn(64, bins)
    elif main == "input_values":
        out[main] = randn(config.max_length, config.num_mel_bins) if hasattr(config, "max_length") and hasattr(config, "num_mel_bins") else randn(1600)
    else:
        out["input_ids"] = ids
        if "attention_mask" in accepted and config.model_type not in ("fnet", "reformer"):
            out["attention_mask"] = lambda batch: torch.ones(batch, 16, dtype=torch.int64).index_fill_(1, torch.tensor([14, 15]), 1 if config.model_type in ("mamba", "mamba2") else 0)
    if "decoder_input_ids" in accepted and getattr(config, "is_encoder_decoder", False):
        out["decoder_input_ids"] = lambda batch: ids(batch, 8)
    return out


def build(name: str, more: dict[str, Any]) -> Built:
    define_operators()
    import transformers
    kind = transformers.CONFIG_MAPPING[name]
    config = shrunk(kind, more)
    model = transformers.AutoModel.from_config(config)
    made = inputs_of(model, config)
    accepted = inspect.signature(model.forward).parameters
    extra = {"use_cache": False} if "use_cache" in accepted else {}
    return Built(Named(model, list(made), extra), lambda batch: tuple(make(batch) for make in made.values()))


def models() -> dict[str, Builder]:
    out: dict[str, Builder] = {name: (lambda n=name: build(n, {})) for name in [*TEXT, *SOUND]}
    return out | {name: (lambda n=name: build(n, VISION)) for name in IMAGES}
