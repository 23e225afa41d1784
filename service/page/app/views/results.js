/** Who was found: ranked identities, each with its best tracklets. */

import { html, useState } from "../preact.js";
import { showCount, counted, showProbability, showScore } from "../facts/numbers.js";
import { paramsOf } from "../facts/search.js";
import { showTime } from "../facts/times.js";
import { cautionOf, scoringInWords, warningInWords } from "../facts/verdict.js";
import { hrefOf } from "../router.js";
import { IdentityName, Verdict } from "../parts/badge.js";
import { Empty, Remark } from "../parts/message.js";
import { Strip } from "../parts/strip.js";

/**
 * @typedef {import("../api/types.js").Result} Result
 * @typedef {import("../api/types.js").FoundTracklet} FoundTracklet
 * @typedef {import("../facts/search.js").Wanted} Wanted
 */

const SHOWN_AT_FIRST = 3;

/**
 * @param {{ wanted: Wanted, answer: import("../searches.js").Answer,
 *   title: (text: string) => unknown }} props
 */
export function Results({ wanted, answer, title }) {
  const { results, gallery, warnings, timing_ms: timing } = answer;
  const found = results.length ? counted(results.length, "result") : "Nobody found";
  const scoring = scoringInWords(gallery.scoring);
  return html`${title(found)}
    <p class="results-summary">
      ${showCount(gallery.searched)} of ${counted(gallery.tracklets, "tracklet")} compared${" "}
      in ${showCount(Math.round(timing.total))} ms${scoring.map((word) => ` · ${word}`)}
      ${!gallery.exact && " · approximate"}
    </p>
    ${warnings.map((code) => html`<${Remark} key=${code}>${warningInWords(code)}<//>`)}
    ${
      results.length > 0
        ? html`<p class="hint">${cautionOf(gallery, wanted.far)}</p>
          <ol class="ranking">
            ${results.map(
              (result) =>
                html`<${ResultCard} key=${result.rank} result=${result} wanted=${wanted} />`,
            )}
          </ol>`
        : html`<${Nobody} gallery=${gallery} />`
    }`;
}

/** @param {{ gallery: import("../api/types.js").SearchedGallery }} props */
function Nobody({ gallery }) {
  if (!gallery.tracklets) {
    return html`<${Empty} title="The gallery is empty">
      <p><a href=${hrefOf("enrol")}>Enrol a tracklet</a>, or index an archive with
        ${" "}<code>sightline index</code>.</p>
    <//>`;
  }
  return html`<${Empty} title="No tracklet passes these limits">
    <p>Take out a camera or widen the time.</p>
  <//>`;
}

/** @param {{ result: Result, wanted: Wanted }} props */
function ResultCard({ result, wanted }) {
  const { rank, identity, score, probability, match, tracklets } = result;
  const [all, setAll] = useState(false);
  const shown = all ? tracklets : tracklets.slice(0, SHOWN_AT_FIRST);
  const more = tracklets.length - shown.length;
  return html`<li class="result card">
    <div class="result-head">
      <span class="rank" aria-label=${`Rank ${rank}`}>${rank}</span>
      <h3><${IdentityName} name=${identity} href=${identity && hrefOf("identity", identity)} /></h3>
      <${Verdict} match=${match} />
      <dl class="figures">
        <div>
          <dt>Score</dt>
          <dd>${showScore(score)} <${ScoreBar} score=${score} /></dd>
        </div>
        <div>
          <dt>Probability</dt>
          <dd>${probability === null ? "–" : showProbability(probability)}</dd>
        </div>
      </dl>
    </div>
    <ul class="hits">
      ${shown.map(
        (hit) => html`<${Hit} key=${hit.tracklet_id} hit=${hit} wanted=${wanted}
        name=${identity} />`,
      )}
    </ul>
    ${
      more > 0 &&
      html`<button type="button" onClick=${() => setAll(true)}>
        Show ${counted(more, "more tracklet")}
      </button>`
    }
  </li>`;
}

/** @param {{ score: number }} props */
function ScoreBar({ score }) {
  const width = `${100 * Math.min(1, Math.max(0, score))}%`;
  return html`<span class="score-bar" aria-hidden="true"><i style=${{ width }}></i></span>`;
}

/** @param {{ hit: FoundTracklet, wanted: Wanted, name: string|null }} props */
function Hit({ hit, wanted, name }) {
  const { tracklet_id: id, camera, captured_at: at, frames, temporal_attention: weights } = hit;
  const compare = hrefOf("compare", id, paramsOf(wanted));
  const whose = `${name ?? "this tracklet"} at ${camera ?? "no camera"}`;
  return html`<li class="hit">
    <a class="hit-frames" href=${compare} aria-label=${`Compare the query with ${whose}`}>
      <${Strip} frames=${frames} weights=${weights}
        sourceOf=${(/** @type {number} */ place) => ({ id, place })} />
    </a>
    <p class="hit-facts">
      <b>${camera ?? "no camera"}</b>
      <span class="hit-score">${showScore(hit.score)}</span>
      <time>${showTime(at)}</time>
    </p>
    <p class="hit-links">
      <a href=${compare} aria-hidden="true" tabindex="-1">Compare</a>
      <a href=${hrefOf("search", null, { tracklet: id })} aria-label=${`More like ${whose}`}>
        More like this</a>
    </p>
  </li>`;
}
