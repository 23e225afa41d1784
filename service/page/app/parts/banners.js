/** What holds for the whole service and must not be overlooked, above every view. */

import { html } from "../preact.js";
import { session } from "../session.js";
import { useStore } from "../store.js";
import { look } from "../watch.js";
import { Icon } from "./icons.js";

export function Banners() {
  const now = useStore(session);
  return html`<div class="banners">${bannersOf(now)}</div>`;
}

/** @param {import("../session.js").Session} now */
function bannersOf(now) {
  if (!now.reachable) {
    return html`<${Banner} tone="danger" title="The service does not answer.">
      It may have stopped, or the connection is gone. The page keeps trying.
      <button type="button" onClick=${look}>Try now</button>
    <//>`;
  }
  if (now.notReady !== null) {
    return html`<${Banner} tone="danger" title="The service is not ready.">
      It says: ${now.notReady}. The page keeps looking.
    <//>`;
  }
  return now.status && calibrationBanner(now.status.calibration);
}

/** @param {import("../api/types.js").Calibration|null} calibration */
function calibrationBanner(calibration) {
  if (calibration === null) {
    return html`<${Banner} tone="caution" title="This model is not calibrated.">
      Results are ranked by their score; matches are not decided and there is no probability.
    <//>`;
  }
  if (calibration.data === "synthetic") {
    return html`<${Banner} tone="caution" title="Calibrated on synthetic people.">
      Matches and probabilities were never checked on real footage: take them for rough guesses.
    <//>`;
  }
  if (calibration.stale) {
    return html`<${Banner} tone="caution" title="The calibration is out of date.">
      What the cameras see has changed since it was made: have it made again.
    <//>`;
  }
  return null;
}

/** @param {{ tone: "danger"|"caution", title: string, children?: unknown }} props */
function Banner({ tone, title, children }) {
  return html`<div class=${`banner banner-${tone}`} role=${tone === "danger" ? "alert" : "note"}>
    <${Icon} name="warning" />
    <p><strong>${title}</strong> ${children}</p>
  </div>`;
}
