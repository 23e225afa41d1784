/** What a score means, in words. */

import { showExpected, showRate } from "./numbers.js";

/**
 * @typedef {"match"|"no-match"|"undecided"} Verdict
 *
 * @param {boolean|null} match
 * @returns {{ kind: Verdict, text: string }}
 */
export function verdictOf(match) {
  if (match === null) return { kind: "undecided", text: "Not decided" };
  return match ? { kind: "match", text: "Match" } : { kind: "no-match", text: "No match" };
}

/**
 * How sure a match can be in a search of this size.
 * @param {import("../api/types.js").SearchedGallery} gallery
 * @param {number} far
 */
export function cautionOf(gallery, far) {
  const expected = gallery.expected_false_matches;
  if (expected === null) {
    return `Matches are not decided: the model has no calibration for ${showRate(far)}.`;
  }
  return (
    `At ${showRate(far)} false accepts per pair, a search of this size brings about ` +
    `${showExpected(expected)} ${expected === 1 ? "stranger" : "strangers"} above the threshold. ` +
    "A match is a reason to look, not an identification."
  );
}

const SCORING = new Map([
  ["cosine", "cosine"],
  ["camera_normalised", "camera-normalised"],
  ["camera-normalised", "camera-normalised"],
  ["reranked", "re-ranked"],
  ["re-ranked", "re-ranked"],
]);

/**
 * How the scores came about, where the service says so.
 * @param {unknown} scoring
 * @returns {string[]}
 */
export function scoringInWords(scoring) {
  if (scoring === null || scoring === undefined) return [];
  if (typeof scoring === "string") return [SCORING.get(scoring) ?? scoring.replaceAll("_", " ")];
  if (Array.isArray(scoring)) return scoring.flatMap(scoringInWords);
  return Object.entries(scoring).flatMap(([name, on]) => (on === true ? scoringInWords(name) : []));
}

/** What looked odd about an upload. @param {string} code */
export function warningInWords(code) {
  if (code === "looks_uncropped") {
    return (
      "Most of these frames are wider than high, as whole scenes are. Sightline compares people " +
      "cut out of the scene; what stands around them now counts too."
    );
  }
  return code.replaceAll("_", " ");
}
