/**
 * What a tracklet's temporal attention says, made ready to be drawn.
 *
 * The weights of n frames sum to 1, so 1/n is the share of a frame that counts like any other.
 * Bars start at zero and are never stretched: where the model weighs all frames alike, it shows.
 */

/** Below this part of the even share a frame counts as hardly used. */
const LITTLE = 0.5;

/**
 * @typedef {object} Bar
 * @property {number} weight
 * @property {number} height 0 to 1, of the highest bar, or of twice the even share if that is more
 * @property {boolean} little less than half of the even share
 */

/**
 * @param {number[]} weights
 * @returns {{ bars: Bar[], even: number }} `even`: height of the even share
 */
export function barsOf(weights) {
  const share = 1 / Math.max(1, weights.length);
  const top = Math.max(2 * share, ...weights);
  const bars = weights.map((weight) => ({
    weight,
    height: weight / top,
    little: weight < LITTLE * share,
  }));
  return { bars, even: share / top };
}

/** The place of the frame that counts most; 0 where there is none. @param {number[]} weights */
export function strongest(weights) {
  return Math.max(0, weights.indexOf(Math.max(...weights)));
}

/**
 * exp(entropy): over how many frames the weight is spread, for answers that do not tell it.
 * @param {number[]} weights
 */
export function effectiveOf(weights) {
  const used = weights.filter((weight) => weight > 0);
  const entropy = used.reduce((sum, weight) => sum - weight * Math.log(weight), 0);
  return Math.min(Math.exp(entropy), weights.length);
}

/**
 * "9.8 of 12 frames": over how many the weight is spread.
 * @param {number} effective
 * @param {number} frames
 */
export function spreadInWords(effective, frames) {
  return `${effective.toFixed(1)} of ${frames} ${frames === 1 ? "frame" : "frames"}`;
}

/**
 * The frames with little weight in a sentence, as for someone who cannot see the bars.
 * @param {number[]} weights
 * @param {number[]} sampled the frames' numbers in the upload
 */
export function littleInWords(weights, sampled) {
  const few = barsOf(weights).bars.flatMap((bar, place) => (bar.little ? [sampled[place]] : []));
  if (!few.length) return "No frame has little weight.";
  const names = few.map((frame) => String(frame + 1)).join(", ");
  return few.length === 1
    ? `Frame ${names} has little weight.`
    : `${few.length} frames have little weight: ${names}.`;
}

/**
 * Places of `most` frames spread evenly over `count`, all of them where they are no more.
 * The same rule as the service's own sampling: the middle of each of `most` equal stretches.
 * @param {number} count
 * @param {number} most
 * @returns {number[]}
 */
export function spread(count, most) {
  const taken = Math.min(count, most);
  return Array.from({ length: taken }, (_, stretch) => {
    const start = Math.floor((stretch * count) / taken);
    const end = Math.floor(((stretch + 1) * count) / taken);
    return Math.floor((start + end - 1) / 2);
  });
}
