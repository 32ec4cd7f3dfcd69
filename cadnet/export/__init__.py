"""Trained models for other programs: ONNX, TorchScript, torch.export; each with a model card."""
