"""timm: one of each family, small."""

from __future__ import annotations

from . import Builder, Built, images
from .torchvision_models import define_operators

CONVOLUTIONS = """bat_resnext26ts botnet26t_256 convmixer_768_32 convnext_atto convnextv2_atto cs3darknet_focus_s cspdarknet53 cspresnet50 densenet121 dla46_c dpn68
 eca_botnext26ts_256 eca_halonext26ts edgenext_xx_small efficientnet_b0 efficientnet_es efficientnet_lite0 efficientnetv2_rw_t ese_vovnet19b_dw fbnetc_100
 fastvit_t8 gcresnet33ts gernet_s ghostnet_050 ghostnetv2_100 halonet26t hardcorenas_a hgnet_tiny hgnetv2_b0 hrnet_w18_small inception_next_tiny inception_v3
 inception_v4 lambda_resnet26t lcnet_050 mambaout_femto mixnet_s mnasnet_small mobilenetv1_100 mobilenetv2_035 mobilenetv3_small_050 mobilenetv4_conv_small
 mobileone_s0 mobilevit_xxs mobilevitv2_050 nextvit_small nf_regnet_b0 nf_resnet26 nfnet_l0 poolformer_s12 poolformerv2_s12 pvt_v2_b0 rdnet_tiny regnetx_002
 regnety_002 regnetz_b16 repghostnet_050 repvgg_a0 repvit_m0_9 res2net50_14w_8s res2next50 resnest14d resnet18 resnet26t resnetblur50 resnetrs50 resnetv2_50
 resnext26ts rexnet_100 sebotnet33ts_256 selecsls42 semnasnet_050 seresnext26ts skresnet18 spnasnet_100 starnet_s1 swiftformer_xs tf_efficientnet_b0 tf_mixnet_s
 tf_mobilenetv3_small_minimal_100 tinynet_e tresnet_m vgg11 vovnet39a wide_resnet50_2 xception41 convformer_s18 caformer_s18""".split()
ATTENTION = """beit_base_patch16_224 cait_xxs24_224 coat_tiny coat_lite_tiny coatnet_nano_rw_224 convit_tiny crossvit_tiny_240 davit_tiny deit_tiny_patch16_224
 deit_tiny_distilled_patch16_224 deit3_small_patch16_224 efficientformer_l1 efficientformerv2_s0 efficientvit_b0 efficientvit_m0 eva02_tiny_patch14_224
 flexivit_small focalnet_tiny_srf gcvit_xxtiny gmixer_12_224 gmlp_ti16_224 hiera_tiny_224 levit_128s maxvit_rmlp_pico_rw_256 maxxvit_rmlp_nano_rw_256 mixer_s32_224
 mvitv2_tiny nest_tiny pit_ti_224 pit_ti_distilled_224 resmlp_12_224 sequencer2d_s swin_tiny_patch4_window7_224 swinv2_cr_tiny_ns_224 swinv2_tiny_window8_256
 tiny_vit_5m_224 tnt_s_patch16_224 twins_pcpvt_small twins_svt_small visformer_tiny vit_relpos_small_patch16_224 vit_small_patch32_224 vit_tiny_patch16_224
 vitamin_small_224 volo_d1_224 xcit_nano_12_p16_224""".split()
OWN_SIZE = {"inception_v3": 96, "inception_v4": 96}


def build(name: str) -> Built:
    define_operators()
    import timm
    size = OWN_SIZE.get(name, 64)
    if name in CONVOLUTIONS:
        return Built(timm.create_model(name, pretrained=False), images(3, size, size))
    model = timm.create_model(name, pretrained=False)
    channels, *sizes = model.default_cfg["input_size"]
    return Built(model, images(channels, *sizes))


def models() -> dict[str, Builder]:
    return {name: (lambda n=name: build(n)) for name in [*CONVOLUTIONS, *ATTENTION]}
