/** One tracklet: its frames, what the model weighed, its labels. */

import { html, useState } from "../preact.js";
import { changeTracklet, eraseTracklet, readTracklet } from "../api/calls.js";
import { changed, changes, erased } from "../changes.js";
import { counted } from "../facts/numbers.js";
import { receiptInWords } from "../facts/receipt.js";
import { showSpan, showTime } from "../facts/times.js";
import { go, hrefOf } from "../router.js";
import { may, session } from "../session.js";
import { useStore } from "../store.js";
import { IdentityName } from "../parts/badge.js";
import { Confirmation } from "../parts/dialog.js";
import { IdentityField, TextField, TimeField } from "../parts/field.js";
import { HeatSwitch, NO_MAP, useMaps } from "../parts/heat_switch.js";
import { useAction, useLoaded } from "../parts/hooks.js";
import { Failure, Remark, Waiting } from "../parts/message.js";
import { notify } from "../parts/notices.js";
import { Viewer } from "../parts/viewer.js";

/** @typedef {import("../api/types.js").Tracklet} Tracklet */

const TRACKLETS = hrefOf("gallery", null, { list: "tracklets" });

/** @param {{ name: string }} props */
export function TrackletView({ name }) {
  const change = useStore(changes);
  const { value, problem, again } = useLoaded(
    (signal) => readTracklet(name, signal),
    [name, change],
  );
  return html`<p class="crumbs"><a href=${TRACKLETS}>Gallery</a></p>
    <h1 id="view-title" tabindex="-1">Tracklet <span class="id">${name}</span></h1>
    ${problem && html`<${Failure} problem=${problem} again=${again} />`}
    ${!value && !problem && html`<${Waiting} what="Reading the tracklet" />`}
    ${value && html`<${Frames} tracklet=${value} /><${Changes} tracklet=${value} />`}`;
}

/** @param {{ tracklet: Tracklet }} props */
function Frames({ tracklet }) {
  const [heat, setHeat] = useState(false);
  const { tracklet_id: id, identity, camera, captured_at: from, captured_until: until } = tracklet;
  const found = useMaps(id, heat);
  const shown = {
    frames: tracklet.frames,
    weights: tracklet.temporal_attention,
    effective: tracklet.effective_frames,
    sourceOf: (/** @type {number} */ place) => ({ id, place }),
  };
  const attributes = Object.keys(tracklet.attributes).length;
  return html`<section class="card" aria-label="Frames and attention">
    <div class="toolbar">
      <${HeatSwitch} on=${heat} onChange=${setHeat} />
      ${found.state === "waiting" && html`<${Waiting} what="Looking at the frames once more" />`}
      <a class="button" href=${hrefOf("search", null, { tracklet: id })}>More like this</a>
    </div>
    ${found.problem && html`<${Failure} problem=${found.problem} />`}
    ${found.state === "missing" && html`<${Remark}>${NO_MAP}<//>`}
    <${Viewer} name="the tracklet" shown=${shown} maps=${found.maps}>
      <dt>Identity</dt>
      <dd><${IdentityName} name=${identity} href=${identity && hrefOf("identity", identity)} /></dd>
      <dt>Camera</dt><dd>${camera ?? "–"}</dd>
      <dt>Time (UTC)</dt><dd>${showSpan(from, until)}</dd>
      <dt>Enrolled (UTC)</dt><dd>${showTime(tracklet.created_at)}</dd>
      ${
        attributes > 0 &&
        html`<dt>Attributes</dt><dd><pre>${JSON.stringify(tracklet.attributes, null, 1)}</pre></dd>`
      }
    <//>
  </section>`;
}

/** @param {{ tracklet: Tracklet }} props */
function Changes({ tracklet }) {
  const now = useStore(session);
  return html`<section class="card edit" aria-labelledby="edit-title">
    <h2 id="edit-title">Change</h2>
    ${
      may(now, "enrol")
        ? html`<${Labels} key=${JSON.stringify(labelsOf(tracklet))} tracklet=${tracklet} />`
        : html`<p class="hint">Labelling needs a key with the role enrol.</p>`
    }
    ${
      may(now, "admin")
        ? html`<${Erase} tracklet=${tracklet} />`
        : html`<p class="hint">Erasing needs a key with the role admin.</p>`
    }
  </section>`;
}

/** @param {Tracklet} tracklet */
function labelsOf({ identity, camera, captured_at: from, captured_until: until }) {
  return {
    identity: identity ?? "",
    camera: camera ?? "",
    captured_at: from ?? "",
    captured_until: until ?? "",
  };
}

/** @param {{ tracklet: Tracklet }} props */
function Labels({ tracklet }) {
  const before = labelsOf(tracklet);
  const [labels, setLabels] = useState(before);
  const { busy, problem, run } = useAction();
  const change = (/** @type {Partial<typeof before>} */ some) => setLabels({ ...labels, ...some });
  const altered = Object.entries(labels).filter(
    ([name, value]) => value !== before[/** @type {keyof typeof before} */ (name)],
  );
  const save = async () => {
    const values = altered.map(([name, value]) => [name, value.trim() || null]);
    await changeTracklet(tracklet.tracklet_id, Object.fromEntries(values));
    notify("The labels are saved.");
    changed();
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!busy) run(save);
  };
  return html`<form class="labels" onSubmit=${submit}>
    <${IdentityField} label="Identity" value=${labels.identity}
      onValue=${(/** @type {string} */ identity) => change({ identity })} />
    <${TextField} label="Camera" maxlength="128" value=${labels.camera}
      onValue=${(/** @type {string} */ camera) => change({ camera })} />
    <${TimeField} label="First frame (UTC)" value=${labels.captured_at}
      onValue=${(/** @type {string} */ at) => change({ captured_at: at })} />
    <${TimeField} label="Last frame (UTC)" value=${labels.captured_until}
      onValue=${(/** @type {string} */ until) => change({ captured_until: until })} />
    <button disabled=${busy || !altered.length}>Save labels</button>
    ${problem && html`<${Failure} problem=${problem} />`}
  </form>`;
}

/** @param {{ tracklet: Tracklet }} props */
function Erase({ tracklet }) {
  const [asking, setAsking] = useState(false);
  const {
    tracklet_id: id,
    identity,
    camera,
    frames,
    captured_at: from,
    captured_until: until,
  } = tracklet;
  const erase = async () => {
    const receipt = await eraseTracklet(id);
    notify(`The tracklet is erased. ${receiptInWords(receipt)}`);
    erased(id);
    go(TRACKLETS);
  };
  return html`<div class="danger-zone">
    <p class="hint">Erasing removes labels, embedding and pictures from the disk.</p>
    <button type="button" class="danger" onClick=${() => setAsking(true)}>
      Erase this tracklet…
    </button>
    ${
      asking &&
      html`<${Confirmation} title="Erase this tracklet?" label="Erase 1 tracklet" run=${erase}
      close=${() => setAsking(false)}>
      <p>This goes for good, and nobody can bring it back:</p>
      <ul>
        <li>tracklet <b class="id">${id}</b> with its embedding</li>
        <li>its ${counted(frames.sampled.length, "picture")}, where they are kept</li>
        <li>identity ${identity ?? "not labelled"}, camera ${camera ?? "not named"}</li>
        <li>${from ? `${showSpan(from, until)} (UTC)` : "without a time"}</li>
      </ul>
    <//>`
    }
  </div>`;
}
