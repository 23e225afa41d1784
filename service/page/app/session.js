/**
 * What the page knows of the service and of its user: one value that every view reads.
 *
 * The key lives here and nowhere else, so that closing or reloading the page forgets it.
 */

import { Store } from "./store.js";

/**
 * @typedef {"unknown"|"open"|"needed"|"refused"} Access
 *   whether calls are let in: not asked yet, yes, a key is missing, the key is not taken
 *
 * @typedef {object} Session
 * @property {string|null} key
 * @property {Access} access
 * @property {boolean} reachable
 * @property {string|null} notReady why the service cannot take work, or null
 * @property {import("./api/types.js").Status|null} status
 */

/** @type {Store<Session>} */
export const session = new Store({
  key: null,
  access: "unknown",
  reachable: true,
  notReady: null,
  status: null,
});

const ROLES = ["query", "enrol", "admin"];

/**
 * Whether the caller may do what needs this role.
 * @param {Session} now
 * @param {import("./api/types.js").Role} role
 */
export function may(now, role) {
  return now.status !== null && ROLES.indexOf(now.status.role) >= ROLES.indexOf(role);
}
