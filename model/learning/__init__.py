"""Training and evaluation of the network.

config      one typed recipe: stages, batches, losses, augmentation, optimiser
presets     the recipes by name; variants makes the rows of the paper's tables of them
batch       what a step gets: frames, labels, what the world knows about them
sampler     which tracklets, frames and strangers a step sees (a function of its number)
clip        decoded frames with their person masks
augment     what happens to a clip; autoaugment has the colour and shear policies
loader      worker processes that make batches
losses      each loss by itself; objective weighs them
schedule    learning rates; ema averages weights; precision chooses autocast
parallel    several processes as one batch
checkpoint  everything a killed run needs to go on
trainer     the loop; stages makes the networks of a recipe; progress tells about it
metrics     CMC, mAP, mINP, TPR at FPR; bootstrap their intervals; rerank the k-reciprocal way
embed       tracklets -> embeddings, by torch or ONNX Runtime; opening finds the model
evaluate    a data set's protocols -> a report
reporting   tables, JSON, differences
experiment  the ablation: every row alike, from several seeds; ablation_recipe, ablation_table
explain     pictures of attention and of rankings; attention measures it
baselines   what nobody trained on people
calibrate   embeddings for a calibration
commands    train and explain; evaluation and ablation have the other two
"""
