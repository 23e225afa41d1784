/** Keeps an eye on the service: whether it answers, is ready, takes the key, and how full it is. */

import { readReadiness, readStatus } from "./api/calls.js";
import { forgetMaps } from "./api/maps.js";
import { forget } from "./api/pictures.js";
import { Problem } from "./api/problems.js";
import { forgetSearches } from "./searches.js";
import { session } from "./session.js";

const CALM_MILLISECONDS = 15_000;
const WORRIED_MILLISECONDS = 3_000;

/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;

/** Look now, and then from time to time while the page is in sight. Called once. */
export function startWatch() {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") look();
  });
  look();
}

/** Look now. */
export async function look() {
  clearTimeout(timer);
  await Promise.allSettled([lookAtReadiness(), lookAtStatus()]);
  const { reachable, notReady } = session.value;
  const calm = reachable && notReady === null;
  clearTimeout(timer);
  timer = setTimeout(
    () => {
      if (document.visibilityState === "visible") look();
    },
    calm ? CALM_MILLISECONDS : WORRIED_MILLISECONDS,
  );
}

async function lookAtReadiness() {
  try {
    await readReadiness();
    session.update({ notReady: null });
  } catch (error) {
    if (!(error instanceof Problem) || error.code === "unreachable") return;
    session.update({ notReady: error.detail });
  }
}

async function lookAtStatus() {
  const { key, access } = session.value;
  // Without a key there is nothing to learn, and a key that was refused stays so.
  if (access === "needed" || access === "refused") return;
  const status = await readStatus();
  if (session.value.key === key) session.update({ status, access: "open" });
}

/**
 * Use another key from now on; nothing that was seen with the old one stays.
 * @param {string|null} key
 */
export async function useKey(key) {
  forget();
  forgetMaps();
  forgetSearches();
  session.update({ key, access: "unknown", status: null });
  await look();
}
