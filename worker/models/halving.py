"""How small a picture is after blocks that halve it. Knows nothing of what is in a block."""

from __future__ import annotations

from study.errors import Infeasible


def halved_side(image_size: int, blocks: int, field: str) -> int:
    """Side of the last feature map, pixels: each block halves it, rounding down.

    field: where the number of blocks is configured. Raises Infeasible where nothing is left.
    """
    side = image_size >> blocks
    if side < 1:
        raise Infeasible(
            f"each of the layers halves the picture, which needs image_size >= {2**blocks} "
            f"for {field}={blocks}, got data.image_size={image_size}: use at most "
            f"{image_size.bit_length() - 1} layers or larger pictures"
        )
    return side
