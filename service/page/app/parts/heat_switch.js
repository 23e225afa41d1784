/** The switch for heat maps, and what their colours mean. */

import { html, useEffect, useState } from "../preact.js";
import { mapsOf } from "../api/maps.js";
import { asProblem } from "../api/problems.js";
import { colourOf } from "../facts/heat.js";

const STEPS = 8;

export const NO_MAP = "Where the pictures are not kept there is no heat map.";

/** @param {{ on: boolean, onChange: (on: boolean) => void }} props */
export function HeatSwitch({ on, onChange }) {
  return html`<div class="heat-switch">
    <button type="button" aria-pressed=${String(on)} onClick=${() => onChange(!on)}>
      Heat map
    </button>
    ${
      on &&
      html`<span class="heat-legend">
      less
      ${Array.from({ length: STEPS }, (_, step) => {
        const colour = colourOf(step / (STEPS - 1)).join(" ");
        return html`<i key=${step} style=${{ backgroundColor: `rgb(${colour})` }}></i>`;
      })}
      more attention within the frame
    </span>`
    }
  </div>`;
}

/**
 * @typedef {object} Maps
 * @property {number[][][]|null} maps
 * @property {"off"|"waiting"|"shown"|"missing"|"failed"} state
 * @property {import("../api/problems.js").Problem|null} problem
 */

/**
 * The heat maps of an enrolled tracklet, asked for when they are first wanted.
 * @param {string|null} id
 * @param {boolean} on
 * @returns {Maps}
 */
export function useMaps(id, on) {
  const [found, setFound] = useState(
    /** @type {Maps} */ ({ maps: null, state: "off", problem: null }),
  );
  useEffect(() => {
    if (!on || id === null) {
      setFound({ maps: null, state: "off", problem: null });
      return undefined;
    }
    let gone = false;
    setFound({ maps: null, state: "waiting", problem: null });
    mapsOf(id).then(
      (maps) => gone || setFound({ maps, state: maps ? "shown" : "missing", problem: null }),
      (error) => gone || setFound({ maps: null, state: "failed", problem: asProblem(error) }),
    );
    return () => {
      gone = true;
    };
  }, [id, on]);
  return found;
}
