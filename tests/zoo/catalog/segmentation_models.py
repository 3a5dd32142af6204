"""segmentation_models_pytorch: every architecture, and a few encoders."""

from __future__ import annotations

from . import Builder, Built, images
from .torchvision_models import define_operators

ARCHITECTURES = "Unet UnetPlusPlus MAnet Linknet FPN PSPNet PAN DeepLabV3 DeepLabV3Plus UPerNet Segformer DPT".split()
ENCODERS = "mobilenet_v2 efficientnet-b0 densenet121 vgg11_bn mit_b0 xception timm-regnetx_002 se_resnet50 dpn68 inceptionv4 mobileone_s0".split()


def build(architecture: str, encoder: str) -> Built:
    define_operators()
    import segmentation_models_pytorch as smp
    if architecture == "DPT":
        model = smp.DPT("tu-vit_tiny_patch16_224", encoder_weights=None, classes=2)
        return Built(model, images(3, 224, 224))
    return Built(getattr(smp, architecture)(encoder, encoder_weights=None, classes=2), images(3, 64, 64))


def models() -> dict[str, Builder]:
    out: dict[str, Builder] = {a: (lambda a=a: build(a, "resnet18")) for a in ARCHITECTURES}
    return out | {f"Unet-{e}": (lambda e=e: build("Unet", e)) for e in ENCODERS}
