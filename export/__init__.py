"""From a trained network to the ONNX bundle that the service loads."""
