"""MONAI: networks for images of two and three dimensions."""

from __future__ import annotations

from typing import Any, Callable

import torch

from . import Builder, Built, images

Make = Callable[[Any], torch.nn.Module]
FLAT: dict[str, tuple[Make, tuple[int, ...]]] = {
    "UNet": (lambda n: n.UNet(2, 1, 2, channels=(8, 16, 32), strides=(2, 2), num_res_units=1), (1, 32, 32)),
    "BasicUNet": (lambda n: n.BasicUNet(2, 1, 2, features=(8, 8, 16, 16, 32, 8)), (1, 64, 64)),
    "BasicUNetPlusPlus": (lambda n: n.BasicUNetPlusPlus(2, 1, 2, features=(8, 8, 16, 16, 32, 8)), (1, 64, 64)),
    "AttentionUnet": (lambda n: n.AttentionUnet(2, 1, 2, channels=(8, 16, 32), strides=(2, 2)), (1, 32, 32)),
    "SegResNet": (lambda n: n.SegResNet(2, 8, 1, 2, blocks_down=(1, 1, 1), blocks_up=(1, 1)), (1, 32, 32)),
    "SegResNetDS": (lambda n: n.SegResNetDS(2, 8, 1, 2, blocks_down=(1, 1, 1)), (1, 32, 32)),
    "SegResNetVAE": (lambda n: n.SegResNetVAE((32, 32), spatial_dims=2, init_filters=8, in_channels=1, out_channels=2), (1, 32, 32)),
    "DynUNet": (lambda n: n.DynUNet(2, 1, 2, kernel_size=[3, 3, 3], strides=[1, 2, 2], upsample_kernel_size=[2, 2], filters=[8, 16, 32]), (1, 32, 32)),
    "VNet": (lambda n: n.VNet(2, 1, 2), (1, 32, 32)),
    "FlexibleUNet": (lambda n: n.FlexibleUNet(3, 2, "efficientnet-b0", spatial_dims=2), (3, 64, 64)),
    "DenseNet121": (lambda n: n.DenseNet121(2, 1, 2), (1, 64, 64)),
    "EfficientNetBN": (lambda n: n.EfficientNetBN("efficientnet-b0", spatial_dims=2, in_channels=1, pretrained=False), (1, 64, 64)),
    "resnet18": (lambda n: n.resnet18(spatial_dims=2, n_input_channels=1), (1, 32, 32)),
    "SENet154": (lambda n: n.SENet(2, 1, "se", [1, 1, 1, 1], 4, 4, num_classes=2), (1, 64, 64)),
    "HighResNet": (lambda n: n.HighResNet(2, 1, 2), (1, 32, 32)),
    "AHNet": (lambda n: n.AHNet(spatial_dims=2, upsample_mode="transpose"), (1, 128, 128)),
    "AutoEncoder": (lambda n: n.AutoEncoder(2, 1, 1, channels=(8, 16), strides=(2, 2)), (1, 32, 32)),
    "Generator": (lambda n: n.Generator((16,), (8, 8, 8), channels=(8, 8), strides=(2, 2)), (16,)),
    "Discriminator": (lambda n: n.Discriminator((1, 32, 32), channels=(8, 8), strides=(2, 2)), (1, 32, 32)),
    "Regressor": (lambda n: n.Regressor((1, 32, 32), (2,), channels=(8, 8), strides=(2, 2)), (1, 32, 32)),
    "FullyConnectedNet": (lambda n: n.FullyConnectedNet(10, 3, [8, 8]), (10,)),
    "MedNeXt": (lambda n: n.MedNeXt(spatial_dims=2, init_filters=8, in_channels=1, out_channels=2, blocks_down=(1, 1, 1, 1), blocks_up=(1, 1, 1, 1)), (1, 32, 32)),
    "ViTAutoEnc": (lambda n: n.ViTAutoEnc(1, (32, 32), (8, 8), hidden_size=32, mlp_dim=64, num_layers=2, num_heads=4, spatial_dims=2), (1, 32, 32)),
    "AutoencoderKL": (lambda n: n.AutoencoderKL(2, 1, 1, num_res_blocks=(1, 1), channels=(8, 16), attention_levels=(False, True), latent_channels=2, norm_num_groups=4), (1, 16, 16)),
    "SPADEAutoencoder": (lambda n: n.VQVAE(2, 1, 1, channels=(8, 16), num_res_layers=1, num_res_channels=(8, 16), downsample_parameters=((2, 4, 1, 1), (2, 4, 1, 1)),
                                           upsample_parameters=((2, 4, 1, 1, 0), (2, 4, 1, 1, 0)), num_embeddings=16, embedding_dim=4), (1, 16, 16)),
    "PatchDiscriminator": (lambda n: n.PatchDiscriminator(2, channels=8, in_channels=1, num_layers_d=2), (1, 32, 32)),
}
DEEP: dict[str, tuple[Make, tuple[int, ...]]] = {
    "UNet-3d": (lambda n: n.UNet(3, 1, 2, channels=(8, 16, 32), strides=(2, 2), num_res_units=1), (1, 16, 16, 16)),
    "UNETR": (lambda n: n.UNETR(1, 2, (32, 32, 32), feature_size=4, hidden_size=24, mlp_dim=32, num_heads=3), (1, 32, 32, 32)),
    "SwinUNETR": (lambda n: n.SwinUNETR(1, 2, feature_size=12, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2)), (1, 32, 32, 32)),
    "SegResNet-3d": (lambda n: n.SegResNet(3, 8, 1, 2, blocks_down=(1, 1), blocks_up=(1,)), (1, 16, 16, 16)),
    "DenseNet-3d": (lambda n: n.DenseNet(3, 1, 2, init_features=8, growth_rate=4, block_config=(2, 2)), (1, 16, 16, 16)),
    "ViT-3d": (lambda n: n.ViT(1, (16, 16, 16), (8, 8, 8), hidden_size=24, mlp_dim=32, num_layers=2, num_heads=3, classification=True), (1, 16, 16, 16)),
    "VNet-3d": (lambda n: n.VNet(3, 1, 2), (1, 16, 16, 16)),
    "DiNTS": (lambda n: n.DiNTS(n.TopologyInstance(spatial_dims=3, num_blocks=4, num_depths=2, device="cpu"), 1, 2, spatial_dims=3, use_downsample=True), (1, 16, 16, 16)),
}


def build(make: Make, shape: tuple[int, ...]) -> Built:
    from monai.networks import nets
    return Built(make(nets), images(*shape))


def diffusion() -> Built:
    from monai.networks import nets
    model = nets.DiffusionModelUNet(2, 1, 1, num_res_blocks=(1, 1), channels=(8, 16), attention_levels=(False, True), num_head_channels=8, norm_num_groups=4)
    one = images(1, 16, 16)
    return Built(model, lambda batch: (*one(batch), torch.arange(1, batch + 1)))


def models() -> dict[str, Builder]:
    out: dict[str, Builder] = {name: (lambda m=make, s=shape: build(m, s)) for name, (make, shape) in (FLAT | DEEP).items()}
    return out | {"DiffusionModelUNet": diffusion}
