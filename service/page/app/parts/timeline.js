/** The path drawn: one lane per camera, time from left to right, sightings joined in order. */

import { html, useRef } from "../preact.js";
import { strongest } from "../facts/attention.js";
import { counted } from "../facts/numbers.js";
import { ticksOf, withRoom } from "../facts/sightings.js";
import { showLength, showSpan, showTime } from "../facts/times.js";
import { hrefOf } from "../router.js";
import { Frame } from "./frame.js";
import { useWidth } from "./hooks.js";

const PICTURE_PIXELS = 34;
const TICK_PIXELS = 80;

/** @param {{ line: import("../facts/sightings.js").Line, scale: "time"|"order" }} props */
export function Timeline({ line, scale }) {
  const track = useRef(null);
  const width = useWidth(track);
  const { lanes, stations, from, until } = line;
  const box = `0 0 100 ${lanes.length}`;
  const pictured = width ? withRoom(stations, PICTURE_PIXELS / width) : new Set();
  const points = stations
    .flatMap(({ lane, start, end }) => [
      `${100 * start},${lane + 0.5}`,
      `${100 * end},${lane + 0.5}`,
    ])
    .join(" ");
  const ticks = scale === "time" ? ticksOf(line, Math.max(2, Math.floor(width / TICK_PIXELS))) : [];
  return html`<div class="timeline">
    <div class="lane-names" aria-hidden="true">
      ${lanes.map((name) => html`<span key=${name} title=${name}>${name}</span>`)}
    </div>
    <div class="lanes" ref=${track}>
      ${lanes.map((name) => html`<div class="lane" key=${name}></div>`)}
      <svg class="route" viewBox=${box} preserveAspectRatio="none" aria-hidden="true">
        <polyline points=${points} />
      </svg>
      ${ticks.map((tick) => html`<${Tick} key=${tick.time} ...${tick} />`)}
      ${stations.map(
        (station) => html`<${Stop} key=${station.tracklet.tracklet_id} station=${station}
          lanes=${lanes} pictured=${pictured.has(station)} />`,
      )}
    </div>
    <p class="timeline-ends">
      <time>${showTime(new Date(from).toISOString())}</time>
      <span class="hint">
        ${counted(stations.length, "sighting")} in ${showLength(until - from)}
      </span>
      <time>${showTime(new Date(until).toISOString())}</time>
    </p>
  </div>`;
}

/** @param {{ at: number, time: number, whole: boolean }} props */
function Tick({ at, time, whole }) {
  const shown = showTime(new Date(time).toISOString());
  return html`<span class="tick" style=${{ left: `${100 * at}%` }} aria-hidden="true">
    <time>${whole ? shown.slice(5, 10) : shown.slice(11, 16 + (time % 60_000 ? 3 : 0))}</time>
  </span>`;
}

/**
 * @param {{ station: import("../facts/sightings.js").Station, lanes: string[], pictured: boolean }}
 *  props
 */
function Stop({ station, lanes, pictured }) {
  const { tracklet, number, lane, start, end } = station;
  const id = tracklet.tracklet_id;
  const when = showSpan(tracklet.captured_at, tracklet.captured_until);
  const text = `${number}: ${lanes[lane]}, ${when}`;
  const place = {
    left: `${100 * start}%`,
    width: `${100 * (end - start)}%`,
    top: `${(100 * (lane + 0.5)) / lanes.length}%`,
  };
  const href = hrefOf("tracklet", id);
  return html`<a class="stop" style=${place} href=${href} aria-label=${text} title=${text}>
    ${
      pictured
        ? html`<${Frame} source=${{ id, place: strongest(tracklet.temporal_attention) }} />`
        : html`<i class="dot"></i>`
    }
    ${pictured && html`<span class="stop-number">${number}</span>`}
  </a>`;
}
