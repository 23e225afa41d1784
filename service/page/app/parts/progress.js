/** How far an upload has come. */

import { html } from "../preact.js";

/** @param {{ progress: import("../api/upload.js").Progress, onCancel: () => void }} props */
export function Progress({ progress, onCancel }) {
  const sending = progress.stage === "sending";
  const percent = Math.round(100 * progress.share);
  return html`<div class="progress">
    <p role="status">${sending ? "Sending" : "The model is looking at the frames"}…</p>
    ${
      sending
        ? html`<progress max="100" value=${percent} aria-label="Sent">${percent} %</progress>`
        : html`<progress aria-label="At work"></progress>`
    }
    <button type="button" onClick=${onCancel}>Cancel</button>
  </div>`;
}
