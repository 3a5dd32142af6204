"""The networks of networks.h, written in Python and exported through a .pt2, have as many nodes of each kind as from C++.

Nodes that compute sizes alone are not counted: torch.export writes a size as arithmetic on those of the inputs, a recording as the
Shape of a tensor.

    same_nodes.py MODULE_TESTS ONNXPORT
"""
from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import onnx
import torch
from torch import nn
from torch.nn import functional as F


class BasicBlock(nn.Module):
    def __init__(self, inner: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inner, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, padding=1, bias=False), nn.BatchNorm2d(out)
        same = stride == 1 and inner == out
        self.downsample = None if same else nn.Sequential(nn.Conv2d(inner, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8)
        self.layers = nn.Sequential(BasicBlock(8, 8, 1), BasicBlock(8, 16, 2), BasicBlock(16, 32, 2))
        self.fc = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(torch.relu(self.bn(self.conv(x))), 3, 2, 1)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(self.layers(x), 1), 1))


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for name, a, b, stride in (("inp", 1, 4, 1), ("down1", 4, 8, 2), ("down2", 8, 16, 2), ("up2", 24, 8, 1), ("up1", 12, 4, 1),
                                   ("out", 4, 2, 1)):
            setattr(self, name, nn.Conv2d(a, b, 3, stride, 1))

    @staticmethod
    def up(x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return torch.cat([F.interpolate(x, size=skip.shape[2:], mode="nearest"), skip], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = torch.relu(self.inp(x))
        b = torch.relu(self.down1(a))
        c = torch.relu(self.down2(b))
        return self.out(torch.relu(self.up1(self.up(torch.relu(self.up2(self.up(c, b))), a))))


class VitBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.inp, self.out = nn.LayerNorm(32), nn.Linear(32, 96), nn.Linear(32, 32)
        self.norm2, self.fc1, self.fc2 = nn.LayerNorm(32), nn.Linear(32, 64), nn.Linear(64, 32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, t, _ = x.shape
        qkv = self.inp(self.norm1(x)).reshape(n, t, 3, 4, 8).permute(2, 0, 3, 1, 4)
        a = torch.softmax(torch.matmul(qkv[0], qkv[1].transpose(-2, -1)) * (1 / math.sqrt(8.0)), -1)
        y = x + self.out(torch.matmul(a, qkv[2]).transpose(1, 2).reshape(n, t, 32))
        return y + self.fc2(F.gelu(self.fc1(self.norm2(y))))


class Vit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 32, 8, 8)
        self.token, self.places = nn.Parameter(torch.zeros(1, 1, 32)), nn.Parameter(torch.randn(1, 17, 32))
        self.block1, self.block2, self.norm, self.head = VitBlock(), VitBlock(), nn.LayerNorm(32), nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.patch(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(x.shape[0], -1, -1), y], 1) + self.places
        return self.head(self.norm(self.block2(self.block1(tokens))).select(1, 0))


class VqVae(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder1, self.encoder2 = nn.Conv2d(1, 8, 4, 2, 1), nn.Conv2d(8, 8, 4, 2, 1)
        self.entries = nn.Embedding(16, 8)
        self.decoder1, self.decoder2 = nn.ConvTranspose2d(8, 8, 4, 2, 1), nn.ConvTranspose2d(8, 1, 4, 2, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        z = torch.relu(self.encoder2(torch.relu(self.encoder1(x)))).permute(0, 2, 3, 1).contiguous()
        flat, book = z.view(-1, 8), self.entries.weight
        distances = flat.pow(2).sum(1, True) + book.pow(2).sum(1) - 2 * torch.matmul(flat, book.t())
        index = distances.argmin(1)
        quantized = self.entries(index).view(z.shape[0], z.shape[1], z.shape[2], 8).permute(0, 3, 1, 2).contiguous()
        return torch.sigmoid(self.decoder2(torch.relu(self.decoder1(quantized)))), index.view(z.shape[0], -1)


DYNAMIC = torch.export.Dim.DYNAMIC
EVERY = {0: DYNAMIC, 2: DYNAMIC, 3: DYNAMIC}
NETWORKS = {"resnet": (ResNet, (2, 3, 64, 64), EVERY), "unet": (UNet, (2, 1, 32, 32), EVERY), "vit": (Vit, (2, 3, 32, 32), {0: DYNAMIC}),
            "vqvae": (VqVae, (2, 1, 32, 32), EVERY)}


def counts(file: Path) -> Counter[str]:
    graph = onnx.load(file).graph
    sizes = {i.name for i in graph.initializer}
    out: Counter[str] = Counter()
    for node in graph.node:
        if node.op_type == "Shape" or all(name in sizes for name in node.input):
            sizes.update(node.output)
        else:
            out[node.op_type] += 1
    return out


def main() -> int:
    tests, program = sys.argv[1:]
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="onnxport-networks-") as name:
        folder = Path(name)
        subprocess.run([tests, "--gtest_filter=Networks.*"], check=True, env={**os.environ, "ONNXPORT_NETWORKS": name},
                       stdout=subprocess.DEVNULL)
        for network, (make, shape, dims) in NETWORKS.items():
            file = folder / f"{network}.pt2"
            torch.export.save(torch.export.export(make().eval(), (torch.randn(*shape),), dynamic_shapes=(dims,)), file)
            subprocess.run([program, "export", file, "-o", folder / "python.onnx", "--quiet"], check=True)
            ours, theirs = counts(folder / f"{network}.onnx"), counts(folder / "python.onnx")
            print(network, sum(ours.values()), "nodes from C++,", sum(theirs.values()), "from Python")
            if ours != theirs:
                wrong += 1
                print("  only from C++:", dict(ours - theirs), "only from Python:", dict(theirs - ours))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
