"""How a calibration is measured: from pairs of embeddings to `model.calibration.Table`.

pairs        cosines of pairs of the same person and of different people
thresholds   the cosine for a false-accept rate, and what rate it realises elsewhere
evidence     cosine -> likelihood ratio, and how good it is (Cllr, calibration error)
tables       a whole table from several populations, with a report
reliability  the picture of what was promised against what came true
storing      the file in its place, whole or not at all
"""
