"""The transformers, and the densely connected network, among the models that the graph view is looked at with."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WORDS = 200


class Attention(nn.Module):
    """Heads by hand, as in the models of the hub."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        source = x if memory is None else memory
        query, key, value = (
            layer(y).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, y in ((self.query, x), (self.key, source), (self.value, source))
        )
        context = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.output(context.transpose(1, 2).flatten(2))


class Feed(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)))


class BertLayer(nn.Module):
    """The norms come after the sums. A wrong width of one block's feed forward is found in that block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention, self.feed = Attention(width), Feed(width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm1(x + self.dropout(self.attention(x)))
        return self.norm2(x + self.dropout(self.feed(x)))


class BertEmbeddings(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(WORDS, width), nn.Embedding(128, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, ids: Tensor) -> Tensor:
        places = torch.arange(ids.shape[1])
        return self.norm(self.words(ids) + self.positions(places))


class Bert(nn.Module):
    """Twelve blocks; in the eighth the feed forward was given another width."""

    def __init__(self, width: int = 32, blocks: int = 12) -> None:
        super().__init__()
        self.embeddings = BertEmbeddings(width)
        self.encoder = nn.Sequential(*(BertLayer(width) for _ in range(blocks)))
        self.encoder[7].feed.down = nn.Linear(3 * width, width)
        self.pooler, self.classifier = nn.Linear(width, width), nn.Linear(width, 3)

    def forward(self, ids: Tensor) -> Tensor:
        states = self.encoder(self.embeddings(ids))
        return self.classifier(torch.tanh(self.pooler(states[:, 0])))


class GPTBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), Attention(width)
        self.ln_2, self.mlp = nn.LayerNorm(width), Feed(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT2(nn.Module):
    """Norms before, twelve equal blocks, the words' weights tied."""

    def __init__(self, width: int = 32, blocks: int = 12) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(WORDS, width), nn.Embedding(128, width)
        self.h = nn.ModuleList(GPTBlock(width) for _ in range(blocks))
        self.ln_f, self.lm_head = nn.LayerNorm(width), nn.Linear(width, WORDS, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, ids: Tensor) -> Tensor:
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


class DecoderLayer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.itself, self.other, self.feed = Attention(width), Attention(width), Feed(width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        first, second, third = self.norms
        x = x + self.itself(first(x))
        x = x + self.other(second(x), memory)
        return x + self.feed(third(x))


class T5(nn.Module):
    """Encoder and decoder; every block of the decoder reads what the encoder made."""

    def __init__(self, width: int = 32, blocks: int = 6) -> None:
        super().__init__()
        self.shared = nn.Embedding(WORDS, width)
        self.encoder = nn.ModuleList(GPTBlock(width) for _ in range(blocks))
        self.decoder = nn.ModuleList(DecoderLayer(width) for _ in range(blocks))
        self.lm_head = nn.Linear(width, WORDS)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        memory = self.shared(source)
        for block in self.encoder:
            memory = block(memory)
        x = self.shared(target)
        for block in self.decoder:
            x = block(x, memory)
        return self.lm_head(x)


class DenseLayer(nn.Module):
    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(width), nn.Conv2d(width, growth, 3, padding=1)

    def forward(self, features: list[Tensor]) -> Tensor:
        return self.conv(F.relu(self.norm(torch.cat(features, dim=1))))


class DenseBlock(nn.Module):
    def __init__(self, width: int, growth: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DenseLayer(width + place * growth, growth) for place in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.layers:
            features.append(layer(features))
        return torch.cat(features, dim=1)


class DenseNet(nn.Module):
    """Every layer of a block reads all before it."""

    def __init__(self, growth: int = 8) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.block1, self.transition = DenseBlock(16, growth, 4), nn.Sequential(nn.Conv2d(48, 24, 1), nn.AvgPool2d(2))
        self.block2 = DenseBlock(24, growth, 5)
        self.head = nn.Linear(64, 10)

    def forward(self, image: Tensor) -> Tensor:
        x = self.block2(self.transition(self.block1(self.stem(image))))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))
