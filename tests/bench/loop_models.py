"""loop_models.py NAME FOLDER: a scripted model that loops a thousand times, FOLDER/loop_NAME.pt, an input for it (.npy), and the file
that torch's TorchScript exporter writes of it (.peer.onnx)."""

import sys
from typing import List

import numpy
import torch
from torch import Tensor, nn


class CellOverTime(nn.Module):
    """nn.LSTMCell at every step, its outputs in a list."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(32, 64)

    def forward(self, x: Tensor) -> Tensor:
        h, c = torch.zeros(x.shape[1], 64), torch.zeros(x.shape[1], 64)
        outs: List[Tensor] = []
        for i in range(x.shape[0]):
            h, c = self.cell(x[i], (h, c))
            outs.append(h)
        return torch.stack(outs)


class WrittenCell(nn.Module):
    """An LSTM cell in operators of its own, as papers' code has it; the state of the last step."""

    def __init__(self):
        super().__init__()
        self.x, self.h = nn.Linear(32, 256), nn.Linear(64, 256, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h, c = torch.zeros(x.shape[1], 64), torch.zeros(x.shape[1], 64)
        for i in range(x.shape[0]):
            i_, f, g, o = (self.x(x[i]) + self.h(h)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i_) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h


if __name__ == "__main__":
    torch.manual_seed(0)
    name, folder = sys.argv[1:]
    module = torch.jit.script({"cell": CellOverTime, "written": WrittenCell}[name]().eval())
    x = torch.randn(1000, 2, 32)
    module.save(folder + "/loop_" + name + ".pt")
    numpy.save(folder + "/loop_" + name + ".npy", x.numpy())
    torch.onnx.export(module, (x,), folder + "/loop_" + name + ".peer.onnx", dynamo=False, opset_version=20,
                      input_names=["x"], dynamic_axes={"x": [0, 1]})
