"""Networks from timm, torchvision or a person's own code, scaled like the shipped ones."""

from scaling_search.networks.foreign.live import adopt, payload, register
from scaling_search.networks.foreign.network import ForeignNetwork, from_dict, is_foreign, open_foreign
from scaling_search.networks.foreign.remembered import keep_in

__all__ = ["ForeignNetwork", "adopt", "from_dict", "is_foreign", "keep_in", "open_foreign", "payload", "register"]
