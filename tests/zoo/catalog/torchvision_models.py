"""torchvision's Python definitions: its compiled operators are of another torch and stay unloaded."""

from __future__ import annotations

from typing import Any

import torch

from . import Builder, Built, images

CLASSIFICATION = ("alexnet convnext_tiny densenet121 efficientnet_b0 efficientnet_v2_s googlenet mnasnet0_5 mobilenet_v2 "
                  "mobilenet_v3_small mobilenet_v3_large regnet_x_400mf regnet_y_400mf resnet18 resnet50 resnext50_32x4d shufflenet_v2_x0_5 "
                  "squeezenet1_0 squeezenet1_1 swin_t swin_v2_t vgg11 vgg11_bn vgg16 vit_b_32 wide_resnet50_2").split()
SIZES = {"inception_v3": 96, "maxvit_t": 64, "alexnet": 96, "vit_b_32": 64}
SEGMENTATION = "deeplabv3_mobilenet_v3_large deeplabv3_resnet50 fcn_resnet50 lraspp_mobilenet_v3_large".split()
VIDEO = "r3d_18 mc3_18 r2plus1d_18 s3d mvit_v2_s swin3d_t".split()


def define_operators() -> None:
    """What importing torchvision asks for."""
    if hasattr(torch.ops.torchvision, "nms"):
        return
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    define_operators.kept = library  # type: ignore[attr-defined]


def classifier(name: str) -> Built:
    define_operators()
    import torchvision
    size = SIZES.get(name, 64)
    words: dict[str, Any] = {"weights": None}
    if name in ("googlenet", "inception_v3"):
        words |= {"init_weights": False, "aux_logits": False}
    if name.startswith("vit"):
        words["image_size"] = size
    if name == "maxvit_t":
        model = torchvision.models.maxvit.MaxVit(input_size=(64, 64), stem_channels=16, partition_size=2, block_channels=[16, 32],
                                                 block_layers=[1, 1], head_dim=16, stochastic_depth_prob=0.2)
    else:
        model = torchvision.models.get_model(name, **words)
    return Built(model, images(3, size, size))


def segmenter(name: str) -> Built:
    define_operators()
    import torchvision
    return Built(torchvision.models.get_model(name, weights=None, weights_backbone=None), images(3, 64, 64))


def video(name: str) -> Built:
    define_operators()
    import torchvision
    frames, size = (16, 224) if name == "mvit_v2_s" else (14, 64) if name == "s3d" else (8, 64)
    return Built(torchvision.models.get_model(name, weights=None), images(3, frames, size, size))


def raft() -> Built:
    define_operators()
    from torchvision.models.optical_flow import raft_small

    class Flow(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = raft_small(weights=None)

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> list[torch.Tensor]:
            return self.model(a, b, num_flow_updates=2)

    one = images(3, 128, 128)
    return Built(Flow(), lambda batch: (*one(batch), one(batch)[0].roll(1, -1)))


def models() -> dict[str, Builder]:
    out: dict[str, Builder] = {name: (lambda n=name: classifier(n)) for name in [*CLASSIFICATION, "inception_v3", "maxvit_t"]}
    out |= {name: (lambda n=name: segmenter(n)) for name in SEGMENTATION}
    out |= {name: (lambda n=name: video(n)) for name in VIDEO}
    return out | {"raft_small": raft}
