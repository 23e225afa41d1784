/** An erasure's receipt in a sentence. */

import { counted } from "./numbers.js";

/** @param {Partial<import("../api/types.js").Receipt>} receipt */
export function receiptInWords({ tracklets = 0, pictures = 0, receipt_id: id }) {
  const what = `${counted(tracklets, "tracklet")} and ${counted(pictures, "picture")} are gone`;
  return id ? `${what}; the receipt is ${id}.` : `${what}.`;
}
