/** The query and one hit side by side: the same frames that decided, and what they weighed. */

import { html, useState } from "../preact.js";
import { asProblem } from "../api/problems.js";
import { readTracklet } from "../api/calls.js";
import { showProbability, showScore } from "../facts/numbers.js";
import { hasSubject, keyOf, paramsOf, wantedOf } from "../facts/search.js";
import { showTime } from "../facts/times.js";
import { scoringInWords } from "../facts/verdict.js";
import { hrefOf } from "../router.js";
import { answerOf, search, uploadOf } from "../searches.js";
import { IdentityName, Verdict } from "../parts/badge.js";
import { HeatSwitch, NO_MAP, useMaps } from "../parts/heat_switch.js";
import { useLoaded } from "../parts/hooks.js";
import { Empty, Failure, Remark, Waiting } from "../parts/message.js";
import { Viewer } from "../parts/viewer.js";

/**
 * @typedef {import("../api/types.js").Tracklet} Tracklet
 * @typedef {import("../api/types.js").Result} Result
 * @typedef {import("../searches.js").Answer} Answer
 * @typedef {import("../facts/search.js").Wanted} Wanted
 *
 * @typedef {object} Compared
 * @property {Answer} answer
 * @property {Tracklet} hit
 * @property {Tracklet|null} subject the enrolled tracklet that was asked about
 */

/** @param {{ name: string, params: URLSearchParams }} props */
export function CompareView({ name, params }) {
  const wanted = wantedOf(params);
  const back = hrefOf("search", null, paramsOf(wanted));
  const gone = wanted.upload !== null && !answerOf(wanted) && !uploadOf(wanted.upload);
  return html`<p class="crumbs"><a href=${back}>Back to the results</a></p>
    <h1 id="view-title" tabindex="-1">Compare</h1>
    ${
      gone || !hasSubject(wanted)
        ? html`<${Empty} title="The query is no longer in the page's memory">
          <p>Uploads are forgotten when the page is reloaded. The hit is still
            ${" "}<a href=${hrefOf("tracklet", name)}>in the gallery</a>.</p>
        <//>`
        : html`<${Comparison} id=${name} wanted=${wanted} />`
    }`;
}

/** @param {{ id: string, wanted: Wanted }} props */
function Comparison({ id, wanted }) {
  const { value, problem, again } = useLoaded(
    (signal) => readCompared(id, wanted, signal),
    [id, keyOf(wanted)],
  );
  if (problem) return html`<${Failure} problem=${asProblem(problem)} again=${again} />`;
  return value
    ? html`<${SideBySide} compared=${value} />`
    : html`<${Waiting} what="Reading query and hit" />`;
}

/**
 * The answer is known already where one comes from the results; a link leads here without it.
 * @param {string} id
 * @param {Wanted} wanted
 * @param {AbortSignal} signal
 * @returns {Promise<Compared>}
 */
async function readCompared(id, wanted, signal) {
  const [answer, hit, subject] = await Promise.all([
    answerOf(wanted) ?? search(wanted, { signal }),
    readTracklet(id, signal),
    wanted.tracklet === null ? null : readTracklet(wanted.tracklet, signal),
  ]);
  return { answer, hit, subject };
}

/** @param {{ compared: Compared }} props */
function SideBySide({ compared: { answer, hit, subject } }) {
  const [heat, setHeat] = useState(false);
  const ofHit = useMaps(hit.tracklet_id, heat);
  const ofSubject = useMaps(subject?.tracklet_id ?? null, heat);
  const ofUpload = heat ? (answer.query.spatial_attention ?? null) : null;
  const problem = ofHit.problem ?? ofSubject.problem;
  const missing = ofHit.state === "missing" || ofSubject.state === "missing";
  const waiting = ofHit.state === "waiting" || ofSubject.state === "waiting";
  return html`<${Standing} answer=${answer} hit=${hit} />
    <div class="toolbar">
      <${HeatSwitch} on=${heat} onChange=${setHeat} />
      ${waiting && html`<${Waiting} what="Looking at the frames once more" />`}
    </div>
    ${problem && html`<${Failure} problem=${problem} />`}
    ${missing && html`<${Remark}>${NO_MAP}<//>`}
    <div class="sides">
      <section class="card" aria-labelledby="side-query">
        <h2 id="side-query">Query</h2>
        <${Viewer} name="the query" shown=${queryShown(answer, subject)}
          maps=${subject ? ofSubject.maps : ofUpload}>
          ${
            subject
              ? html`<${TrackletFacts} tracklet=${subject} />`
              : html`<dt>Upload</dt><dd>${answer.query.frames.received} frames received</dd>`
          }
        <//>
      </section>
      <section class="card" aria-labelledby="side-hit">
        <h2 id="side-hit">Hit</h2>
        <${Viewer} name="the hit" maps=${ofHit.maps} shown=${{
          frames: hit.frames,
          weights: hit.temporal_attention,
          effective: hit.effective_frames,
          sourceOf: (/** @type {number} */ place) => ({ id: hit.tracklet_id, place }),
        }}>
          <${TrackletFacts} tracklet=${hit} />
        <//>
      </section>
    </div>`;
}

/**
 * @param {Answer} answer
 * @param {Tracklet|null} subject
 * @returns {import("../parts/viewer.js").Shown}
 */
function queryShown({ query, blobs }, subject) {
  const id = subject?.tracklet_id ?? "";
  return {
    frames: query.frames,
    weights: query.temporal_attention,
    effective: query.effective_frames,
    sourceOf: (place) => (blobs ? { blob: blobs[place] } : { id, place }),
  };
}

/** Where the hit stands in the answer. @param {{ answer: Answer, hit: Tracklet }} props */
function Standing({ answer, hit }) {
  const result = answer.results.find((one) =>
    one.tracklets.some(({ tracklet_id: id }) => id === hit.tracklet_id),
  );
  const found = result?.tracklets.find(({ tracklet_id: id }) => id === hit.tracklet_id);
  if (!result || !found) {
    return html`<${Remark}>This tracklet is not among the results of the query.<//>`;
  }
  const { identity, match, probability } = result;
  const scoring = scoringInWords(answer.gallery.scoring).join(", ");
  return html`<div class="standing card">
    <p class="standing-name">
      <${IdentityName} name=${identity} href=${identity && hrefOf("identity", identity)} />
      <${Verdict} match=${match} />
    </p>
    <dl class="figures">
      <div><dt>Rank</dt><dd>${result.rank}</dd></div>
      <div><dt>Score of this tracklet</dt><dd>${showScore(found.score)}</dd></div>
      <div><dt>Score of the identity</dt><dd>${showScore(result.score)}</dd></div>
      <div>
        <dt>Probability</dt>
        <dd>${probability === null ? "–" : showProbability(probability)}</dd>
      </div>
      ${scoring && html`<div><dt>Scoring</dt><dd>${scoring}</dd></div>`}
    </dl>
  </div>`;
}

/** @param {{ tracklet: Tracklet }} props */
function TrackletFacts({ tracklet }) {
  const { tracklet_id: id, identity, camera, captured_at: at } = tracklet;
  return html`<dt>Identity</dt>
    <dd><${IdentityName} name=${identity} href=${identity && hrefOf("identity", identity)} /></dd>
    <dt>Camera</dt><dd>${camera ?? "–"}</dd>
    <dt>Time (UTC)</dt><dd>${showTime(at)}</dd>
    <dt>Tracklet</dt><dd><a class="id" href=${hrefOf("tracklet", id)}>${id}</a></dd>`;
}
