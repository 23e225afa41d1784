/** One call to the service: the key goes along, a failure comes back as a `Problem`. */

import { session } from "../session.js";
import { Problem } from "./problems.js";

const MOST_WAITS = 3;
const LONGEST_WAIT_SECONDS = 5;

/**
 * @typedef {object} Options
 * @property {string} [method]
 * @property {URLSearchParams} [query]
 * @property {unknown} [json] sent as the body
 * @property {AbortSignal} [signal]
 */

/**
 * The response of a call that succeeded. A reading call that came too fast waits and repeats.
 * Throws `Problem`, and the signal's `AbortError`.
 * @param {string} path
 * @param {Options} [options]
 */
export async function call(path, options = {}) {
  for (let waits = 0; ; waits += 1) {
    try {
      return await callOnce(path, options);
    } catch (error) {
      const reading = (options.method ?? "GET") === "GET";
      if (!reading || waits >= MOST_WAITS || !isTooFast(error)) throw error;
      await pause(Math.min(error.retryAfter ?? 1, LONGEST_WAIT_SECONDS), options.signal);
    }
  }
}

/**
 * The JSON of a call that succeeded.
 * @param {string} path
 * @param {Options} [options]
 */
export async function callForJson(path, options = {}) {
  const response = await call(path, options);
  return response.json();
}

/** @param {string} path @param {Options} options */
async function callOnce(path, { method = "GET", query, json, signal }) {
  const headers = new Headers(authorization());
  if (json !== undefined) headers.set("Content-Type", "application/json");
  const url = query && query.toString() ? `${path}?${query}` : path;
  const body = json === undefined ? undefined : JSON.stringify(json);
  const sentKey = session.value.key;
  let response;
  try {
    response = await fetch(url, { method, headers, body, signal, credentials: "omit" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable();
  }
  session.update({ reachable: true });
  if (response.ok) return response;
  const header = (/** @type {string} */ name) => response.headers.get(name);
  throw refused(response.status, { text: await response.text(), header }, sentKey);
}

/** What a call carries to say who asks. @returns {Record<string, string>} */
export function authorization() {
  const { key } = session.value;
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

/** The service did not answer at all. */
export function unreachable() {
  session.update({ reachable: false });
  return new Problem("unreachable");
}

/**
 * The problem in an answer; a key that is missing or not taken closes the page's door.
 * @param {number} status
 * @param {{ text: string, header: (name: string) => string|null }} answer
 * @param {string|null} sentKey the key that was refused, which may be an old one by now
 */
export function refused(status, answer, sentKey) {
  const problem = parseProblem(status, answer);
  if (problem.status === 401 && sentKey === session.value.key) {
    session.update({ access: sentKey === null ? "needed" : "refused", status: null });
  }
  return problem;
}

/**
 * @param {number} status
 * @param {{ text: string, header: (name: string) => string|null }} answer
 */
function parseProblem(status, { text, header }) {
  const retryAfter = Number(header("Retry-After")) || null;
  const request = header("X-Request-ID");
  try {
    const { code, detail, frame } = JSON.parse(text);
    if (typeof code === "string") {
      return new Problem(code, { detail, status, frame, retryAfter, request });
    }
  } catch {
    // Not the service's own answer; what is known of it is said below.
  }
  return new Problem("unexpected_answer", { detail: `HTTP status ${status}`, status, request });
}

/** @param {unknown} error @returns {error is Problem} */
function isTooFast(error) {
  return error instanceof Problem && error.code === "rate_limited";
}

/** @param {number} seconds @param {AbortSignal} [signal] @returns {Promise<void>} */
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
