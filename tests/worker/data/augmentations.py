"""Every augmentation at once, for tests."""

from __future__ import annotations

from typing import Any

EVERYTHING: dict[str, Any] = {
    **{"crop_scale": (0.4, 1.0), "vertical_flip": 0.5, "rotation": 30, "translate": 0.1},
    **{"scale": (0.8, 1.2), "shear": 10, "brightness": 0.4, "contrast": 0.4, "saturation": 0.4},
    **{"hue": 0.1, "equalise": 0.3, "policy": "randaugment", "erasing": 0.5},
    **{"mixup_alpha": 0.4, "cutmix_alpha": 1.0},
}
