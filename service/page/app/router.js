/**
 * Where in the page one is: the URL's hash, so that every view has a link and Back works.
 *
 *     #/identity/p-017?frame=3   ->   view "identity", name "p-017", params frame=3
 */

import { Store } from "./store.js";

/** @typedef {{ view: string, name: string|null, params: URLSearchParams }} Place */

/** @param {string} hash @returns {Place} */
export function parsePlace(hash) {
  const [path, query = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const [view, name] = path.split("/");
  return {
    view: view || "search",
    name: name ? decoded(name) : null,
    params: new URLSearchParams(query),
  };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The link to a view. Parameters that are null, undefined, false or empty are left out.
 * @param {string} view
 * @param {string|null} [name]
 * @param {Record<string, unknown>|URLSearchParams} [params]
 */
export function hrefOf(view, name = null, params = {}) {
  const path = name === null ? `#/${view}` : `#/${view}/${encodeURIComponent(name)}`;
  const query = params instanceof URLSearchParams ? params : searchParams(params);
  return query.toString() ? `${path}?${query}` : path;
}

/** @param {Record<string, unknown>} values */
export function searchParams(values) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== null && item !== undefined && item !== false && item !== "") {
        query.append(name, item === true ? "1" : String(item));
      }
    }
  }
  return query;
}

/** @type {Store<Place>} */
export const place = new Store(parsePlace(""));

/** How one came to the present place; a new one starts at its top, Back where one had been. */
const journey = {
  forward: false,
  hash: "",
  /** @type {Map<string, number>} */
  heights: new Map(),
};

/** Go to a view. @param {string} href */
export function go(href) {
  if (href === location.hash) return;
  journey.forward = true;
  location.hash = href;
}

/** Change the present view's address without a new entry in the history. @param {string} href */
export function rename(href) {
  history.replaceState(null, "", href);
  journey.hash = location.hash;
  place.set(parsePlace(location.hash));
}

/** Follow the address bar. Called once. */
export function startRouter() {
  history.scrollRestoration = "manual";
  journey.hash = location.hash;
  place.set(parsePlace(location.hash));
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href^='#/']") : null;
    if (link && link.getAttribute("href") !== location.hash) journey.forward = true;
  });
  addEventListener("scroll", () => journey.heights.set(journey.hash, scrollY), { passive: true });
  addEventListener("hashchange", () => {
    journey.hash = location.hash;
    place.set(parsePlace(location.hash));
  });
}

/** Scroll as one came: to be called when the new place is drawn. @returns whether it is new */
export function arrive() {
  const { forward } = journey;
  journey.forward = false;
  scrollTo(0, forward ? 0 : (journey.heights.get(journey.hash) ?? 0));
  return forward;
}
