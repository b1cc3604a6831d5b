"""PyTorch: recording, repair, rebuilding and measuring of `torch.nn.Module`s."""
