/** Search: who is asked about and within which limits on one side, who was found on the other. */

import { html, useEffect, useRef, useState } from "../preact.js";
import { asProblem } from "../api/problems.js";
import { hasSubject, keyOf, paramsOf, wantedOf } from "../facts/search.js";
import { go, hrefOf } from "../router.js";
import { answerOf, rememberUpload, search, uploadOf } from "../searches.js";
import { Empty, Failure } from "../parts/message.js";
import { Progress } from "../parts/progress.js";
import { QueryPanel } from "./query_panel.js";
import { Results } from "./results.js";

/**
 * @typedef {import("../facts/search.js").Wanted} Wanted
 * @typedef {import("../searches.js").Answer} Answer
 *
 * @typedef {object} Run
 * @property {Answer|null} answer
 * @property {import("../api/problems.js").Problem|null} problem
 * @property {import("../api/upload.js").Progress|null} progress while it is under way
 * @property {() => void} again
 * @property {() => void} cancel
 */

/** @param {{ params: URLSearchParams }} props */
export function SearchView({ params }) {
  const wanted = wantedOf(params);
  const run = useSearch(wanted);
  const heading = useRef(null);
  const asked = useRef(false);

  useEffect(() => {
    // After one's own search the results have the focus; after Back nothing jumps.
    if (run.answer && asked.current) arriveAt(heading.current);
    if (run.answer) asked.current = false;
  }, [run.answer]);

  const start = (/** @type {Wanted} */ next, /** @type {Chosen|null} */ chosen) => {
    asked.current = true;
    const upload = chosen ? numberOf(chosen, wanted) : null;
    const href = hrefOf(
      "search",
      null,
      paramsOf({ ...next, upload, tracklet: upload ? null : next.tracklet }),
    );
    if (href === location.hash) run.again();
    else go(href);
  };

  const busy = run.progress !== null;
  return html`<div class="split">
    <${QueryPanel} wanted=${wanted} answer=${run.answer} busy=${busy} onSearch=${start} />
    <section class="results" aria-labelledby="results-title" aria-busy=${String(busy)}>
      <${Outcome} wanted=${wanted} run=${run} heading=${heading} />
    </section>
  </div>`;
}

/** @typedef {import("../facts/files.js").Chosen} Chosen */

/**
 * The results have the focus; where they stand below the form they are brought into sight.
 * @param {HTMLElement|null} heading
 */
function arriveAt(heading) {
  heading?.focus({ preventScroll: true });
  if (matchMedia("(max-width: 900px)").matches) heading?.scrollIntoView({ block: "start" });
}

/**
 * The number of an upload; the one that is asked about already keeps its own.
 * @param {Chosen} chosen
 * @param {Wanted} wanted
 */
function numberOf(chosen, wanted) {
  return uploadOf(wanted.upload) === chosen ? wanted.upload : rememberUpload(chosen);
}

/** @param {{ wanted: Wanted, run: Run, heading: { current: any } }} props */
function Outcome({ wanted, run, heading }) {
  const title = (/** @type {string} */ text) =>
    html`<h2 id="results-title" tabindex="-1" ref=${heading}>${text}</h2>`;
  if (run.problem) {
    const plain = hrefOf("search", null, paramsOf({ ...wanted, rerank: false }));
    return html`${title("No results")}
      <${Failure} problem=${run.problem} about=${atFault(run.problem, wanted)} again=${run.again}>
        ${
          run.problem.code === "rerank_unavailable" &&
          html`<a class="button" href=${plain}>Search without re-ranking</a>`
        }
      <//>`;
  }
  if (run.progress) {
    return html`${title("Searching")}
      <${Progress} progress=${run.progress} onCancel=${run.cancel} />`;
  }
  if (run.answer) {
    return html`<${Results} wanted=${wanted} answer=${run.answer} title=${title} />`;
  }
  if (wanted.upload !== null && !uploadOf(wanted.upload)) {
    return html`${title("No results")}
      <${Empty} title="This upload is no longer in the page's memory">
        <p>Uploads are forgotten when the page is reloaded. Choose the files once more.</p>
      <//>`;
  }
  return html`${title("Results")}
    <${Empty} title="Nobody is asked about yet">
      <p>Drop pictures or a clip of one person, or pick “More like this” at a tracklet in the
        ${" "}<a href=${hrefOf("gallery")}>gallery</a>. The people who look most alike are listed
        here, the best first.</p>
    <//>`;
}

/**
 * Which file a problem about a frame means.
 * @param {import("../api/problems.js").Problem} problem
 * @param {Wanted} wanted
 */
function atFault({ frame }, { upload }) {
  const file = frame !== null && uploadOf(upload)?.files[frame];
  return file ? `The file is ${file.name}, number ${frame + 1}.` : null;
}

/** @type {Pick<Run, "answer"|"problem"|"progress">} */
const IDLE = { answer: null, problem: null, progress: null };

/**
 * Search as the address says, unless the answer is known.
 * @param {Wanted} wanted
 * @returns {Run}
 */
function useSearch(wanted) {
  const key = keyOf(wanted);
  const [round, setRound] = useState(0);
  const [state, setState] = useState({ key: "", ...IDLE });
  const stop = useRef(new AbortController());

  useEffect(() => {
    const known = answerOf(wanted);
    const possible = wanted.upload === null || uploadOf(wanted.upload) !== null;
    if (known || !hasSubject(wanted) || !possible) {
      setState({ key, ...IDLE, answer: known });
      return undefined;
    }
    let gone = false;
    const { signal } = (stop.current = new AbortController());
    const show = (/** @type {object} */ next) => setState({ key, ...IDLE, ...next });
    const onProgress = (/** @type {object} */ progress) => signal.aborted || show({ progress });
    show({ progress: { stage: "sending", share: 0 } });
    search(wanted, { onProgress, signal }).then(
      (answer) => show({ answer }),
      (error) => !gone && show({ problem: asProblem(error) }),
    );
    return () => {
      gone = true;
      stop.current.abort();
    };
  }, [key, round]);

  // Until the effect has run, what is held belongs to the search before.
  const now =
    state.key === key ? state : { answer: answerOf(wanted), problem: null, progress: null };
  return {
    ...now,
    again: () => setRound((count) => count + 1),
    cancel: () => stop.current.abort(),
  };
}
