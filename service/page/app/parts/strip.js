/** A tracklet at a glance: some of its frames, and under them the weight of every one. */

import { html } from "../preact.js";
import { barsOf, effectiveOf, littleInWords, spread, spreadInWords } from "../facts/attention.js";
import { Frame } from "./frame.js";

const MOST = 8;

/**
 * @param {{ frames: import("../api/types.js").Frames, weights: number[],
 *   sourceOf: (place: number) => import("./frame.js").Source, most?: number }} props
 */
export function Strip({ frames, weights, sourceOf, most = MOST }) {
  const count = weights.length;
  const places = spread(count, most);
  const text = `${places.length} of ${count} frames. ${littleInWords(weights, frames.sampled)}`;
  return html`<div class="strip" role="img" aria-label=${text}>
    <div class="strip-frames">
      ${places.map((place) => html`<${Frame} key=${place} source=${sourceOf(place)} />`)}
    </div>
    <${Bars} weights=${weights} />
  </div>`;
}

/**
 * One bar per frame, and a line where all would end if the frames counted alike.
 * @param {{ weights: number[] }} props
 */
export function Bars({ weights }) {
  const { bars, even } = barsOf(weights);
  const box = `0 0 ${bars.length} 1`;
  return html`<svg class="bars" viewBox=${box} preserveAspectRatio="none" aria-hidden="true">
    ${bars.map(
      ({ height, little }, place) => html`<rect
        key=${place}
        class=${little ? "bar bar-little" : "bar"}
        x=${place + 0.1}
        y=${1 - height}
        width="0.8"
        height=${height}
      />`,
    )}
    <line class="bars-even" x1="0" x2=${bars.length} y1=${1 - even} y2=${1 - even} />
  </svg>`;
}

/** "9.8 of 12 frames". @param {{ weights: number[], effective?: number }} props */
export function Spread({ weights, effective = effectiveOf(weights) }) {
  return html`<span class="spread">${spreadInWords(effective, weights.length)}</span>`;
}
