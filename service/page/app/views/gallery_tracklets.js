/** Tracklets in the order of their enrolment, by camera, identity and time. */

import { html, useEffect, useState } from "../preact.js";
import { listCameras, listTracklets } from "../api/calls.js";
import { changes } from "../changes.js";
import { showSpan } from "../facts/times.js";
import { go, hrefOf, searchParams } from "../router.js";
import { useStore } from "../store.js";
import { IdentityName } from "../parts/badge.js";
import { Choice, IdentityField, TimeField } from "../parts/field.js";
import { useLoaded } from "../parts/hooks.js";
import { Empty, Failure, Waiting } from "../parts/message.js";
import { Pager } from "../parts/pager.js";
import { Spread, Strip } from "../parts/strip.js";

const PAGE = 24;
const ALL = hrefOf("gallery", null, { list: "tracklets" });

/** @typedef {{ camera: string, identity: string, after: string, before: string }} Filter */

/** @param {{ params: URLSearchParams }} props */
export function TrackletList({ params }) {
  const change = useStore(changes);
  const of = (/** @type {string} */ name) => params.get(name) ?? "";
  const filter = {
    camera: of("camera"),
    identity: of("identity"),
    after: of("after"),
    before: of("before"),
  };
  const query = searchParams({
    camera: filter.camera,
    identity: filter.identity,
    captured_after: filter.after,
    captured_before: filter.before,
    cursor: params.get("cursor"),
    limit: PAGE,
  });
  const { value, problem, loading, again } = useLoaded(
    (signal) => listTracklets(query, signal),
    [query.toString(), change],
  );
  return html`<${FilterForm} filter=${filter} />
    ${problem && html`<${Failure} problem=${problem} again=${again} />`}
    ${loading && !value && html`<${Waiting} what="Reading tracklets" />`}
    ${value && !value.items.length && html`<${None} filter=${filter} />`}
    ${
      value &&
      value.items.length > 0 &&
      html`<ul class="tracklets" aria-busy=${String(loading)}>
        ${value.items.map((item) => html`<${Card} key=${item.tracklet_id} item=${item} />`)}
      </ul>
      <${Pager} view="gallery" params=${params} next=${loading ? null : value.next_cursor}
        shown=${value.items.length} size=${PAGE} />`
    }`;
}

/** @param {{ filter: Filter }} props */
function FilterForm({ filter }) {
  const [draft, setDraft] = useState(filter);
  const cameras = useLoaded(listCameras, []);
  useEffect(() => setDraft(filter), [JSON.stringify(filter)]);
  const change = (/** @type {Partial<Filter>} */ some) => setDraft({ ...draft, ...some });
  const find = (/** @type {Event} */ event) => {
    event.preventDefault();
    go(hrefOf("gallery", null, { list: "tracklets", ...draft, identity: draft.identity.trim() }));
  };
  const names = cameras.value?.items.map((item) => item.camera) ?? [];
  const known = filter.camera && !names.includes(filter.camera) ? [filter.camera, ...names] : names;
  const options = [["", "Any camera"], ...known.map((name) => [name, name])];
  const narrowed = Object.values(filter).some(Boolean);
  return html`<form class="filters" role="search" onSubmit=${find}>
    <${Choice} label="Camera" value=${draft.camera} options=${options}
      onValue=${(/** @type {string} */ camera) => change({ camera })} />
    <${IdentityField} label="Identity" value=${draft.identity}
      onValue=${(/** @type {string} */ identity) => change({ identity })} />
    <${TimeField} label="From (UTC)" value=${draft.after}
      onValue=${(/** @type {string} */ after) => change({ after })} />
    <${TimeField} label="Before (UTC)" value=${draft.before}
      onValue=${(/** @type {string} */ before) => change({ before })} />
    <button>Filter</button>
    ${narrowed && html`<a class="button" href=${ALL}>Show all</a>`}
  </form>`;
}

/** @param {{ filter: Filter }} props */
function None({ filter }) {
  if (Object.values(filter).some(Boolean)) {
    return html`<${Empty} title="No tracklet passes this filter">
      <p>A tracklet without a time passes no time filter.</p>
    <//>`;
  }
  return html`<${Empty} title="The gallery is empty">
    <p><a href=${hrefOf("enrol")}>Enrol a tracklet</a>, or index an archive with
      ${" "}<code>sightline index</code>.</p>
  <//>`;
}

/** @param {{ item: import("../api/types.js").Tracklet }} props */
function Card({ item }) {
  const { tracklet_id: id, identity, camera, captured_at: from, captured_until: until } = item;
  return html`<li class="hit card">
    <p class="hit-facts">
      <b><${IdentityName} name=${identity} href=${identity && hrefOf("identity", identity)} /></b>
      <span>${camera ?? "no camera"}</span>
      <time>${showSpan(from, until)}</time>
    </p>
    <a class="hit-frames" href=${hrefOf("tracklet", id)} aria-label=${`Open tracklet ${id}`}>
      <${Strip} frames=${item.frames} weights=${item.temporal_attention}
        sourceOf=${(/** @type {number} */ place) => ({ id, place })} />
    </a>
    <p class="hit-links">
      <span>Effective: <${Spread} weights=${item.temporal_attention}
        effective=${item.effective_frames} /></span>
      <a href=${hrefOf("search", null, { tracklet: id })} aria-label=${`More like tracklet ${id}`}>
        More like this</a>
    </p>
  </li>`;
}
