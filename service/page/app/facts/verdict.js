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

const IDENTITY_SCORING = new Map([
  ["best", ""],
  ["camera_mean", "identities by the mean of their cameras"],
  ["template", "identities by their template"],
]);

/**
 * How scores and order came about, where it is not the plain cosine of the best tracklet.
 * @param {import("../api/types.js").Scoring|null|undefined} scoring
 * @returns {string[]}
 */
export function scoringInWords(scoring) {
  if (!scoring) return [];
  const { camera_normalised: normalised, rerank, identity } = scoring;
  const words = [
    normalised ? "camera-normalised" : "",
    rerank ? "re-ranked" : "",
    IDENTITY_SCORING.get(identity) ?? identity.replaceAll("_", " "),
  ];
  return words.filter(Boolean);
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
