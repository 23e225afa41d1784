/**
 * Frames as object URLs. An `<img>` cannot send the key, so the bytes are fetched and wrapped.
 *
 * A URL is shared by all who show the frame, kept a while after the last one let go, and revoked:
 * nothing of a picture outlives its use, an erasure, or the key.
 */

import { call } from "./request.js";
import { picturePath } from "./calls.js";

/** @typedef {{ id: string, place: number } | { blob: Blob }} Source an enrolled frame, or bytes */

const AT_ONCE = 6;
const KEPT = 300;

/**
 * @typedef {object} Held
 * @property {string} id whose frame it is
 * @property {number} users
 * @property {Promise<string>} url
 * @property {AbortController} stop
 */

/** In the order of last use. @type {Map<string, Held>} */
const held = new Map();

/** @type {Map<Blob, { url: string, users: number }>} */
const wrapped = new Map();

let underWay = 0;
/** @type {(() => void)[]} */
const waiting = [];

/**
 * Borrow a frame's URL; call `release` once when it is no longer shown.
 * @param {Source} source
 * @returns {{ url: Promise<string>, release: () => void }} rejects with a `Problem`
 */
export function borrow(source) {
  return "blob" in source ? borrowBlob(source.blob) : borrowStored(source.id, source.place);
}

/** Forget every frame of a tracklet, or all there are. @param {string} [id] */
export function forget(id) {
  for (const [path, one] of held) {
    if (id === undefined || one.id === id) drop(path, one);
  }
}

/** @param {Blob} blob */
function borrowBlob(blob) {
  const one = wrapped.get(blob) ?? { url: URL.createObjectURL(blob), users: 0 };
  one.users += 1;
  wrapped.set(blob, one);
  const release = () => {
    one.users -= 1;
    if (one.users > 0) return;
    URL.revokeObjectURL(one.url);
    wrapped.delete(blob);
  };
  return { url: Promise.resolve(one.url), release };
}

/** @param {string} id @param {number} place */
function borrowStored(id, place) {
  const path = picturePath(id, place);
  const one = held.get(path) ?? load(id, path);
  held.delete(path);
  held.set(path, one);
  one.users += 1;
  const release = () => {
    one.users -= 1;
    tidy();
  };
  return { url: one.url, release };
}

/** @param {string} id @param {string} path @returns {Held} */
function load(id, path) {
  const stop = new AbortController();
  const url = fetchUrl(path, stop.signal);
  const one = { id, users: 0, url, stop };
  // A frame that could not be had is asked for again the next time.
  url.catch(() => held.get(path) === one && held.delete(path));
  return one;
}

/** @param {string} path @param {AbortSignal} signal */
async function fetchUrl(path, signal) {
  if (underWay >= AT_ONCE) await new Promise((resolve) => waiting.push(() => resolve(null)));
  underWay += 1;
  try {
    signal.throwIfAborted();
    const response = await call(path, { signal });
    return URL.createObjectURL(await response.blob());
  } finally {
    underWay -= 1;
    waiting.shift()?.();
  }
}

/** Let go of the frames that nobody has shown for longest. */
function tidy() {
  for (const [path, one] of held) {
    if (held.size <= KEPT) return;
    if (one.users <= 0) drop(path, one);
  }
}

/** @param {string} path @param {Held} one */
function drop(path, one) {
  held.delete(path);
  one.stop.abort();
  one.url.then(URL.revokeObjectURL, () => {});
}

/**
 * Base64, as the service gives a query's own frames.
 * @param {string} text
 * @returns {Blob}
 */
export function blobOfBase64(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type: "image/jpeg" });
}
