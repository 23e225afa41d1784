/** A form with files on its way to the service, with progress: `fetch` cannot tell that. */

import { session } from "../session.js";
import { Problem } from "./problems.js";
import { authorization, refused, unreachable } from "./request.js";

/**
 * @typedef {object} Progress
 * @property {"sending"|"working"} stage `working`: all is sent, the model is at work
 * @property {number} share of the bytes sent, 0 to 1
 */

/**
 * Send a form; the answer's status and JSON. Throws `Problem`: `cancelled` where the signal
 * says so.
 * @param {string} path
 * @param {FormData} form
 * @param {{ onProgress?: (progress: Progress) => void, signal?: AbortSignal }} [options]
 * @returns {Promise<{ status: number, answer: any }>}
 */
export function upload(path, form, { onProgress = () => {}, signal } = {}) {
  return new Promise((resolve, reject) => {
    const sentKey = session.value.key;
    const request = new XMLHttpRequest();
    request.open("POST", path);
    for (const [name, value] of Object.entries(authorization())) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = ({ loaded, total }) => {
      onProgress({ stage: "sending", share: total ? loaded / total : 0 });
    };
    request.upload.onload = () => onProgress({ stage: "working", share: 1 });
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new Problem("cancelled"));
    request.onload = () => {
      session.update({ reachable: true });
      const header = (/** @type {string} */ name) => request.getResponseHeader(name);
      const answer = { text: request.responseText, header };
      if (request.status >= 400) reject(refused(request.status, answer, sentKey));
      else resolve({ status: request.status, answer: JSON.parse(request.responseText) });
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
