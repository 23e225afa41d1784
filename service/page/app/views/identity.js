/** An identity's path: where this person was seen, in order, and what can be done with the name. */

import { html, useState } from "../preact.js";
import { readIdentity } from "../api/calls.js";
import { changes } from "../changes.js";
import { counted, showCount } from "../facts/numbers.js";
import { lineOf } from "../facts/sightings.js";
import { showLength, showTime } from "../facts/times.js";
import { hrefOf, searchParams } from "../router.js";
import { useStore } from "../store.js";
import { useLoaded } from "../parts/hooks.js";
import { Failure, Waiting } from "../parts/message.js";
import { Strip } from "../parts/strip.js";
import { Timeline } from "../parts/timeline.js";
import { IdentityActions } from "./identity_actions.js";

/**
 * @typedef {import("../api/types.js").IdentityPath} IdentityPath
 * @typedef {import("../api/types.js").Tracklet} Tracklet
 */

const PORTION = 100;

/** @type {["time"|"order", string][]} */
const SCALES = [
  ["time", "By the clock"],
  ["order", "In order"],
];

/** @param {{ name: string }} props */
export function IdentityView({ name }) {
  const change = useStore(changes);
  const [portions, setPortions] = useState(1);
  const { value, problem, loading, again } = useLoaded(
    (signal) => readPath(name, portions, signal),
    [name, portions, change],
  );
  return html`<p class="crumbs"><a href=${hrefOf("gallery")}>Gallery</a></p>
    <h1 id="view-title" tabindex="-1">${name}</h1>
    ${problem && html`<${Failure} problem=${problem} again=${again} />`}
    ${loading && !value && html`<${Waiting} what="Reading the path" />`}
    ${
      value &&
      html`<${Summary} path=${value} />
      <${Path} path=${value} />
      ${
        value.next_cursor !== null &&
        html`<p class="actions">
        <button type="button" disabled=${loading} onClick=${() => setPortions(portions + 1)}>
          Show more of ${counted(value.tracklets, "tracklet")}
        </button>
      </p>`
      }
      <${IdentityActions} identity=${value} />`
    }`;
}

/**
 * The first so many portions of a path as one.
 * @param {string} name
 * @param {number} portions
 * @param {AbortSignal} signal
 * @returns {Promise<IdentityPath>}
 */
async function readPath(name, portions, signal) {
  const path = await readIdentity(name, searchParams({ limit: PORTION }), signal);
  for (let portion = 1; portion < portions && path.next_cursor !== null; portion += 1) {
    const query = searchParams({ limit: PORTION, cursor: path.next_cursor });
    const next = await readIdentity(name, query, signal);
    path.items.push(...next.items);
    path.next_cursor = next.next_cursor;
  }
  return path;
}

/** @param {{ path: IdentityPath }} props */
function Summary({ path }) {
  return html`<dl class="figures figures-wide">
    <div><dt>Tracklets</dt><dd>${showCount(path.tracklets)}</dd></div>
    <div><dt>Cameras</dt><dd>${showCount(path.cameras.length)}</dd></div>
    <div><dt>First seen (UTC)</dt><dd>${showTime(path.first_seen)}</dd></div>
    <div><dt>Last seen (UTC)</dt><dd>${showTime(path.last_seen)}</dd></div>
  </dl>`;
}

/** @param {{ path: IdentityPath }} props */
function Path({ path }) {
  const [scale, setScale] = useState(/** @type {"time"|"order"} */ ("time"));
  const line = lineOf(path.items, scale);
  const untimed = line.untimed.map((tracklet) => ({ tracklet, number: null, gap: null }));
  const sightings = [...line.stations, ...untimed];
  return html`${
    line.stations.length > 0 &&
    html`<section class="card" aria-labelledby="path-title">
      <div class="card-head">
        <h2 id="path-title">Path through the cameras</h2>
        <div class="switch" role="group" aria-label="Scale">
          ${SCALES.map(
            ([one, text]) => html`<button key=${one} type="button"
              aria-pressed=${String(scale === one)}
                onClick=${() => setScale(one)}>${text}</button>`,
          )}
        </div>
      </div>
      <${Timeline} line=${line} scale=${scale} />
    </section>`
  }
    <section aria-labelledby="sightings-title">
      <h2 id="sightings-title">Sightings</h2>
      <ol class="sightings">
        ${sightings.map(
          ({ tracklet, number, gap }) => html`<${Sighting} key=${tracklet.tracklet_id}
            tracklet=${tracklet} number=${number} gap=${gap} />`,
        )}
      </ol>
    </section>`;
}

/** @param {{ tracklet: Tracklet, number: number|null, gap: number|null }} props */
function Sighting({ tracklet, number, gap }) {
  const { tracklet_id: id, camera, captured_at: at } = tracklet;
  const where = camera ?? "no camera";
  return html`<li class="sighting card">
    <div class="sighting-facts">
      <span class="rank" aria-hidden="true">${number ?? "–"}</span>
      <p>
        <b>${where}</b><br />
        <time>${at ? showTime(at) : "no time"}</time>
        ${gap !== null && html`<span class="hint"> ${showLength(gap)} later</span>`}
      </p>
    </div>
    <a class="hit-frames" href=${hrefOf("tracklet", id)}
      aria-label=${`Open the tracklet at ${where}, ${showTime(at)}`}>
      <${Strip} frames=${tracklet.frames} weights=${tracklet.temporal_attention}
        sourceOf=${(/** @type {number} */ place) => ({ id, place })} />
    </a>
    <p class="hit-links"><a href=${hrefOf("search", null, { tracklet: id })}
      aria-label=${`More like the tracklet at ${where}`}>More like this</a></p>
  </li>`;
}
