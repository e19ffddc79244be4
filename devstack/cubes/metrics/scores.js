'use strict';

/**
 * Area under the ROC curve: the chance that a random positive scores higher than a random negative, a tie counting half.
 * NaN when one of the two kinds is missing.
 */
module.exports.auroc = function auroc(truth, score) {
  const order = truth.map((_, at) => at).sort((a, b) => score[a] - score[b]);
  let positives = 0;
  let rankSum = 0;
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && score[order[to]] === score[order[from]]) to += 1;
    const rank = (from + 1 + to) / 2;
    for (let at = from; at < to; at += 1) {
      if (truth[order[at]] === 1) {
        positives += 1;
        rankSum += rank;
      }
    }
    from = to;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * (truth.length - positives));
};

/** 2·TP / (2·TP + FP + FN); 0 when nothing is positive and nothing is called so, as scikit-learn counts it. */
module.exports.f1 = function f1(truth, score, threshold) {
  let hits = 0;
  let misses = 0;
  truth.forEach((value, at) => {
    const called = score[at] >= threshold ? 1 : 0;
    if (called === 1 && value === 1) hits += 1;
    else if (called !== value) misses += 1;
  });
  return hits + misses === 0 ? 0 : (2 * hits) / (2 * hits + misses);
};

/** Share of right calls. */
module.exports.accuracy = function accuracy(truth, score, threshold) {
  const right = truth.filter((value, at) => (score[at] >= threshold ? 1 : 0) === value).length;
  return right / truth.length;
};
