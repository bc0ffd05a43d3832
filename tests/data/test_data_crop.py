"""Random crops against torchvision's: how they are drawn, and what they show."""

import pytest
import torch

from scaling_search.data import Augment, Crop

pytestmark = pytest.mark.zoo


def test_areas_and_aspects_are_drawn_as_torchvision_draws_them() -> None:
    from torchvision.transforms import RandomResizedCrop

    count = 4000
    draws = Crop().draw(count, torch.Generator().manual_seed(0))
    width, height = draws[:, 2], draws[:, 3]
    torch.manual_seed(0)
    image = torch.zeros(3, 1000, 1000)
    boxes = torch.tensor([RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(count)])
    theirs = boxes.float() / 1000
    top, left, rows, columns = theirs.unbind(1)
    pairs = (
        (width * height, rows * columns),
        (width / height, columns / rows),
        (draws[:, 0], left),
        (draws[:, 1], top),
    )
    for ours, reference in pairs:
        levels = torch.linspace(0.05, 0.95, 10)
        assert torch.allclose(ours.quantile(levels), reference.quantile(levels), atol=0.03)


def test_a_crop_shows_what_torchvisions_shows() -> None:
    from torchvision.transforms import functional

    ramp = torch.linspace(0, 255, 64)
    picture = torch.stack([ramp.expand(64, 64), ramp[:, None].expand(64, 64), (ramp + ramp[:, None]) / 2], 2)
    images = picture.to(torch.uint8)[None]
    left, top, width, height = 8, 16, 40, 32
    draws = torch.tensor([[left / 64, top / 64, width / 64, height / 64, 0.9]])
    ours = Crop().apply(images, draws, 24)[0].float()
    batch = images.permute(0, 3, 1, 2)
    theirs = functional.resized_crop(batch, top, left, height, width, [24, 24], antialias=False)[0].permute(1, 2, 0)
    inner = slice(1, -1)  # torchvision does not look beyond the crop's border
    assert (ours - theirs.float())[inner, inner].abs().max() <= 1.5
    mirrored = Crop().apply(images, torch.tensor([[*draws[0, :4], 0.1]]), 24)[0].float()
    assert (mirrored.flip(1) - ours).abs().max() <= 1
    assert torch.equal(Crop(flip=False).apply(images, torch.tensor([[*draws[0, :4], 0.1]]), 24)[0].float(), ours)


def test_all_networks_of_a_seed_see_the_same_part() -> None:
    picture = torch.linspace(0, 255, 96)[:, None, None].expand(96, 96, 3).to(torch.uint8)
    images = picture.expand(16, 96, 96, 3)
    augment = Augment(flip=False, crop=Crop(flip=False))
    large, small = (augment(images, torch.Generator().manual_seed(1), pixels) for pixels in (48, 16))
    assert (large.float().mean((1, 2, 3)) - small.float().mean((1, 2, 3))).abs().max() < 3


def test_the_whole_image_is_the_whole_image() -> None:
    images = torch.randint(0, 256, (4, 20, 20, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    draws = torch.tensor([[0.0, 0.0, 1.0, 1.0, 0.9]]).expand(4, 5)
    assert torch.equal(Crop().apply(images, draws, 20), images)
