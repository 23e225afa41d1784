/** What must be read anew once something in the gallery has changed. */

import { readStatus } from "./api/calls.js";
import { forgetMaps } from "./api/maps.js";
import { forget } from "./api/pictures.js";
import { forgetAnswers } from "./searches.js";
import { session } from "./session.js";
import { Store } from "./store.js";

/** Counts the changes that this page made; listings are read anew when it moves. */
export const changes = new Store(0);

/** To be called after every enrolment, label, merge and erasure. */
export function changed() {
  forgetAnswers();
  changes.set(changes.value + 1);
  readStatus().then(
    (status) => session.update({ status }),
    () => {}, // The watch over the service will tell.
  );
}

/**
 * After an erasure: nothing of the erased is kept in the page either.
 * @param {string} [trackletId]
 */
export function erased(trackletId) {
  forget(trackletId);
  forgetMaps();
  changed();
}
