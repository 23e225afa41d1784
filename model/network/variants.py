"""One factory for the networks that the paper's tables compare.

The tables' rows differ in structure (here) and in losses (the trainer's switches): "vanilla",
"+ spatial constraint" and "+ temporal constraint" are all `stt`, "+ global attention" is `stt-gt`.
"""

from typing import Literal

from torch.nn import Parameter

from model.network.cnn import CnnBaseline
from model.network.config import NetworkConfig
from model.network.stt_gt import SttGt

Network = SttGt | CnnBaseline
Structure = Literal["cnn", "cnn-three-stages", "stt", "stt-gt"]


def build_network(config: NetworkConfig) -> Network:
    """A freshly initialised network, in training mode; seed torch before for a fixed one."""
    return CnnBaseline(config) if config.variant == "cnn" else SttGt(config)


def with_structure(config: NetworkConfig, structure: Structure) -> NetworkConfig:
    """`config` with the structure of one row of the paper's tables.

    The CNN baseline gets back the stage that the transformers replace (3 blocks in ResNet-50).
    """
    values = config.model_dump()
    if structure == "cnn":
        values["depths"] = (*config.depths, min(config.depths))
    values["variant"] = "cnn" if structure.startswith("cnn") else structure
    return NetworkConfig.model_validate(values)


def parameter_groups(network: Network) -> dict[str, list[Parameter]]:
    """Trainable parameters by the learning rate they want: backbone, classifiers, rest."""
    groups: dict[str, list[Parameter]] = {"backbone": [], "classifiers": [], "rest": []}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith("backbone."):
            groups["backbone"].append(parameter)
        elif ".classifier." in name:
            groups["classifiers"].append(parameter)
        else:
            groups["rest"].append(parameter)
    return groups
