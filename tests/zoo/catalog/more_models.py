"""Speech, tables and other packages of one or a few models each (requirements_more.txt)."""

from __future__ import annotations

from typing import Callable

import torch

from . import Builder, Built, images, tokens
from .torchvision_models import define_operators


def whisper() -> Built:
    from whisper.model import ModelDimensions, Whisper
    model = Whisper(ModelDimensions(n_mels=16, n_audio_ctx=32, n_audio_state=32, n_audio_head=4, n_audio_layer=2, n_vocab=64, n_text_ctx=16,
                                    n_text_state=32, n_text_head=4, n_text_layer=2))
    return Built(model, lambda batch: (images(16, 64)(batch)[0], tokens(8, 64)(batch)[0]))


def encodec() -> Built:
    from encodec.modules import SEANetDecoder, SEANetEncoder
    return Built(torch.nn.Sequential(SEANetEncoder(dimension=16, n_filters=4, ratios=[4, 2]), SEANetDecoder(dimension=16, n_filters=4, ratios=[4, 2])), images(1, 320))


def efficientnet() -> Built:
    from efficientnet_pytorch import EfficientNet
    return Built(EfficientNet.from_name("efficientnet-b0", image_size=64), images(3, 64, 64))


def tabnet() -> Built:
    from pytorch_tabnet.tab_network import TabNetNoEmbeddings
    return Built(TabNetNoEmbeddings(8, 3, n_d=8, n_a=8, n_steps=3, group_attention_matrix=torch.eye(8)), images(8))


def crepe() -> Built:
    from torchcrepe.model import Crepe
    return Built(Crepe("tiny"), images(1024))


def speaker() -> Built:
    from resemblyzer.voice_encoder import VoiceEncoder
    model = VoiceEncoder.__new__(VoiceEncoder)
    torch.nn.Module.__init__(model)
    model.lstm, model.linear, model.relu = torch.nn.LSTM(40, 32, 3, batch_first=True), torch.nn.Linear(32, 32), torch.nn.ReLU()
    return Built(model, images(20, 40))


def speechbrain(make: Callable[[], torch.nn.Module], *shape: int) -> Builder:
    return lambda: Built(make(), images(*shape))


def ecapa() -> torch.nn.Module:
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
    return ECAPA_TDNN(16, channels=[16, 16, 16, 16, 48], attention_channels=8, lin_neurons=8)


def xvector() -> torch.nn.Module:
    from speechbrain.lobes.models.Xvector import Xvector
    return Xvector(in_channels=16, tdnn_channels=[16] * 5, tdnn_kernel_sizes=[5, 3, 3, 1, 1], tdnn_dilations=[1, 2, 3, 1, 1], lin_neurons=8)


def crdnn() -> torch.nn.Module:
    from speechbrain.lobes.models.CRDNN import CRDNN
    return CRDNN(input_size=16, cnn_blocks=1, cnn_channels=(4,), rnn_layers=1, rnn_neurons=8, dnn_blocks=1, dnn_neurons=8)


def models() -> dict[str, Builder]:
    define_operators()
    return {"whisper": whisper, "encodec": encodec, "efficientnet_pytorch": efficientnet, "tabnet": tabnet, "torchcrepe": crepe, "resemblyzer": speaker,
            "speechbrain-ecapa": speechbrain(ecapa, 40, 16), "speechbrain-xvector": speechbrain(xvector, 40, 16), "speechbrain-crdnn": speechbrain(crdnn, 40, 16)}
