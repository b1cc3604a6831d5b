"""Eight models as people build them, small: what the graph view is looked at with."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WORDS = 200


class BiLSTMTagger(nn.Module):
    """Its head was built for one direction."""

    def __init__(self, emb: int = 24, hidden: int = 32) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, emb)
        self.dropout = nn.Dropout(0.1)
        self.lstm = nn.LSTM(emb, hidden, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Sequential(
            OrderedDict(project=nn.Linear(hidden, hidden), relu=nn.ReLU(), out=nn.Linear(hidden, 17))
        )

    def forward(self, ids: Tensor) -> Tensor:
        states, _ = self.lstm(self.dropout(self.embedding(ids)))
        return self.head(states)


class Highway(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, width)
        self.transform = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(x))
        return gate * F.relu(self.transform(x)) + (1 - gate) * x


class CharEncoder(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, 8)
        self.convolutions = nn.ModuleList(nn.Conv1d(8, 24, width) for width in (1, 2, 3))
        self.highway = Highway(72)
        self.projection = nn.Linear(72, dim)

    def forward(self, chars: Tensor) -> Tensor:
        batch, words, length = chars.shape
        x = self.embedding(chars.view(batch * words, length)).transpose(1, 2)
        x = torch.cat([F.relu(each(x).max(dim=-1).values) for each in self.convolutions], dim=-1)
        return self.projection(self.highway(x)).view(batch, words, -1)


class ELMo(nn.Module):
    """Characters through convolutions and a highway, then two directions apart, then a weighted sum."""

    def __init__(self, dim: int = 32) -> None:
        super().__init__()
        self.characters = CharEncoder(dim)
        self.forward_lstm = nn.LSTM(dim, dim, num_layers=2, batch_first=True)
        self.backward_lstm = nn.LSTM(dim, dim, num_layers=2, batch_first=True)
        self.weights = nn.Parameter(torch.zeros(2))
        self.tagger = nn.Linear(2 * dim, 9)

    def forward(self, chars: Tensor) -> Tensor:
        x = self.characters(chars)
        ahead, _ = self.forward_lstm(x)
        back, _ = self.backward_lstm(x.flip(1))
        context = torch.cat([ahead, back.flip(1)], dim=-1)
        first, second = self.weights.softmax(0)
        return self.tagger(first * torch.cat([x, x], dim=-1) + second * context)


class Bottleneck(nn.Module):
    def __init__(self, width: int, inner: int, stride: int = 1) -> None:
        super().__init__()
        out = 4 * inner
        self.conv1, self.bn1 = nn.Conv2d(width, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, out, 1, bias=False), nn.BatchNorm2d(out)
        self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1 or width != out:
            self.downsample = nn.Sequential(nn.Conv2d(width, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet50(nn.Module):
    """The blocks of ResNet-50, 3, 4, 6 and 3 of them, an eighth as wide."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        width = 8
        for stage, (inner, blocks) in enumerate(((8, 3), (16, 4), (32, 6), (64, 3)), start=1):
            first = Bottleneck(width, inner, 1 if stage == 1 else 2)
            width = 4 * inner
            self.add_module(
                f"layer{stage}", nn.Sequential(first, *(Bottleneck(width, inner) for _ in range(blocks - 1)))
            )
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def double(width: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, out, 3, padding=1), nn.ReLU(), nn.Conv2d(out, out, 3, padding=1), nn.ReLU())


class UNet(nn.Module):
    """Three levels down and up; what goes down is kept for the way up."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        sizes = [width, 2 * width, 4 * width]
        self.down = nn.ModuleList(double(a, b) for a, b in zip([3, *sizes], sizes, strict=False))
        self.pool = nn.MaxPool2d(2)
        self.bottom = double(4 * width, 8 * width)
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * size, size, 2, 2) for size in reversed(sizes))
        self.merge = nn.ModuleList(double(2 * size, size) for size in reversed(sizes))
        self.mask = nn.Conv2d(width, 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        kept = []
        for block in self.down:
            image = block(image)
            kept.append(image)
            image = self.pool(image)
        image = self.bottom(image)
        for up, merge in zip(self.up, self.merge, strict=True):
            image = merge(torch.cat([up(image), kept.pop()], dim=1))
        return self.mask(image)
