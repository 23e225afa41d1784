/** The few signs that stand beside words; none stands alone without a name. */

import { html } from "../preact.js";

const PATHS = {
  match: "M3.5 8.5 6.5 11.5 12.5 4.5",
  "no-match": "M4 8H12",
  undecided: "M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.8-1.1 1.6M8 12.3v.2",
  close: "M4.5 4.5 11.5 11.5M11.5 4.5 4.5 11.5",
  upload: "M8 11V3M4.5 6.5 8 3l3.5 3.5M3 12.5h10",
  warning: "M8 2.5 14 13H2ZM8 6.5v3M8 11.3v.2",
  key: "M9.5 6.5 3 13h2.5M8.5 5a2.5 2.5 0 1 1 5 0 2.5 2.5 0 0 1-5 0Z",
};

/** @param {{ name: keyof typeof PATHS }} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} />
  </svg>`;
}
