/** Who is asked about, and within which limits. */

import { html, useEffect, useState } from "../preact.js";
import { listCameras, readTracklet } from "../api/calls.js";
import { showRate } from "../facts/numbers.js";
import { COUNTS, RATES, keyOf } from "../facts/search.js";
import { hrefOf } from "../router.js";
import { uploadOf } from "../searches.js";
import { session } from "../session.js";
import { useStore } from "../store.js";
import { CameraChoice } from "../parts/cameras.js";
import { ChosenFiles, RefusedFiles, useChosen } from "../parts/chosen.js";
import { Dropzone } from "../parts/dropzone.js";
import { Choice, TimeField } from "../parts/field.js";
import { useLoaded } from "../parts/hooks.js";
import { Failure, Waiting } from "../parts/message.js";
import { Spread, Strip } from "../parts/strip.js";

/**
 * @typedef {import("../facts/search.js").Wanted} Wanted
 * @typedef {import("../facts/files.js").Chosen} Chosen
 */

/**
 * @param {{ wanted: Wanted, answer: import("../searches.js").Answer|null, busy: boolean,
 *   onSearch: (wanted: Wanted, chosen: Chosen|null) => void }} props
 */
export function QueryPanel({ wanted, answer, busy, onSearch }) {
  const [draft, setDraft] = useState(wanted);
  const files = useChosen();
  const change = (/** @type {Partial<Wanted>} */ changes) => setDraft({ ...draft, ...changes });
  useEffect(() => {
    setDraft(wanted);
    files.show(uploadOf(wanted.upload));
  }, [keyOf(wanted)]);
  const ready = files.chosen !== null || draft.tracklet !== null;
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (ready && !busy) onSearch(draft, files.chosen);
  };
  const take = (/** @type {File[]} */ chosen) => {
    change({ tracklet: null });
    files.take(chosen);
  };

  return html`<form class="query card" onSubmit=${submit} aria-labelledby="view-title">
    <h1 id="view-title" tabindex="-1">Search</h1>
    ${
      draft.tracklet !== null
        ? html`<${EnrolledSubject} id=${draft.tracklet}
            onClear=${() => change({ tracklet: null })} />`
        : files.chosen
          ? html`<${UploadedSubject} chosen=${files.chosen} answer=${answer}
              onClear=${files.clear} />`
          : html`<${Dropzone} onFiles=${take} prompt="Drop frames or a clip of one person">
            <p class="hint">Pictures of the person cut out of the scene, in the order of their
              names, or one video.</p>
          <//>`
    }
    ${files.refusal && html`<${RefusedFiles} refusal=${files.refusal} onThin=${files.thin} />`}
    <${Limits} draft=${draft} onChange=${change} />
    <button class="primary wide" disabled=${!ready || busy}>Search</button>
  </form>`;
}

/** @param {{ id: string, onClear: () => void }} props */
function EnrolledSubject({ id, onClear }) {
  const { value, problem, again } = useLoaded((signal) => readTracklet(id, signal), [id]);
  return html`<div class="subject">
    <p class="subject-title">More like
      ${" "}<a href=${hrefOf("tracklet", id)}>${value?.identity ?? "this tracklet"}</a></p>
    ${problem && html`<${Failure} problem=${problem} again=${again} />`}
    ${!value && !problem && html`<${Waiting} what="Reading the tracklet" />`}
    ${
      value &&
      html`<${Strip} frames=${value.frames} weights=${value.temporal_attention}
        sourceOf=${(/** @type {number} */ place) => ({ id, place })} />
      <p class="chosen-words"><span>${value.camera ?? "no camera"}</span></p>
      <p>Effective frames: <${Spread} weights=${value.temporal_attention}
        effective=${value.effective_frames} /></p>`
    }
    <button type="button" onClick=${onClear}>Use files instead</button>
  </div>`;
}

/**
 * What was sent, and once it is answered, what the model made of it.
 * @param {{ chosen: Chosen, answer: import("../searches.js").Answer|null, onClear: () => void }}
 *  props
 */
function UploadedSubject({ chosen, answer, onClear }) {
  const blobs = answer?.blobs;
  return html`<div class="subject">
    ${
      answer && blobs
        ? html`<${Strip} frames=${answer.query.frames} weights=${answer.query.temporal_attention}
            sourceOf=${(/** @type {number} */ place) => ({ blob: blobs[place] })} />
          <p>Effective frames: <${Spread} weights=${answer.query.temporal_attention}
            effective=${answer.query.effective_frames} /></p>
          <button type="button" onClick=${onClear}>Use other files</button>`
        : html`<${ChosenFiles} chosen=${chosen} onClear=${onClear} />`
    }
  </div>`;
}

/** @param {{ draft: Wanted, onChange: (changes: Partial<Wanted>) => void }} props */
function Limits({ draft, onChange }) {
  const { status } = useStore(session);
  const cameras = useLoaded(listCameras, [status?.gallery.cameras]);
  const rerank = (/** @type {any} */ event) => onChange({ rerank: event.currentTarget.checked });
  const names = cameras.value?.items.map((item) => item.camera) ?? [];
  const rates = RATES.map((rate) => [rate, `${showRate(rate)} pairs${support(status, rate)}`]);
  return html`<fieldset>
    <legend>Within</legend>
    <div class="pair">
      <${CameraChoice} label="Only cameras" names=${names} chosen=${draft.only}
        onChosen=${(/** @type {string[]} */ only) => onChange({ only })} />
      <${CameraChoice} label="Not cameras" names=${names} chosen=${draft.not}
        onChosen=${(/** @type {string[]} */ not) => onChange({ not })} />
    </div>
    <div class="column">
      <${TimeField} label="From (UTC)" value=${draft.after}
        onValue=${(/** @type {string} */ after) => onChange({ after })} />
      <${TimeField} label="Before (UTC)" value=${draft.before}
        onValue=${(/** @type {string} */ before) => onChange({ before })} />
    </div>
    <div class="pair">
      <${Choice} label="False accepts" value=${draft.far} options=${rates}
        onValue=${(/** @type {number} */ far) => onChange({ far })} />
      <${Choice} label="Identities" value=${draft.top}
        options=${COUNTS.map((count) => [count, `${count} best`])}
        onValue=${(/** @type {number} */ top) => onChange({ top })} />
    </div>
    <label class="check">
      <input type="checkbox" checked=${draft.rerank} onChange=${rerank} />
      Re-rank by shared neighbours
    </label>
  </fieldset>`;
}

/** @param {import("../api/types.js").Status|null} status @param {number} rate */
function support(status, rate) {
  const calibration = status?.calibration;
  if (!calibration) return "";
  const listed = calibration.rates.filter(({ far }) => far <= rate * 1.000001);
  const best = listed.toSorted((a, b) => b.far - a.far)[0];
  return best && best.threshold !== null ? "" : " (no support)";
}
