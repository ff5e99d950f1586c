"""Where a training run computes: one CPU, one GPU, or many processes that `accelerate launch` started.

    accelerate launch --multi_gpu --num_processes 4 -m finetune.train    # every device holds the model
    accelerate launch --use_fsdp --num_processes 4 -m finetune.train     # the frozen base is spread over the devices
    torchrun --nproc_per_node 2 -m finetune.train --device cpu           # processes on CPUs (gloo)

Adapters and optimiser are small and the same in every process; gradients are summed over the processes. With FSDP
the frozen weights of each layer are sharded and come together only while that layer computes.
"""

from collections.abc import Sequence

import torch


class Devices:
    """The processes of one run; a run that nobody launched over several has one."""

    def __init__(self, device: str = "", sharded: bool = False):
        from accelerate import Accelerator, DistributedType

        on_cpu = device == "cpu" or not device and not torch.cuda.is_available()
        accelerator = Accelerator(cpu=on_cpu)
        self.rank, self.count = accelerator.process_index, accelerator.num_processes
        self.device = torch.device(device) if device and self.count == 1 else accelerator.device
        self.is_sharded = sharded or accelerator.distributed_type == DistributedType.FSDP

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def place(self, model: torch.nn.Module, layers: Sequence[torch.nn.Module]) -> None:
        """The model on its device, the frozen weights of its layers sharded where the run asks for FSDP."""
        model.to(self.device)
        if not self.is_sharded:
            return
        from torch.distributed.fsdp import fully_shard

        learnt = {parameter for parameter in model.parameters() if parameter.requires_grad}
        for layer in layers:
            fully_shard(layer, ignored_params=learnt)

    def sum(self, tensors: Sequence[torch.Tensor]) -> None:
        """Every tensor becomes its sum over all processes, in place."""
        if self.count == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        torch.distributed.all_reduce(flat)
        for tensor, total in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(total.view_as(tensor))

    def share(self, packs: Sequence) -> list[tuple[object, bool]]:
        """This process' packs of a step, as many in every process: (pack, whether it counts or only fills up)."""
        padded = [(pack, True) for pack in packs] + [(packs[-1], False)] * (-len(packs) % self.count)
        return padded[self.rank::self.count]

    def meet(self) -> None:
        """Wait until every process is here."""
        if self.count > 1:
            torch.distributed.barrier()

    def part(self) -> None:
        """End what the processes had in common."""
        if self.count > 1:
            torch.distributed.destroy_process_group()
