"""Small networks with the structures that compression must get through."""

import torch
from torch import Tensor, nn

SIZE = 16
CLASSES = 5
WIDTH = 4
"""Of the second input of `Paired`."""


class Block(nn.Module):
    """A residual block with the identity as its shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))) + x)


class Attending(nn.Module):
    """Two convolutions, and attention over the pixels of the second."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.patches = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 8, 4, 4)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.linear = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        pixels = self.patches(torch.relu(self.stem(x))).flatten(2).transpose(1, 2)
        return self.linear((pixels + self.attention(pixels, pixels, pixels, need_weights=False)[0]).mean(1))


class Small(nn.Module):
    """A stem, two residual blocks, a depthwise convolution, a concatenation, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.block1 = Block(16)
        self.block2 = Block(16)
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.left = nn.Conv2d(16, 12, 1)
        self.right = nn.Conv2d(16, 20, 3, padding=1)
        self.linear = nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block2(self.block1(self.relu(self.norm(self.stem(x)))))
        x = self.relu(self.depthwise(x))
        x = self.relu(torch.cat([self.left(x), self.right(x)], 1))
        return self.linear(x.mean((2, 3)))


class Paired(Small):
    """The same, with a vector of measurements beside each image."""

    def __init__(self) -> None:
        super().__init__()
        self.measured = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor, measurements: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x) + self.measured(measurements)


class Padded(nn.Module):
    """A shortcut that drops pixels and pads channels, as CIFAR ResNets do (He et al. 2015, option A)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.conv1 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(32, 32, 3, padding=1)
        self.linear = nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        y = self.conv2(torch.relu(self.conv1(x)))
        x = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 8, 8))
        return self.linear(torch.relu(y + x).mean((2, 3)))


def seeded(kind: type[nn.Module], seed: int = 0) -> nn.Module:
    """A network in eval mode whose batch norms have seen data, so that folding them is not the identity."""
    torch.manual_seed(seed)
    network = kind().train()
    with torch.no_grad():
        for _ in range(3):
            network(*noise_for(kind, 32))
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.normal_(0, 0.2)
    return network.eval()


def noise_for(kind: type[nn.Module], count: int) -> tuple[Tensor, ...]:
    """Inputs of a network of this kind."""
    images = torch.randn(count, 3, SIZE, SIZE) * 2 + 0.5
    return (images, torch.randn(count, WIDTH)) if kind is Paired else (images,)


def learnable(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Images whose class is which fifth of the width is bright; a network can learn it in seconds."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % CLASSES
    images = torch.randn(count, 3, SIZE, SIZE, generator=generator) * 0.5
    for image, label in zip(images, labels.tolist(), strict=True):
        image[:, :, 3 * label : 3 * label + 3] += 1.5
    return images, labels


class Limited(nn.Module):
    """Depthwise convolutions between ReLU6, as in MobileNetV2; the channels of the weights differ in width."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1),
            nn.ReLU6(),
            nn.Conv2d(16, 16, 3, padding=1, groups=16),
            nn.ReLU6(),
            nn.Conv2d(16, 24, 1),
            nn.ReLU6(),
        )
        self.linear = nn.Linear(24, CLASSES)
        with torch.no_grad():
            for index in (0, 2, 4):
                weight: Tensor = self.layers.get_submodule(str(index)).get_parameter("weight")
                weight *= torch.logspace(-1, 1, len(weight)).view(-1, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.layers(x).mean((2, 3)))
