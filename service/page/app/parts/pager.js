/**
 * Moving through a listing page by page. The service gives a cursor for the next page only; the
 * cursors of the pages before are remembered for this visit.
 */

import { html } from "../preact.js";
import { showCount } from "../facts/numbers.js";
import { hrefOf } from "../router.js";

/** @type {Map<string, string>} */
const before = new Map();

/**
 * @param {{ view: string, params: URLSearchParams, next: string|null, shown: number,
 *   size: number }} props `params` of the present address; `next` is null
 *   at the end, and as long as it is not known; `size` items on a full page
 */
export function Pager({ view, params, next, shown, size }) {
  const page = Math.max(1, Number(params.get("page")) || 1);
  const cursor = params.get("cursor") ?? "";
  if (next !== null) before.set(next, cursor);
  const to = (/** @type {number} */ number, /** @type {string} */ at) => {
    const query = new URLSearchParams(params);
    query.delete("page");
    query.delete("cursor");
    if (at) {
      query.set("page", String(number));
      query.set("cursor", at);
    }
    return hrefOf(view, null, query);
  };
  const previous = cursor ? before.get(cursor) : undefined;
  const first = (page - 1) * size;
  return html`<nav class="pager" aria-label="Pages">
    <p>${shown ? `${showCount(first + 1)} to ${showCount(first + shown)}` : "None"}</p>
    <ul>
      <li><${PageLink} href=${cursor ? to(1, "") : null}>First<//></li>
      <li>
        <${PageLink} href=${previous === undefined ? null : to(page - 1, previous)}>Previous<//>
      </li>
      <li><${PageLink} href=${next === null ? null : to(page + 1, next)}>Next<//></li>
    </ul>
  </nav>`;
}

/** @param {{ href: string|null, children?: unknown }} props */
function PageLink({ href, children }) {
  return href
    ? html`<a class="button" href=${href}>${children}</a>`
    : html`<span class="button" aria-disabled="true">${children}</span>`;
}
