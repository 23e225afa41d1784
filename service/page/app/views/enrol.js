/** Enrol: one person's frames or clip into the gallery, with what is known of them. */

import { html, useRef, useState } from "../preact.js";
import { enrol } from "../api/calls.js";
import { asProblem } from "../api/problems.js";
import { changed } from "../changes.js";
import { appendFiles } from "../facts/files.js";
import { warningInWords } from "../facts/verdict.js";
import { hrefOf } from "../router.js";
import { may, session } from "../session.js";
import { useStore } from "../store.js";
import { IdentityName } from "../parts/badge.js";
import { ChosenFiles, RefusedFiles, useChosen } from "../parts/chosen.js";
import { Dropzone } from "../parts/dropzone.js";
import { IdentityField, TextField, TimeField } from "../parts/field.js";
import { Empty, Failure, Remark } from "../parts/message.js";
import { notify } from "../parts/notices.js";
import { Progress } from "../parts/progress.js";
import { Spread, Strip } from "../parts/strip.js";

const BLANK = {
  identity: "",
  camera: "",
  captured_at: "",
  captured_until: "",
  tracklet_id: "",
  attributes: "",
};

/** @typedef {typeof BLANK} Labels */

export function EnrolView() {
  const now = useStore(session);
  const files = useChosen();
  const [labels, setLabels] = useState(BLANK);
  const sending = useSending();
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!files.chosen || sending.progress) return;
    sending.start(formOf(files.chosen, labels), files.chosen, () => {
      files.clear();
      // The next upload is most likely of the same place and time, but another tracklet.
      setLabels({ ...labels, tracklet_id: "", attributes: "" });
    });
  };
  const take = (/** @type {File[]} */ chosen) => {
    sending.clear();
    files.take(chosen);
  };
  if (now.status && !may(now, "enrol")) return html`<${NotAllowed} />`;
  return html`<h1 id="view-title" tabindex="-1">Enrol a tracklet</h1>
    <div class="split split-even">
      <form class="card" onSubmit=${submit} aria-labelledby="view-title">
        ${
          files.chosen
            ? html`<${ChosenFiles} chosen=${files.chosen} onClear=${files.clear} />`
            : html`<${Dropzone} onFiles=${take} prompt="Drop frames or a clip of one person">
              <p class="hint">Pictures of the person cut out of the scene, in the order of their
                names, or one video. 32 frames are looked at.</p>
            <//>`
        }
        ${files.refusal && html`<${RefusedFiles} refusal=${files.refusal} onThin=${files.thin} />`}
        <${LabelFields} labels=${labels} onLabels=${setLabels} />
        <button class="primary wide" disabled=${!files.chosen || sending.progress !== null}>
          Enrol
        </button>
      </form>
      <section aria-label="Outcome"><${Outcome} sending=${sending} /></section>
    </div>`;
}

function NotAllowed() {
  return html`<h1 id="view-title" tabindex="-1">Enrol a tracklet</h1>
    <${Empty} title="Your key does not allow this">
      <p>Enrolling needs a key with the role enrol or admin.</p>
    <//>`;
}

/** @param {{ labels: Labels, onLabels: (labels: Labels) => void }} props */
function LabelFields({ labels, onLabels }) {
  const of = (/** @type {keyof Labels} */ name) => ({
    value: labels[name],
    onValue: (/** @type {string} */ value) => onLabels({ ...labels, [name]: value }),
  });
  return html`<fieldset>
    <legend>What is known</legend>
    <div class="pair">
      <${IdentityField} label="Identity" ...${of("identity")} hint="Leave it empty if unknown." />
      <${TextField} label="Camera" maxlength="128" ...${of("camera")} />
    </div>
    <div class="pair">
      <${TimeField} label="First frame (UTC)" ...${of("captured_at")} />
      <${TimeField} label="Last frame (UTC)" ...${of("captured_until")} />
    </div>
    <div class="pair">
      <${TextField} label="Tracklet id" maxlength="128" ...${of("tracklet_id")}
        hint="Made where you give none." />
      <${TextField} label="Attributes" ...${of("attributes")}
        hint="A JSON object, kept as it is." />
    </div>
  </fieldset>`;
}

/** @param {import("../facts/files.js").Chosen} chosen @param {Labels} labels */
function formOf(chosen, labels) {
  const form = new FormData();
  for (const [name, value] of Object.entries(labels)) if (value.trim()) form.append(name, value);
  appendFiles(chosen, form);
  return form;
}

/**
 * @type {{ progress: import("../api/upload.js").Progress|null, file: File|null,
 *   problem: import("../api/problems.js").Problem|null,
 *   enrolled: Awaited<ReturnType<typeof enrol>>|null }} `file` is the one at fault
 */
const IDLE = { progress: null, file: null, problem: null, enrolled: null };

/** One upload on its way, and how the last one ended. */
function useSending() {
  const [state, setState] = useState(IDLE);
  const stop = useRef(new AbortController());
  const start = async (
    /** @type {FormData} */ form,
    /** @type {import("../facts/files.js").Chosen} */ chosen,
    /** @type {() => void} */ onDone,
  ) => {
    const { signal } = (stop.current = new AbortController());
    const onProgress = (/** @type {import("../api/upload.js").Progress} */ progress) =>
      setState({ ...IDLE, progress });
    onProgress({ stage: "sending", share: 0 });
    try {
      const enrolled = await enrol(form, { onProgress, signal });
      setState({ ...IDLE, enrolled });
      notify(
        enrolled.created ? "The tracklet is enrolled." : "This tracklet was enrolled already.",
      );
      changed();
      onDone();
    } catch (error) {
      const problem = asProblem(error);
      const file = problem.frame === null ? null : chosen.files[problem.frame];
      setState({ ...IDLE, problem, file });
    }
  };
  return { ...state, start, clear: () => setState(IDLE), cancel: () => stop.current.abort() };
}

/** @param {{ sending: ReturnType<typeof useSending> }} props */
function Outcome({ sending: { progress, problem, file, enrolled, cancel } }) {
  if (progress) return html`<${Progress} progress=${progress} onCancel=${cancel} />`;
  if (problem)
    return html`<${Failure} problem=${problem} about=${file && `The file is ${file.name}.`} />`;
  if (!enrolled) {
    return html`<${Empty} title="Nothing sent yet">
      <p>One upload is one tracklet: one person, one camera, one walk. For whole archives use
        ${" "}<code>sightline index</code>.</p>
    <//>`;
  }
  const { tracklet } = enrolled;
  const { tracklet_id: id, identity } = tracklet;
  return html`<div class="card">
    <h2>${enrolled.created ? "Enrolled" : "Was enrolled already"}</h2>
    ${tracklet.warnings?.map((code) => html`<${Remark} key=${code}>${warningInWords(code)}<//>`)}
    <dl class="facts">
      <dt>Identity</dt>
      <dd><${IdentityName} name=${identity} href=${identity && hrefOf("identity", identity)} /></dd>
      <dt>Tracklet</dt><dd><a class="id" href=${hrefOf("tracklet", id)}>${id}</a></dd>
      <dt>Effective frames</dt>
      <dd><${Spread} weights=${tracklet.temporal_attention}
        effective=${tracklet.effective_frames} /></dd>
    </dl>
    <${Strip} frames=${tracklet.frames} weights=${tracklet.temporal_attention}
      sourceOf=${(/** @type {number} */ place) => ({ id, place })} />
    <p class="actions">
      <a class="button" href=${hrefOf("search", null, { tracklet: id })}>More like this</a>
    </p>
  </div>`;
}
