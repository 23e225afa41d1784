/** One frame, loaded when it comes into sight, with its heat map where it is asked for. */

import { html, useEffect, useRef, useState } from "../preact.js";
import { borrow } from "../api/pictures.js";
import { asProblem } from "../api/problems.js";
import { pixelsOf } from "../facts/heat.js";
import { useSeen } from "./hooks.js";

/**
 * @typedef {import("../api/pictures.js").Source} Source
 * @typedef {{ state: "waiting"|"shown"|"missing"|"failed", url: string|null }} Picture
 */

/**
 * @param {{ source: Source, map?: number[][]|null, text?: string }} props
 *   `text` describes the picture; it is decoration without
 */
export function Frame({ source, map = null, text = "" }) {
  const box = useRef(null);
  const { state, url } = usePicture(source, useSeen(box));
  return html`<span class="frame" data-state=${state} ref=${box}>
    ${url && html`<img src=${url} alt=${text} draggable=${false} />`}
    ${map && state === "shown" && html`<${Heat} map=${map} />`}
    ${state === "missing" && html`<span class="frame-note">not kept</span>`}
    ${state === "failed" && html`<span class="frame-note">failed</span>`}
  </span>`;
}

/** @param {Source} source @param {boolean} wanted @returns {Picture} */
function usePicture(source, wanted) {
  const [picture, setPicture] = useState(/** @type {Picture} */ ({ state: "waiting", url: null }));
  const what = "blob" in source ? source.blob : `${source.place} ${source.id}`;
  useEffect(() => {
    if (!wanted) return undefined;
    let gone = false;
    setPicture({ state: "waiting", url: null });
    const { url, release } = borrow(source);
    url.then(
      (there) => gone || setPicture({ state: "shown", url: there }),
      (error) => {
        const state = asProblem(error).code === "not_found" ? "missing" : "failed";
        if (!gone) setPicture({ state, url: null });
      },
    );
    return () => {
      gone = true;
      release();
    };
  }, [what, wanted]);
  return picture;
}

/**
 * The map's cells as pixels; the browser's own scaling blends them.
 * @param {{ map: number[][] }} props
 */
function Heat({ map }) {
  const canvas = useRef(null);
  useEffect(() => {
    const { width, height, data } = pixelsOf(map);
    Object.assign(canvas.current, { width, height });
    canvas.current.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
  }, [map]);
  return html`<canvas class="heat" ref=${canvas} aria-hidden="true"></canvas>`;
}
