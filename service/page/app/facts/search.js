/** A search's options, in the page's address, in its form, and in the request. */

/**
 * @typedef {object} Wanted
 * @property {string|null} tracklet the enrolled tracklet that is asked about
 * @property {string|null} upload or the number of an upload that this page remembers
 * @property {string[]} only cameras
 * @property {string[]} not cameras
 * @property {string} after RFC 3339, or empty
 * @property {string} before RFC 3339, or empty
 * @property {number} far
 * @property {number} top
 * @property {boolean} rerank
 */

export const RATES = [1e-4, 1e-3, 1e-2, 1e-1];
export const COUNTS = [5, 10, 20, 50, 100];

const DEFAULT_FAR = 1e-4;
const DEFAULT_TOP = 10;
const TRACKLETS_EACH = 6;

/** @param {URLSearchParams} params @returns {Wanted} */
export function wantedOf(params) {
  const far = Number(params.get("far"));
  const top = Number(params.get("top"));
  return {
    tracklet: params.get("tracklet"),
    upload: params.get("upload"),
    only: params.getAll("only"),
    not: params.getAll("not"),
    after: params.get("after") ?? "",
    before: params.get("before") ?? "",
    far: RATES.includes(far) ? far : DEFAULT_FAR,
    top: COUNTS.includes(top) ? top : DEFAULT_TOP,
    rerank: params.get("rerank") === "1",
  };
}

/** What stands in the address: only what differs from the defaults. @param {Wanted} wanted */
export function paramsOf(wanted) {
  return {
    ...wanted,
    far: wanted.far === DEFAULT_FAR ? null : wanted.far,
    top: wanted.top === DEFAULT_TOP ? null : wanted.top,
  };
}

/** Whether somebody is asked about. @param {Wanted} wanted */
export function hasSubject({ tracklet, upload }) {
  return tracklet !== null || upload !== null;
}

/** Equal for searches that have the same answer. @param {Wanted} wanted */
export function keyOf(wanted) {
  return JSON.stringify(wanted);
}

/**
 * The request's fields but its files.
 * @param {Wanted} wanted
 * @param {FormData} form
 */
export function appendWanted(wanted, form) {
  const fields = {
    tracklet_id: wanted.tracklet,
    captured_after: wanted.after,
    captured_before: wanted.before,
    rerank: wanted.rerank ? "true" : "",
    far: String(wanted.far),
    top_k: String(wanted.top),
    tracklets_per_identity: String(TRACKLETS_EACH),
  };
  for (const [name, value] of Object.entries(fields)) if (value) form.append(name, value);
  for (const camera of wanted.only) form.append("cameras", camera);
  for (const camera of wanted.not) form.append("exclude_cameras", camera);
}
