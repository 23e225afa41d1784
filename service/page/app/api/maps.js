/** The spatial attention of enrolled tracklets: their kept frames are looked at once more. */

import { query } from "./calls.js";

const KEPT = 20;

/** @type {Map<string, Promise<number[][][]|null>>} */
const known = new Map();

/**
 * One map per sampled frame, or null where the tracklet's pictures are not kept. Throws `Problem`.
 * @param {string} id
 * @returns {Promise<number[][][]|null>}
 */
export function mapsOf(id) {
  const found = known.get(id) ?? ask(id);
  known.delete(id);
  known.set(id, found);
  const [oldest] = known.keys();
  if (known.size > KEPT) known.delete(oldest);
  return found;
}

/** @param {string} id */
function ask(id) {
  const form = new FormData();
  form.append("tracklet_id", id);
  form.append("explain", "spatial");
  form.append("top_k", "1");
  form.append("tracklets_per_identity", "1");
  const asked = query(form).then((answer) => answer.query.spatial_attention ?? null);
  asked.catch(() => known.delete(id));
  return asked;
}

/** Nothing is kept: the key was given back, or something was erased. */
export function forgetMaps() {
  known.clear();
}
