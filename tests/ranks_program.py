"""What every rank of a real group of processes reads; rank 0 prints it. Run by `torch.distributed.run`."""

import json
import sys

import torch
import torch.distributed
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

torch.distributed.init_process_group("gloo")
rank, ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
found = {}
for name, (samples, shuffle, drop_last) in json.loads(sys.argv[1]).items():
    data = TensorDataset(torch.arange(samples))
    sampler = DistributedSampler(data, shuffle=shuffle, drop_last=drop_last)
    loader = DataLoader(data, batch_size=8, sampler=sampler, drop_last=drop_last)
    batches = [rows.tolist() for (rows,) in loader]
    gathered = [None] * ranks
    torch.distributed.all_gather_object(gathered, batches)
    found[name] = gathered
if rank == 0:
    print(json.dumps(found))
torch.distributed.destroy_process_group()
