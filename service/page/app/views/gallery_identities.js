/** Identities in the order of their names. */

import { html, useEffect, useRef, useState } from "../preact.js";
import { listIdentities, readIdentity } from "../api/calls.js";
import { changes } from "../changes.js";
import { strongest } from "../facts/attention.js";
import { showCount } from "../facts/numbers.js";
import { showTime } from "../facts/times.js";
import { go, hrefOf, searchParams } from "../router.js";
import { useStore } from "../store.js";
import { TextField } from "../parts/field.js";
import { Frame } from "../parts/frame.js";
import { useLoaded, useSeen } from "../parts/hooks.js";
import { Empty, Failure, Waiting } from "../parts/message.js";
import { Pager } from "../parts/pager.js";

/** @typedef {import("../api/types.js").Identity} Identity */

const PAGE = 50;
const ALL = hrefOf("gallery", null, { list: "identities" });

/** @param {{ params: URLSearchParams }} props */
export function IdentityTable({ params }) {
  const change = useStore(changes);
  const prefix = params.get("prefix") ?? "";
  const query = searchParams({ prefix, limit: PAGE, cursor: params.get("cursor") });
  const { value, problem, loading, again } = useLoaded(
    (signal) => listIdentities(query, signal),
    [query.toString(), change],
  );
  return html`<${PrefixForm} prefix=${prefix} />
    ${problem && html`<${Failure} problem=${problem} again=${again} />`}
    ${loading && !value && html`<${Waiting} what="Reading identities" />`}
    ${value && !value.items.length && html`<${None} prefix=${prefix} />`}
    ${
      value &&
      value.items.length > 0 &&
      html`<div class="table-box" aria-busy=${String(loading)}>
        <table class="identities">
          <thead><tr>
            <th scope="col"><span class="unseen">Picture</span></th>
            <th scope="col">Identity</th>
            <th scope="col" class="number">Tracklets</th>
            <th scope="col">Cameras</th>
            <th scope="col">First seen (UTC)</th>
            <th scope="col">Last seen (UTC)</th>
          </tr></thead>
          <tbody>
            ${value.items.map((item) => html`<${Row} key=${item.identity} item=${item} />`)}
          </tbody>
        </table>
      </div>
      <${Pager} view="gallery" params=${params} next=${loading ? null : value.next_cursor}
        shown=${value.items.length} size=${PAGE} />`
    }`;
}

/** @param {{ prefix: string }} props */
function PrefixForm({ prefix }) {
  const [text, setText] = useState(prefix);
  useEffect(() => setText(prefix), [prefix]);
  const find = (/** @type {Event} */ event) => {
    event.preventDefault();
    go(hrefOf("gallery", null, { list: "identities", prefix: text.trim() }));
  };
  return html`<form class="filters" role="search" onSubmit=${find}>
    <${TextField} label="Name begins with" maxlength="128" value=${text} onValue=${setText} />
    <button>Find</button>
    ${prefix && html`<a class="button" href=${ALL}>Show all</a>`}
  </form>`;
}

/** @param {{ prefix: string }} props */
function None({ prefix }) {
  if (prefix) return html`<${Empty} title=${`No identity begins with “${prefix}”`} />`;
  return html`<${Empty} title="No identity yet">
    <p>Tracklets get an identity when they are enrolled with one, or labelled later.</p>
  <//>`;
}

/** @param {{ item: Identity }} props */
function Row({ item }) {
  const { identity, tracklets, cameras, first_seen: first, last_seen: last } = item;
  return html`<tr>
    <td><${Portrait} name=${identity} /></td>
    <th scope="row"><a class="name" href=${hrefOf("identity", identity)}>${identity}</a></th>
    <td class="number" data-label="Tracklets">${showCount(tracklets)}</td>
    <td class="wrap" data-label="Cameras">${cameras.join(", ") || "–"}</td>
    <td data-label="First seen"><time>${showTime(first)}</time></td>
    <td data-label="Last seen"><time>${showTime(last)}</time></td>
  </tr>`;
}

/**
 * The frame that counts most in the identity's first tracklet, once the row is in sight.
 * @param {{ name: string }} props
 */
function Portrait({ name }) {
  const box = useRef(null);
  const seen = useSeen(box);
  const [source, setSource] = useState(
    /** @type {import("../parts/frame.js").Source|null} */ (null),
  );
  useEffect(() => {
    if (!seen) return undefined;
    const stop = new AbortController();
    readIdentity(name, searchParams({ limit: 1 }), stop.signal).then(
      ({ items: [first] }) =>
        first && setSource({ id: first.tracklet_id, place: strongest(first.temporal_attention) }),
      () => {}, // A row without a picture is still a row.
    );
    return () => stop.abort();
  }, [name, seen]);
  return html`<span class="portrait" ref=${box}>
    ${source && html`<${Frame} source=${source} />`}
  </span>`;
}
