/**
 * Every way a request can fail, in words for the person in front of the page.
 *
 * The service's own sentence (`detail`) is shown as well: it names the field or the reason. What
 * stands here says what it means and what to do next.
 */

/** @typedef {{ title: string, advice: string }} Words */

/** By the `code` of the service's problems. @type {Record<string, Words>} */
export const WORDS = {
  body_too_large: {
    title: "This is more than the service takes at once",
    advice: "Send fewer or smaller frames, or a shorter clip.",
  },
  clip_too_large: {
    title: "The clip is too long or its picture too large",
    advice: "Cut the clip to the seconds that show the person, or send frames.",
  },
  draining: {
    title: "The service is shutting down",
    advice: "Try again in a moment; if it does not come back, ask whoever runs it.",
  },
  erase_pending: {
    title: "Erased, but some bytes are still on the disk",
    advice: "Nobody can find or read it any more. Erase again to have the rest confirmed.",
  },
  frames_or_clip: {
    title: "Send either frames or one clip",
    advice: "Choose pictures of one person, or a single video, not both.",
  },
  gallery_corrupt: {
    title: "The gallery fails its own checks",
    advice: "Tell whoever runs the service: it must be verified and restored from a backup.",
  },
  host_not_allowed: {
    title: "This service takes no calls from here",
    advice: "Without keys it answers only on its own machine: open it as 127.0.0.1, or make keys.",
  },
  image_too_large: {
    title: "A picture is too large",
    advice: "Send the person cut out of the scene, not the whole scene.",
  },
  internal: {
    title: "Something went wrong in the service",
    advice: "Its log has the reason. Try again; if it stays, report it with the request number.",
  },
  invalid_parameter: {
    title: "A value cannot be used",
    advice: "Correct the field that is named.",
  },
  key_invalid: {
    title: "This key is not taken",
    advice: "It is unknown, expired or revoked. Enter another, or ask for one.",
  },
  key_missing: {
    title: "A key is needed",
    advice: "Enter the key that you were given.",
  },
  malformed_body: {
    title: "The service could not read the request",
    advice: "Reload the page and try again; it may be of another version than the service.",
  },
  method_not_allowed: {
    title: "The service does not know this action",
    advice: "Reload the page; it may be of another version than the service.",
  },
  model_mismatch: {
    title: "The gallery belongs to another model",
    advice: "Tell whoever runs the service: it must run the model the gallery was made with.",
  },
  model_output_invalid: {
    title: "The model gave no usable answer for these frames",
    advice: "Nothing was stored. Try other frames, and report it.",
  },
  not_found: {
    title: "Not there",
    advice: "It may have been erased, merged or renamed. Look it up in the gallery.",
  },
  not_ready: {
    title: "The service is not ready",
    advice: "Wait a moment. If it stays so, ask whoever runs it.",
  },
  queue_full: {
    title: "The service is busy",
    advice: "As many tracklets are waiting as may wait. Try again in a moment.",
  },
  rate_limited: {
    title: "Too many requests with this key",
    advice: "Wait a moment and try again.",
  },
  request_timeout: {
    title: "The upload took too long",
    advice: "Try again on a faster connection, or send fewer frames.",
  },
  rerank_unavailable: {
    title: "Re-ranking is not ready yet",
    advice: "The gallery's neighbour graph is being built. Search without re-ranking meanwhile.",
  },
  role_too_low: {
    title: "Your key does not allow this",
    advice: "Ask for a key with the role that is named.",
  },
  storage_failed: {
    title: "The service's disk fails",
    advice: "Tell whoever runs the service. Whether anything was changed is not known: look it up.",
  },
  storage_full: {
    title: "The service's disk is full",
    advice: "Nothing was stored. Searching and erasing still work.",
  },
  too_many_frames: {
    title: "More frames than one tracklet may have",
    advice: "Send fewer: the model looks at 32 of them.",
  },
  too_many_parts: {
    title: "More files than one upload may have",
    advice: "Send fewer frames: the model looks at 32 of them.",
  },
  tracklet_exists: {
    title: "This tracklet id is taken",
    advice: "It is enrolled with other frames. Choose another id, or erase the old one.",
  },
  undecodable_clip: {
    title: "The clip cannot be read",
    advice: "Convert it to MP4 (H.264), or send frames.",
  },
  undecodable_frame: {
    title: "A picture cannot be read",
    advice: "It is broken, or no JPEG, PNG or WebP. Leave it out or save it anew.",
  },
  unsupported_media_type: {
    title: "The service expected another kind of request",
    advice: "Reload the page; it may be of another version than the service.",
  },
};

/** What the page itself refuses or notices, before or instead of the service. */
export const OWN_WORDS = {
  cancelled: { title: "Cancelled", advice: "Nothing was stored." },
  no_usable_file: {
    title: "No picture and no clip among these files",
    advice: "Choose JPEG, PNG or WebP pictures, or a video (MP4, MKV, WebM, AVI).",
  },
  unexpected_answer: {
    title: "An answer that this page does not understand",
    advice: "Something between the page and the service may have answered. Reload the page.",
  },
  unreachable: {
    title: "The service does not answer",
    advice: "It may have stopped, or the connection is gone. The page keeps trying.",
  },
};

/** A request that failed, with the fields of the service's problem document. */
export class Problem extends Error {
  /**
   * @param {string} code
   * @param {{ detail?: string, status?: number, frame?: number|null, retryAfter?: number|null,
   *   request?: string|null }} [more] `retryAfter` in seconds; `request` is the request's id
   */
  constructor(code, more = {}) {
    super(more.detail ?? code);
    this.code = code;
    this.detail = more.detail ?? "";
    this.status = more.status ?? 0;
    this.frame = more.frame ?? null;
    this.retryAfter = more.retryAfter ?? null;
    this.request = more.request ?? null;
  }
}

/** Any failure as a problem: a bug of the page becomes one too. @param {unknown} error */
export function asProblem(error) {
  if (error instanceof Problem) return error;
  return new Problem("unexpected_answer", { detail: String(error) });
}

/** A code in words; one that this page does not know keeps its own name. @param {string} code */
export function wordsOf(code) {
  /** @type {Record<string, Words>} */
  const known = { ...WORDS, ...OWN_WORDS };
  return known[code] ?? { title: `The service refused: ${code}`, advice: "See the details." };
}
