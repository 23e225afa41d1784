/** What was dropped or chosen: frames of one person or a clip, in order, within the limits. */

import { counted, showBytes, showCount } from "./numbers.js";
import { spread } from "./attention.js";

/**
 * @typedef {{ name: string, type: string, size: number }} FileLike
 * @typedef {{ kind: "frames"|"clip", files: File[], left: string[] }} Chosen
 *   `left`: names of files that are neither, and are not sent
 * @typedef {{ code: string, detail: string, thin: number|null }} Refusal
 *   `thin`: so many evenly spread frames would do instead, or null
 */

const PICTURE = /\.(jpe?g|png|webp)$/i;
const CLIP = /\.(mp4|m4v|mkv|webm|avi|mov)$/i;

/** Form fields that go along with the files, at most. */
const OTHER_PARTS = 32;
const OTHER_BYTES = 64 * 1024;

/** @param {FileLike} file @returns {"picture"|"clip"|"other"} by its name, else its type */
export function kindOf({ name, type }) {
  if (PICTURE.test(name) || /^image\/(jpeg|png|webp)$/.test(type)) return "picture";
  if (CLIP.test(name) || type.startsWith("video/")) return "clip";
  return "other";
}

const byName = new Intl.Collator("en", { numeric: true });

/**
 * Sort what was chosen into an upload. Frames go in the order of their names, 2 before 10.
 * @param {File[]} files
 * @returns {Chosen|Refusal}
 */
export function choose(files) {
  const of = (/** @type {string} */ kind) => files.filter((file) => kindOf(file) === kind);
  const [pictures, clips, others] = [of("picture"), of("clip"), of("other")];
  const left = others.map((file) => file.name);
  if (!pictures.length && !clips.length) {
    const names = left.slice(0, 3).join(", ");
    return { code: "no_usable_file", detail: names, thin: null };
  }
  if ((pictures.length && clips.length) || clips.length > 1) {
    const detail = `${counted(pictures.length, "picture")} and ${counted(clips.length, "clip")}`;
    return { code: "frames_or_clip", detail, thin: null };
  }
  if (clips.length) return { kind: "clip", files: clips, left };
  const frames = pictures.toSorted((a, b) => byName.compare(pathOf(a), pathOf(b)));
  return { kind: "frames", files: frames, left };
}

/** @param {File} file */
function pathOf(file) {
  return file.webkitRelativePath || file.name;
}

/**
 * Why the service would refuse an upload for its size, before it is sent; null where it would not.
 * @param {{ kind: string, files: FileLike[] }} chosen
 * @param {import("../api/types.js").Limits} limits
 * @returns {Refusal|null}
 */
export function refusalOf({ kind, files }, limits) {
  const bytes = files.reduce((sum, file) => sum + file.size, 0) + OTHER_BYTES;
  const thin = files.length > 32 ? 32 : null;
  if (kind === "frames") {
    const large = files.find((file) => file.size > limits.frame_bytes);
    if (large) {
      const detail = mayBeSent(`${large.name} has ${showBytes(large.size)}`, limits.frame_bytes);
      return { code: "image_too_large", detail, thin: null };
    }
    const most = Math.min(limits.frames, limits.parts - OTHER_PARTS);
    if (files.length > most) {
      const chosen = `${showCount(files.length)} frames were chosen`;
      const detail = `${chosen}; ${showCount(most)} may be sent.`;
      return { code: "too_many_frames", detail, thin };
    }
  }
  if (bytes <= limits.body_bytes) return null;
  const detail = mayBeSent(`${showBytes(bytes)} were chosen`, limits.body_bytes);
  return { code: "body_too_large", detail, thin };
}

/** @param {string} what @param {number} most bytes */
function mayBeSent(what, most) {
  return `${what}; ${showBytes(most)} may be sent.`;
}

/**
 * Fewer frames, evenly spread: those that the service itself would look at.
 * @param {Chosen} chosen
 * @param {number} most
 * @returns {Chosen}
 */
export function thinned(chosen, most) {
  const places = spread(chosen.files.length, most);
  return { ...chosen, files: places.map((place) => chosen.files[place]) };
}

/** "12 frames, 84 KiB" or "walk.mp4, 1.2 MiB". @param {Chosen} chosen */
export function chosenInWords({ kind, files }) {
  const size = showBytes(files.reduce((sum, file) => sum + file.size, 0));
  return `${kind === "clip" ? files[0].name : counted(files.length, "frame")}, ${size}`;
}

/**
 * The upload's part of a form.
 * @param {Chosen} chosen
 * @param {FormData} form
 */
export function appendFiles({ kind, files }, form) {
  for (const file of files) form.append(kind === "clip" ? "clip" : "frames", file, file.name);
}
