/** The files that were chosen, before they are sent. */

import { html, useState } from "../preact.js";
import { choose, chosenInWords, refusalOf, thinned } from "../facts/files.js";
import { spread } from "../facts/attention.js";
import { Problem } from "../api/problems.js";
import { counted } from "../facts/numbers.js";
import { session } from "../session.js";
import { Frame } from "./frame.js";
import { Failure, Remark } from "./message.js";

/**
 * @typedef {import("../facts/files.js").Chosen} Chosen
 * @typedef {import("../facts/files.js").Refusal} Refusal
 */

const PREVIEWED = 8;

/**
 * @type {{ chosen: Chosen|null, refusal: Refusal|null, large: Chosen|null }} `large` is what was
 *   refused for its size, and may be thinned
 */
const NOTHING = { chosen: null, refusal: null, large: null };

/** The upload in the making: what was chosen, or why it cannot be. */
export function useChosen() {
  const [state, setState] = useState(NOTHING);
  const take = (/** @type {Chosen|Refusal} */ found) => {
    if ("code" in found) return setState({ ...NOTHING, refusal: found });
    const limits = session.value.status?.limits;
    const refusal = limits ? refusalOf(found, limits) : null;
    return refusal
      ? setState({ ...NOTHING, refusal, large: found })
      : setState({ ...NOTHING, chosen: found });
  };
  return {
    chosen: state.chosen,
    refusal: state.refusal,
    take: (/** @type {File[]} */ files) => take(choose(files)),
    thin: (/** @type {number} */ most) => state.large && take(thinned(state.large, most)),
    show: (/** @type {Chosen|null} */ chosen) => setState({ ...NOTHING, chosen }),
    clear: () => setState(NOTHING),
  };
}

/** @param {{ chosen: Chosen, onClear: () => void }} props */
export function ChosenFiles({ chosen, onClear }) {
  const places = chosen.kind === "frames" ? spread(chosen.files.length, PREVIEWED) : [];
  return html`<div class="chosen">
    ${
      places.length > 0 &&
      html`<div class="strip-frames" aria-hidden="true">
      ${places.map(
        (place) => html`<${Frame} key=${place} source=${{ blob: chosen.files[place] }} />`,
      )}
    </div>`
    }
    <p class="chosen-words">
      <span>${chosenInWords(chosen)}</span>
      <button type="button" onClick=${onClear}>Remove</button>
    </p>
    ${
      chosen.left.length > 0 &&
      html`<${Remark}>
        ${counted(chosen.left.length, "file")} left out: neither picture nor clip.
      <//>`
    }
  </div>`;
}

/** @param {{ refusal: Refusal, onThin: (most: number) => void }} props */
export function RefusedFiles({ refusal, onThin }) {
  const { code, detail, thin } = refusal;
  return html`<${Failure} problem=${new Problem(code, { detail })}>
    ${
      thin !== null &&
      html`<button type="button" onClick=${() => onThin(thin)}>
        Take ${thin} evenly spread ones
      </button>`
    }
  <//>`;
}
