/**
 * The searches of this visit: uploads by number, so that a result's address leads back to them, and
 * the latest answers, so that Back shows them at once and nobody is searched for twice.
 */

import { query } from "./api/calls.js";
import { blobOfBase64 } from "./api/pictures.js";
import { appendFiles } from "./facts/files.js";
import { appendWanted, keyOf } from "./facts/search.js";

/**
 * @typedef {import("./facts/search.js").Wanted} Wanted
 * @typedef {import("./facts/files.js").Chosen} Chosen
 * @typedef {import("./api/types.js").QueryAnswer & { blobs: Blob[]|null }} Answer
 *   `blobs`: the query's own frames, where it was an upload
 */

const KEPT_ANSWERS = 12;
const KEPT_UPLOADS = 4;

/** @type {Map<string, Chosen>} */
const uploads = new Map();
/** @type {Map<string, Answer>} */
const answers = new Map();
let count = 0;

/**
 * Keep an upload for this visit.
 * @param {Chosen} chosen
 * @returns {string} its number
 */
export function rememberUpload(chosen) {
  count += 1;
  uploads.set(String(count), chosen);
  dropOldest(uploads, KEPT_UPLOADS);
  return String(count);
}

/** @param {string|null} number @returns {Chosen|null} null after a reload, or many uploads later */
export function uploadOf(number) {
  return (number !== null && uploads.get(number)) || null;
}

/** @param {Wanted} wanted @returns {Answer|null} */
export function answerOf(wanted) {
  return answers.get(keyOf(wanted)) ?? null;
}

/** Answers are out of date once the gallery has changed. */
export function forgetAnswers() {
  answers.clear();
}

/** Nothing of this visit is kept: the key was given back. */
export function forgetSearches() {
  answers.clear();
  uploads.clear();
}

/**
 * Search. Throws `Problem`.
 * @param {Wanted} wanted
 * @param {Parameters<typeof query>[1]} sending
 * @returns {Promise<Answer>}
 */
export async function search(wanted, sending) {
  const form = new FormData();
  appendWanted(wanted, form);
  const chosen = uploadOf(wanted.upload);
  if (chosen) {
    appendFiles(chosen, form);
    form.append("explain", "frames");
    form.append("explain", "spatial");
  }
  const found = await query(form, sending);
  const blobs = found.query.pictures?.map(blobOfBase64) ?? null;
  const answer = { ...found, query: { ...found.query, pictures: null }, blobs };
  answers.set(keyOf(wanted), answer);
  dropOldest(answers, KEPT_ANSWERS);
  return answer;
}

/** @template T @param {Map<string, T>} kept @param {number} most */
function dropOldest(kept, most) {
  const [oldest] = kept.keys();
  if (kept.size > most) kept.delete(oldest);
}
