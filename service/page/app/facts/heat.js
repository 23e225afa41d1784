/** Spatial attention as colours over a frame, and its strongest place in words. */

/** Dark violet over red to pale yellow; lightness rises all the way, so it reads without colour. */
const STOPS = [
  [13, 8, 60],
  [70, 10, 105],
  [130, 25, 105],
  [187, 45, 80],
  [230, 90, 45],
  [250, 155, 20],
  [252, 240, 140],
];

/** Opacity from 0 to 255: where there is little attention the picture stays as it is. */
const FAINTEST = 30;
const STRONGEST = 215;

/** The largest weight of a map. @param {number[][]} map */
export function peakOf(map) {
  return Math.max(...map.flat());
}

/**
 * The map's pixels, one per cell, from left to right and top to bottom. The strongest cell of the
 * frame is the brightest: the share it has of the frame's attention is to be told beside it.
 * @param {number[][]} map rows of columns
 * @returns {{ width: number, height: number, data: Uint8ClampedArray<ArrayBuffer> }} RGBA
 */
export function pixelsOf(map) {
  const peak = peakOf(map) || 1;
  const data = map.flat().flatMap((weight) => {
    const level = weight / peak;
    return [...colourOf(level), FAINTEST + level * (STRONGEST - FAINTEST)];
  });
  return { width: map[0].length, height: map.length, data: Uint8ClampedArray.from(data) };
}

/** @param {number} level 0 to 1 @returns {number[]} red, green, blue */
export function colourOf(level) {
  const at = Math.min(1, Math.max(0, level)) * (STOPS.length - 1);
  const low = Math.min(STOPS.length - 2, Math.floor(at));
  const [from, to] = [STOPS[low], STOPS[low + 1]];
  return from.map((part, index) => Math.round(part + (at - low) * (to[index] - part)));
}

const HEIGHTS = ["top", "upper part", "middle", "lower part", "bottom"];
const SIDES = ["left", "centre", "right"];

/** Where a map is strongest: "centre of the upper part". @param {number[][]} map */
export function peakInWords(map) {
  const peak = peakOf(map);
  const row = map.findIndex((cells) => cells.includes(peak));
  const column = map[row].indexOf(peak);
  const height = HEIGHTS[Math.floor((row / map.length) * HEIGHTS.length)];
  const across = (column + 0.5) / map[row].length;
  const side = SIDES[across < 0.3 ? 0 : across > 0.7 ? 2 : 1];
  return `${side} of the ${height}`;
}
