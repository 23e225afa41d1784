"""The network: ResNet-50's first stages, the spatial, temporal and global transformers, heads.

    config      NetworkConfig and its presets
    backbone    the convolutional part, in torchvision's and Caffe's layout
    attention   pre-norm transformers with a class token
    outputs     what a forward pass gives to the losses
    heads       BNNeck and classifier
    stt_gt      the whole network on one page
    cnn         the convolutional baselines
    variants    one factory for all of them
    weights     checkpoints, backbone weights, model_id
    identity    initialisation that starts where the CNN ended

Axis letters: B tracklets, L frames, n real frames of a batch, C channels, H W pixels, h w feature
map, N patches of a frame, D token width, P parts, K identities.
"""
