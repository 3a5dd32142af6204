"""Exports as other people's packages write them: their own code and their own calls, unchanged, under onnxport.patch().

Each function makes one export in an empty folder and says what was measured. What a package checks itself (check_forward, verify)
must pass; where it checks nothing, or one size alone, the file is compared here with the module, at sizes that were not exported too.
"""
from __future__ import annotations

import copy
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import onnx
import onnxruntime
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "zoo"))
from catalog.torchvision_models import define_operators  # noqa: E402

import onnxport  # noqa: E402

define_operators()
Inputs = Sequence[torch.Tensor]


def tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        return [t for inner in value.values() for t in tensors(inner)]
    if isinstance(value, (list, tuple)):
        return [t for inner in value for t in tensors(inner)]
    return []


def compared(file: Path | str, reference: Callable[..., Any], cases: Sequence[Inputs], most: float = 1e-3) -> str:
    """The file gives what `reference` gives for each of the inputs, in shape, in type and within `most` of the largest number."""
    model = onnx.load(file)
    assert model.producer_name == "onnxport", model.producer_name
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    worst = 0.0
    for inputs in cases:
        with torch.no_grad():
            wanted = tensors(reference(*inputs))
        got = session.run(None, dict(zip(names, (t.numpy() for t in inputs), strict=True)))
        assert len(got) == len(wanted), f"{len(got)} outputs for {len(wanted)} results"
        for ours, theirs in zip(got, wanted):
            theirs = theirs.numpy()
            assert ours.shape == theirs.shape and ours.dtype == theirs.dtype, (ours.shape, theirs.shape, ours.dtype, theirs.dtype)
            if theirs.size:
                scale = max(float(numpy.abs(theirs).max()), 1e-6)
                worst = max(worst, float(numpy.abs(ours.astype(numpy.float64) - theirs.astype(numpy.float64)).max()) / scale)
    assert worst <= most, f"differs by {worst:.2g} of the largest number"
    opset = next(o.version for o in model.opset_import if o.domain == "")
    return f"{len(model.graph.node)} nodes, opset {opset}, {len(cases)} sizes, within {worst:.1g}"


# ---- ultralytics: the export of its own command line ----

def yolo(name: str, **options: Any) -> str:
    from ultralytics import YOLO

    model = YOLO(f"{name}.yaml", verbose=False)
    reference = copy.deepcopy(model.model).eval().float().fuse(verbose=False)
    size = options.get("imgsz", 64)
    with onnxport.patch():
        file = model.export(format="onnx", imgsz=size, simplify=False, **options)
    for module in reference.modules():  # as its exporter sets them, except the format, which changes nothing that is computed
        if hasattr(module, "export"):
            module.export, module.dynamic, module.format = True, True, "onnx"
    sizes = [(1, size, size), (2, 96, 64), (3, 64, 128)] if options.get("dynamic") else [(1, size, size)]
    return compared(file, reference, [(torch.rand(n, 3, h, w),) for n, h, w in sizes])


# ---- timm: its own function, which checks the file and compares it ----

def timm_model(name: str, size: int = 224, dynamo: bool = False) -> str:
    import timm
    from timm.utils.onnx import onnx_export

    model = timm.create_model(name, exportable=True, num_classes=10).eval()
    with onnxport.patch():
        onnx_export(model, "model.onnx", check=True, check_forward=True, batch_size=2, input_size=(3, size, size), use_dynamo=dynamo)
    return compared("model.onnx", model, [(torch.randn(n, 3, size, size),) for n in (1, 2, 5)])


# ---- MONAI: its own function, which verifies by ONNX Runtime ----

def monai_model(make: Callable[[Any], torch.nn.Module], shape: tuple[int, ...], **options: Any) -> str:
    from monai import networks

    model = make(networks.nets).eval()
    x = torch.randn(1, *shape)
    with onnxport.patch():
        networks.utils.convert_to_onnx(model=model, inputs=[x], input_names=["image"], output_names=["result"], filename="model.onnx",
                                       dynamic_axes={"image": {0: "batch"}, "result": {0: "batch"}}, verify=True, use_ort=True,
                                       device=torch.device("cpu"), rtol=1e-3, atol=1e-4, **options)
    return compared("model.onnx", model, [(x,), (torch.randn(3, *shape),)])


# ---- transformers: its own exporter, an ExportedProgram and a table of translations ----

def transformers_model(kind: str, config: str, words: dict[str, Any], make: Callable[[int], dict[str, torch.Tensor]]) -> str:
    import transformers
    from transformers.exporters import OnnxConfig, OnnxExporter

    model = getattr(transformers, kind)(getattr(transformers, config)(**words)).eval()
    with onnxport.patch():
        exported = OnnxExporter().export(model, make(2), config=OnnxConfig(dynamic=True))
    exported.save_pretrained("exported")
    file = next(Path("exported").rglob("*.onnx"))
    names = [i.name for i in onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"]).get_inputs()]

    def reference(*inputs: torch.Tensor) -> Any:
        found = model(**dict(zip(names, inputs)))
        return [found[key] for key in found]

    return compared(file, reference, [[make(n)[name] for name in names] for n in (2, 3)])


def text(length: int, below: int) -> Callable[[int], dict[str, torch.Tensor]]:
    def make(batch: int) -> dict[str, torch.Tensor]:
        return {"input_ids": torch.randint(0, below, (batch, length + batch)),
                "attention_mask": torch.ones(batch, length + batch, dtype=torch.int64)}
    return make


SMALL = {"vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}


# ---- segmentation_models_pytorch: the call of its documentation ----

def smp_model(architecture: str) -> str:
    import segmentation_models_pytorch as smp

    model = getattr(smp, architecture)("resnet18", encoder_weights=None, classes=2).eval()
    axes = {0: "batch_size", 2: "height", 3: "width"}
    with onnxport.patch():
        torch.onnx.export(model, torch.randn(1, 3, 224, 224), "model.onnx", export_params=True, opset_version=17, do_constant_folding=True,
                          input_names=["input"], output_names=["output"], dynamic_axes={"input": axes, "output": axes})
    return compared("model.onnx", model, [(torch.randn(n, 3, h, w),) for n, h, w in ((1, 224, 224), (2, 96, 160))])


# ---- diffusers: what its conversion script calls, arguments included that torch does not take any more ----

def diffusers_unet() -> str:
    from diffusers import UNet2DConditionModel

    model = UNet2DConditionModel(sample_size=16, in_channels=4, out_channels=4, block_out_channels=(16, 32), norm_num_groups=8,
                                 layers_per_block=1, cross_attention_dim=32, attention_head_dim=4,
                                 down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
                                 up_block_types=("UpBlock2D", "CrossAttnUpBlock2D")).eval()

    def make(batch: int, size: int) -> tuple[torch.Tensor, ...]:
        return torch.randn(batch, 4, size, size), torch.arange(batch).float(), torch.randn(batch, 7, 32)

    with onnxport.patch():
        torch.onnx.export(model, (*make(2, 16), False), f="model.onnx", output_names=["out_sample"], do_constant_folding=True,
                          input_names=["sample", "timestep", "encoder_hidden_states", "return_dict"], opset_version=14, dynamo=False,
                          dynamic_axes={"sample": {0: "batch", 1: "channels", 2: "height", 3: "width"}, "timestep": {0: "batch"},
                                        "encoder_hidden_states": {0: "batch", 1: "sequence"}},
                          use_external_data_format=True, enable_onnx_checker=True)
    return compared("model.onnx", lambda *x: model(*x, return_dict=False), [make(2, 16), make(3, 32)])


# ---- speech: a transducer, as icefall exports one: the encoder traced, decoder and joiner scripted ----

class Encoder(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 8, 3, (2, 1), padding=(0, 1))
        self.out = torch.nn.Linear(8 * 20, 32)
        layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=True)
        self.layers = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: torch.Tensor, x_lens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = torch.relu(self.conv(x.unsqueeze(1)))
        n, c, t, f = y.shape
        y = self.out(y.transpose(1, 2).reshape(n, t, c * f))
        lens = (x_lens - 3) // 2 + 1
        mask = torch.arange(t, device=x.device).unsqueeze(0) >= lens.unsqueeze(1)
        return self.layers(y, src_key_padding_mask=mask), lens


class Decoder(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(50, 32)
        self.conv = torch.nn.Conv1d(32, 32, 2, groups=8, bias=False)
        self.context_size = 2

    def forward(self, y: torch.Tensor, need_pad: bool = True) -> torch.Tensor:
        embedded = self.embedding(y.clamp(min=0)) * (y >= 0).unsqueeze(-1)
        if self.context_size > 1:
            embedded = embedded.permute(0, 2, 1)
            if need_pad:
                embedded = torch.nn.functional.pad(embedded, (self.context_size - 1, 0))
            else:
                assert embedded.size(-1) == self.context_size
            embedded = self.conv(embedded).permute(0, 2, 1)
        return torch.relu(embedded)


class OnnxDecoder(torch.nn.Module):
    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder
        self.proj = torch.nn.Linear(32, 32)

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        out = self.decoder(y, need_pad=False)
        return self.proj(out.squeeze(1))


class Joiner(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.out = torch.nn.Linear(32, 50)

    def forward(self, encoder_out: torch.Tensor, decoder_out: torch.Tensor) -> torch.Tensor:
        return self.out(torch.tanh(encoder_out + decoder_out))


def transducer() -> str:
    torch.backends.mha.set_fastpath_enabled(False)  # a trace and its check would take different paths
    encoder, decoder, joiner = Encoder().eval(), OnnxDecoder(Decoder()).eval(), Joiner().eval()
    lens = torch.tensor([20, 14])
    x, y = torch.randn(2, 20, 20), torch.zeros(10, 2, dtype=torch.int64)
    with onnxport.patch():
        traced = torch.jit.trace(encoder, (x, lens))
        torch.onnx.export(traced, (x, lens), "encoder.onnx", verbose=False, opset_version=13, input_names=["x", "x_lens"],
                          output_names=["encoder_out", "encoder_out_lens"],
                          dynamic_axes={"x": {0: "N", 1: "T"}, "x_lens": {0: "N"}, "encoder_out": {0: "N", 1: "T"},
                                        "encoder_out_lens": {0: "N"}})
        torch.onnx.export(torch.jit.script(decoder), y, "decoder.onnx", verbose=False, opset_version=13, input_names=["y"],
                          output_names=["decoder_out"], dynamic_axes={"y": {0: "N"}, "decoder_out": {0: "N"}})
        torch.onnx.export(torch.jit.script(joiner), (torch.rand(11, 32), torch.rand(11, 32)), "joiner.onnx", verbose=False,
                          opset_version=13, input_names=["encoder_out", "decoder_out"], output_names=["logit"],
                          dynamic_axes={"encoder_out": {0: "N"}, "decoder_out": {0: "N"}, "logit": {0: "N"}})
    said = [compared("encoder.onnx", encoder, [(x, lens), (torch.randn(3, 31, 20), torch.tensor([31, 20, 9]))]),
            compared("decoder.onnx", decoder, [(y,), (torch.randint(0, 50, (3, 2)),)]),
            compared("joiner.onnx", joiner, [(torch.rand(n, 32), torch.rand(n, 32)) for n in (11, 4)])]
    return "; ".join(said)


# ---- silero-vad: a ScriptModule as it is shipped; its network, which is given its state and gives the next ----

def silero_vad() -> str:
    import importlib.util

    folder = Path(importlib.util.find_spec("silero_vad").submodule_search_locations[0])
    model = torch.jit.load(next(folder.rglob("silero_vad.jit"))).eval()._model

    def make(batch: int) -> tuple[torch.Tensor, ...]:
        return torch.randn(batch, 576) * 0.1, torch.randn(2, batch, 128) * 0.1

    with onnxport.patch():
        torch.onnx.export(model, make(1), "model.onnx", input_names=["input", "state"], output_names=["output", "stateN"], opset_version=16,
                          dynamic_axes={"input": {0: "batch"}, "state": {1: "batch"}}, dynamo=False)
    return compared("model.onnx", model, [make(1), make(3)])


CALLS: dict[str, Callable[[], str]] = {
    "ultralytics yolo11n": lambda: yolo("yolo11n"),
    "ultralytics yolo11n dynamic": lambda: yolo("yolo11n", dynamic=True),
    "ultralytics yolo11n opset 12": lambda: yolo("yolo11n", opset=12),
    "ultralytics yolo11n-seg": lambda: yolo("yolo11n-seg", dynamic=True),
    "ultralytics yolo11n-pose": lambda: yolo("yolo11n-pose", dynamic=True),
    "ultralytics yolo11n-obb": lambda: yolo("yolo11n-obb", dynamic=True),
    "ultralytics yolo11n-cls": lambda: yolo("yolo11n-cls", dynamic=True),
    "ultralytics yolov8n": lambda: yolo("yolov8n", dynamic=True),
    "monai UNet": lambda: monai_model(lambda n: n.UNet(2, 1, 2, channels=(8, 16, 32), strides=(2, 2), num_res_units=1), (1, 32, 32)),
    "monai UNet dynamo=False": lambda: monai_model(lambda n: n.UNet(2, 1, 2, channels=(8, 16), strides=(2,)), (1, 32, 32), dynamo=False),
    "monai SegResNet": lambda: monai_model(lambda n: n.SegResNet(2, 8, 1, 2, blocks_down=(1, 1, 1), blocks_up=(1, 1)), (1, 32, 32)),
    "monai UNETR": lambda: monai_model(lambda n: n.UNETR(1, 2, 32, feature_size=4, hidden_size=32, mlp_dim=32, num_heads=4, spatial_dims=2), (1, 32, 32)),
    "monai DenseNet 3-D": lambda: monai_model(lambda n: n.DenseNet(3, 1, 2, init_features=8, growth_rate=4, block_config=(2, 2)), (1, 32, 32, 32)),
    "transformers BertModel": lambda: transformers_model("BertModel", "BertConfig", SMALL, text(8, 100)),
    "transformers GPT2LMHeadModel": lambda: transformers_model("GPT2LMHeadModel", "GPT2Config", {
        "vocab_size": 100, "n_embd": 32, "n_layer": 2, "n_head": 4, "use_cache": False}, text(8, 100)),
    "transformers LlamaForCausalLM": lambda: transformers_model("LlamaForCausalLM", "LlamaConfig", SMALL | {"use_cache": False}, text(8, 100)),
    "transformers ViTModel": lambda: transformers_model("ViTModel", "ViTConfig", {
        k: v for k, v in SMALL.items() if k != "vocab_size"} | {"image_size": 32, "patch_size": 8},
        lambda n: {"pixel_values": torch.randn(n, 3, 32, 32)}),
    "smp Unet": lambda: smp_model("Unet"),
    "smp FPN": lambda: smp_model("FPN"),
    "smp DeepLabV3Plus": lambda: smp_model("DeepLabV3Plus"),
    "diffusers UNet2DConditionModel": diffusers_unet,
    "icefall-style transducer": transducer,
    "silero-vad": silero_vad,
}
TIMM = {"resnet18": 64, "mobilenetv3_small_100": 64, "efficientnet_b0": 64, "tf_efficientnet_b0": 64, "convnext_atto": 64, "vit_tiny_patch16_224": 224,
        "swin_tiny_patch4_window7_224": 224, "regnetx_002": 64, "densenet121": 64, "mixer_s32_224": 224, "ghostnet_100": 64,
        "levit_128s": 224, "coat_lite_tiny": 224, "deit_tiny_patch16_224": 224, "edgenext_xx_small": 64, "maxvit_rmlp_pico_rw_256": 256,
        "mobilevit_xxs": 64, "poolformer_s12": 64, "rexnet_100": 64, "xcit_nano_12_p16_224": 224}
CALLS |= {f"timm {name} dynamo={dynamo}": (lambda n=name, s=size, d=dynamo: timm_model(n, s, d))
          for name, size in TIMM.items() for dynamo in (False, True)}
SAMPLE = ("ultralytics yolo11n dynamic", "monai UNet", "transformers BertModel", "smp Unet", "icefall-style transducer",
          "timm resnet18 dynamo=False", "timm resnet18 dynamo=True")
os.environ.setdefault("YOLO_AUTOINSTALL", "false")  # ultralytics would fetch packages of its own
