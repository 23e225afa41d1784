"""What defines an embedding: the bundle contract, the network, its training and its data.

The modules at the top of this package are the *contract* (numpy, OpenCV, ONNX Runtime; never
torch) and are all that a serving installation imports. `network`, `learning`, `datasets` and
`synthetic` need the extras `train` and `synth`.
"""
