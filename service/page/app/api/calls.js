/**
 * The service's operations, one function each; names and fields are those of the HTTP interface.
 */

import { call, callForJson } from "./request.js";
import { upload } from "./upload.js";

/**
 * @typedef {import("./types.js").Tracklet} Tracklet
 * @typedef {import("./types.js").Identity} Identity
 * @typedef {import("./types.js").QueryAnswer} QueryAnswer
 * @typedef {Parameters<typeof upload>[2]} Sending
 */

/** @param {string} part */
const segment = (part) => encodeURIComponent(part);

/** @param {AbortSignal} [signal] @returns {Promise<import("./types.js").Status>} */
export const readStatus = (signal) => callForJson("/status", { signal });

/** @param {AbortSignal} [signal] @returns {Promise<{ ready: true }>} */
export const readReadiness = (signal) => callForJson("/readyz", { signal });

/** @param {AbortSignal} [signal] @returns {Promise<import("./types.js").Model>} */
export const readModel = (signal) => callForJson("/model", { signal });

/**
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Page<import("./types.js").Camera>>}
 */
export const listCameras = (signal) => callForJson("/cameras", { signal });

/**
 * @param {URLSearchParams} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Page<Tracklet>>}
 */
export const listTracklets = (query, signal) => callForJson("/tracklets", { query, signal });

/**
 * @param {URLSearchParams} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Page<Identity>>}
 */
export const listIdentities = (query, signal) => callForJson("/identities", { query, signal });

/** @param {string} id @param {AbortSignal} [signal] @returns {Promise<Tracklet>} */
export const readTracklet = (id, signal) => callForJson(`/tracklets/${segment(id)}`, { signal });

/**
 * @param {string} name
 * @param {URLSearchParams} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").IdentityPath>}
 */
export const readIdentity = (name, query, signal) =>
  callForJson(`/identities/${segment(name)}`, { query, signal });

/** @param {string} id @param {Partial<Tracklet>} changes @returns {Promise<Tracklet>} */
export const changeTracklet = (id, changes) =>
  callForJson(`/tracklets/${segment(id)}`, { method: "PATCH", json: changes });

/** @param {string} id @returns {Promise<import("./types.js").Receipt>} */
export async function eraseTracklet(id) {
  const response = await call(`/tracklets/${segment(id)}`, { method: "DELETE" });
  return JSON.parse(response.headers.get("Sightline-Receipt") ?? "{}");
}

/** @param {string} name @returns {Promise<import("./types.js").Receipt>} */
export async function eraseIdentity(name) {
  const { receipt } = await callForJson(`/identities/${segment(name)}`, { method: "DELETE" });
  return receipt;
}

/** @param {string} name @param {string} into @returns {Promise<import("./types.js").Merged>} */
export const mergeIdentity = (name, into) =>
  callForJson(`/identities/${segment(name)}/merge`, { method: "POST", json: { into } });

/** @param {string} mergeId @returns {Promise<import("./types.js").Merged>} */
export const undoMerge = (mergeId) =>
  callForJson(`/merges/${segment(mergeId)}/undo`, { method: "POST" });

/** @param {FormData} form @param {Sending} [sending] @returns {Promise<QueryAnswer>} */
export async function query(form, sending) {
  return (await upload("/query", form, sending)).answer;
}

/**
 * `created` is false where the same frames were enrolled under this id already.
 * @param {FormData} form
 * @param {Sending} [sending]
 * @returns {Promise<{ tracklet: Tracklet, created: boolean }>}
 */
export async function enrol(form, sending) {
  const { status, answer } = await upload("/tracklets", form, sending);
  return { tracklet: answer, created: status === 201 };
}

/** @param {string} id @param {number} place */
export const picturePath = (id, place) => `/tracklets/${segment(id)}/frames/${place}`;
