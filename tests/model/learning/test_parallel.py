"""Two processes must descend what one process would."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model.learning import losses
from model.learning.parallel import Processes

WORKER = """
import json, sys
import torch
from torch import nn
from model.learning import losses
from model.learning.parallel import joined_processes

torch.manual_seed(0)
layer = nn.Linear(5, 3)
x, labels = torch.randn(8, 5), torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
with joined_processes(torch.device("cpu")) as processes:
    each = len(x) // processes.world
    mine = slice(processes.rank * each, (processes.rank + 1) * each)
    features = processes.gather(layer(x[mine]))
    everybody = processes.gather(labels[mine])
    loss = losses.batch_hard_triplet(features, everybody, 0.3)
    loss = loss + losses.supervised_contrast(features, everybody, 0.1)
    loss.backward()
    processes.average_gradients(layer.parameters())
    processes.wait()
    if processes.leads:
        print(json.dumps([loss.item(), layer.weight.grad.tolist()]))
"""


def free_port() -> str:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return str(server.getsockname()[1])


def test_gathered_losses_give_the_gradient_of_the_whole_batch(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    port, root = free_port(), Path(__file__).parents[3]
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "PYTHONPATH": str(root)}
    common |= {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    workers = [
        subprocess.Popen(
            [sys.executable, str(script)],
            env=os.environ | common | {"RANK": str(rank), "LOCAL_RANK": str(rank)} | world,
            stdout=subprocess.PIPE,
        )
        for world in ({"WORLD_SIZE": "2"},)
        for rank in range(2)
    ]
    outputs = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]

    loss, gradient = json.loads(outputs[0])

    torch.manual_seed(0)
    layer = torch.nn.Linear(5, 3)
    x, labels = torch.randn(8, 5), torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    features = layer(x)
    expected = losses.batch_hard_triplet(features, labels, 0.3)
    expected = expected + losses.supervised_contrast(features, labels, 0.1)
    expected.backward()  # type: ignore[no-untyped-call]
    assert layer.weight.grad is not None
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    assert torch.allclose(torch.tensor(gradient), layer.weight.grad, atol=1e-5)


def test_one_process_gathers_itself() -> None:
    x = torch.randn(3, requires_grad=True)

    assert Processes().gather(x) is x
    assert Processes().leads
