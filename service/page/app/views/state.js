/** State: what runs here, how full it is, what it takes, who is asking. */

import { html } from "../preact.js";
import { readModel } from "../api/calls.js";
import { showBytes, showCount, showProbability, showRate, showScore } from "../facts/numbers.js";
import { scoringInWords } from "../facts/verdict.js";
import { session } from "../session.js";
import { useStore } from "../store.js";
import { useKey } from "../watch.js";
import { useLoaded } from "../parts/hooks.js";
import { Failure, Waiting } from "../parts/message.js";

/**
 * @typedef {import("../api/types.js").Status} Status
 * @typedef {import("../api/types.js").Model} Model
 */

export function StateView() {
  const now = useStore(session);
  const { status } = now;
  const { value: model, problem, again } = useLoaded(readModel, [status?.model_id]);
  return html`<h1 id="view-title" tabindex="-1">State</h1>
    ${problem && html`<${Failure} problem=${problem} again=${again} />`}
    ${!status && html`<${Waiting} what="Asking the service" />`}
    <div class="tiles">
      ${status && html`<${Service} status=${status} notReady=${now.notReady} />`}
      ${status && html`<${Gallery} gallery=${status.gallery} />`}
      ${model && html`<${ModelCard} model=${model} />`}
      ${status && html`<${CalibrationCard} calibration=${status.calibration} />`}
      ${status && html`<${LimitsCard} limits=${status.limits} />`}
      ${status && html`<${CallerCard} status=${status} hasKey=${now.key !== null} />`}
    </div>`;
}

/** @param {{ title: string, rows: [string, unknown][], children?: unknown }} props */
function Tile({ title, rows, children }) {
  return html`<section class="card tile">
    <h2>${title}</h2>
    <dl class="facts">
      ${rows.map(([name, value]) => html`<dt key=${name}>${name}</dt><dd>${value}</dd>`)}
    </dl>
    ${children}
  </section>`;
}

/** @param {{ status: Status, notReady: string|null }} props */
function Service({ status, notReady }) {
  const { queue_depth: depth, limits } = status;
  const queue = html`${showCount(depth)} of ${showCount(limits.queue_tracklets)} tracklets
    <meter min="0" max=${limits.queue_tracklets} value=${depth} aria-label="Queue"></meter>`;
  return html`<${Tile} title="Service" rows=${[
    ["Ready", notReady === null ? "yes" : `no: ${notReady}`],
    ["Device of the model", status.device],
    ["Device of the index", status.index_device],
    ["Precision", status.precision],
    [
      "Scoring",
      scoringInWords(status.gallery.scoring).join(", ") || "cosine of the best tracklet",
    ],
    ["Queue", queue],
  ]} />`;
}

/** @param {{ gallery: Status["gallery"] }} props */
function Gallery({ gallery }) {
  return html`<${Tile} title="Gallery" rows=${[
    ["Tracklets", showCount(gallery.tracklets)],
    ["Identities", showCount(gallery.identities)],
    ["Cameras", showCount(gallery.cameras)],
    ["Pictures", showCount(gallery.pictures)],
    ["On the disk", showBytes(gallery.bytes_on_disk)],
    ["Generation", showCount(gallery.generation)],
    [
      "Statistics of cameras",
      gallery.refresh_pending ? "have moved: a refresh is due" : "up to date",
    ],
  ]} />`;
}

/** @param {{ model: Model }} props */
function ModelCard({ model }) {
  const { manifest } = model;
  return html`<${Tile} title="Model" rows=${[
    ["Name", `${manifest.name} ${manifest.version}`],
    ["Model id", html`<span class="id">${model.model_id}</span>`],
    ["Embedding", `${showCount(manifest.embedding_width)} numbers`],
    ["Frames looked at", `${manifest.frames_per_tracklet} per tracklet`],
    ["Frame size", `${manifest.frame_width} × ${manifest.frame_height} pixels`],
  ]} />`;
}

/** @param {{ calibration: Status["calibration"] }} props */
function CalibrationCard({ calibration }) {
  if (calibration === null) {
    return html`<section class="card tile">
      <h2>Calibration</h2>
      <p>None: scores are cosines, and neither matches nor probabilities are told.</p>
    </section>`;
  }
  const made = { synthetic: "synthetic people", real: "real footage", gallery: "this gallery" };
  const rows = calibration.rates.map(({ far, threshold }) => [
    showRate(far),
    threshold === null ? "no support" : `score from ${showScore(threshold)}`,
  ]);
  return html`<${Tile} title="Calibration" rows=${[
    ["Made on", made[/** @type {keyof typeof made} */ (calibration.data)] ?? calibration.data],
    ...(calibration.stale ? [["State", "stale: cameras have changed since"]] : []),
    ["Assumed prior", showProbability(calibration.prior)],
    ...rows,
  ]} />`;
}

/** @param {{ limits: Status["limits"] }} props */
function LimitsCard({ limits }) {
  return html`<${Tile} title="Limits of an upload" rows=${[
    ["In all", showBytes(limits.body_bytes)],
    ["Frames", showCount(limits.frames)],
    [
      "One frame",
      `${showBytes(limits.frame_bytes)}, ${(limits.frame_pixels / 1e6).toFixed(1)} megapixels`,
    ],
    ["Clip", `${limits.clip_seconds} s, ${showCount(limits.clip_frames)} frames`],
    ["Requests", `${limits.requests_per_second} a second`],
  ]} />`;
}

/** @param {{ status: Status, hasKey: boolean }} props */
function CallerCard({ status, hasKey }) {
  const keys = status.keys_required
    ? "needed"
    : "none: everybody on this machine may do everything";
  return html`<${Tile} title="You" rows=${[
    ["Role", status.role],
    ["Keys", keys],
  ]}>
    ${
      hasKey &&
      html`<p class="actions">
      <button type="button" onClick=${() => useKey(null)}>Forget the key</button>
    </p>`
    }
  <//>`;
}
