/**
 * A tracklet frame by frame: one large, all of them in a strip, each with its weight and heat map.
 */

import { html, useState } from "../preact.js";
import { barsOf, littleInWords, strongest } from "../facts/attention.js";
import { peakInWords, peakOf } from "../facts/heat.js";
import { showShare } from "../facts/numbers.js";
import { Frame } from "./frame.js";
import { Spread } from "./strip.js";

const WIDEST_CELL = 52;

/**
 * @typedef {object} Shown
 * @property {import("../api/types.js").Frames} frames
 * @property {number[]} weights
 * @property {number} [effective]
 * @property {(place: number) => import("./frame.js").Source} sourceOf
 */

/**
 * @param {{ name: string, shown: Shown, maps: number[][][]|null, children?: unknown }} props
 *   `name` says whose frames these are; `maps` are drawn where they are given; the
 *   children are further facts, as `<dt>` and `<dd>`
 */
export function Viewer({ name, shown, maps, children }) {
  const { frames, weights, effective, sourceOf } = shown;
  const [place, setPlace] = useState(strongest(weights));
  const { bars, even } = barsOf(weights);
  const number = frames.sampled[place] + 1;
  const map = maps?.[place] ?? null;
  return html`<div class="viewer-box"><div class="viewer">
    <figure class="stage">
      <${Frame} source=${sourceOf(place)} map=${map} text=${`${name}, frame ${number}`} />
      <figcaption>
        <p>
          Frame <b>${number}</b> of ${frames.received} · weight
          <b>${" "}${showShare(weights[place])}</b>
          ${bars[place].little && html`<span class="tag">little weight</span>`}
        </p>
        ${
          map &&
          html`<p class="heat-words">
          Strongest at the ${peakInWords(map)}: one of ${map.length * map[0].length} cells holds
          ${" "}${showShare(peakOf(map))} of this frame's attention.
        </p>`
        }
      </figcaption>
    </figure>
    <dl class="facts">
      ${children}
      <dt>Effective frames</dt>
      <dd><${Spread} weights=${weights} effective=${effective} /></dd>
      <dt>Attention</dt>
      <dd>${littleInWords(weights, frames.sampled)}
        ${" "}The dashed line is the even share, ${showShare(1 / weights.length)}.</dd>
    </dl>
    <${Cells} name=${name} shown=${shown} place=${place} onPlace=${setPlace} bars=${bars}
      even=${even} maps=${maps} />
  </div></div>`;
}

/**
 * All frames as buttons in one tab stop; the arrow keys move along.
 * @param {{ name: string, shown: Shown, place: number, onPlace: (place: number) => void,
 *   bars: import("../facts/attention.js").Bar[], even: number, maps: number[][][]|null }} props
 */
function Cells({ name, shown, place, onPlace, bars, even, maps }) {
  const move = (/** @type {any} */ event) => {
    const to = target(event.key, place, bars.length);
    if (to === null) return;
    event.preventDefault();
    onPlace(to);
    event.currentTarget.querySelectorAll("button")[to].focus();
  };
  return html`<div
    class="cells"
    role="group"
    aria-label=${`Frames of ${name}`}
    style=${{ maxWidth: `${WIDEST_CELL * bars.length}px` }}
    onKeyDown=${move}
  >
    ${bars.map((bar, at) => {
      const number = shown.frames.sampled[at] + 1;
      const little = bar.little ? ", little" : "";
      const text = `Frame ${number}, weight ${showShare(bar.weight)}${little}`;
      return html`<button
        key=${at}
        type="button"
        class=${bar.little ? "cell cell-little" : "cell"}
        aria-pressed=${String(at === place)}
        aria-label=${text}
        tabindex=${at === place ? 0 : -1}
        onClick=${() => onPlace(at)}
      >
        <${Frame} source=${shown.sourceOf(at)} map=${maps?.[at] ?? null} />
        <span class="cell-bar">
          <span class="cell-fill" style=${{ height: `${100 * bar.height}%` }}></span>
          <span class="cell-even" style=${{ bottom: `${100 * even}%` }}></span>
        </span>
        <span class="cell-number">${number}</span>
      </button>`;
    })}
  </div>`;
}

/** @param {string} key @param {number} place @param {number} count @returns {number|null} */
function target(key, place, count) {
  if (key === "ArrowRight") return Math.min(count - 1, place + 1);
  if (key === "ArrowLeft") return Math.max(0, place - 1);
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}
