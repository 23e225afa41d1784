/** Figures as text, one way each. */

const COUNT = new Intl.NumberFormat("en-GB");

/** "1,234". @param {number} count */
export const showCount = (count) => COUNT.format(count);

/**
 * "1 tracklet", "1,234 tracklets".
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export const counted = (count, one, many = `${one}s`) =>
  `${showCount(count)} ${count === 1 ? one : many}`;

/** A cosine. @param {number} score */
export const showScore = (score) => score.toFixed(3).replace("-", "−");

/**
 * A probability in percent; never 0 % or 100 %, which nothing here can claim.
 * @param {number} share
 */
export function showProbability(share) {
  if (share > 0.999) return "> 99.9\u00a0%";
  if (share < 0.001) return "< 0.1\u00a0%";
  return `${(100 * share).toFixed(share > 0.99 || share < 0.01 ? 1 : 0)}\u00a0%`;
}

/** A part of a whole. @param {number} share */
export const showShare = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)}\u00a0%`;

/** "1 in 10,000". @param {number} rate */
export const showRate = (rate) => `1 in ${showCount(Math.round(1 / rate))}`;

/** A number that may be far below one, to two figures. @param {number} value */
export const showExpected = (value) =>
  value >= 10 ? showCount(Math.round(value)) : Number(value.toPrecision(2)).toString();

/** "1.4 MiB". @param {number} bytes */
export function showBytes(bytes) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit && size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}
