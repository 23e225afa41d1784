/** An identity's tracklets as stations on a time line: one lane per camera, in order of time. */

/**
 * @typedef {import("../api/types.js").Tracklet} Tracklet
 *
 * @typedef {object} Station
 * @property {Tracklet} tracklet
 * @property {number} number 1 for the first sighting
 * @property {number} lane
 * @property {number} start 0 to 1 along the line
 * @property {number} end
 * @property {number|null} gap milliseconds since the sighting before, null for the first
 *
 * @typedef {object} Line
 * @property {string[]} lanes names of the cameras, in the order of their first sighting
 * @property {Station[]} stations in order of time
 * @property {Tracklet[]} untimed those without a time
 * @property {number} from milliseconds since 1970
 * @property {number} until
 */

export const NO_CAMERA = "no camera";

/**
 * @param {Tracklet[]} tracklets
 * @param {"time"|"order"} scale by the clock, or one step per sighting
 * @returns {Line}
 */
export function lineOf(tracklets, scale) {
  const timed = tracklets.filter((tracklet) => tracklet.captured_at !== null);
  const sorted = timed.toSorted((a, b) => begin(a) - begin(b));
  const lanes = [...new Set(sorted.map(laneOf))];
  const from = sorted.length ? begin(sorted[0]) : 0;
  const until = Math.max(from, ...sorted.map(end));
  const along = scale === "time" && until > from ? byClock(from, until) : byOrder(sorted.length);
  const stations = sorted.map((tracklet, place) => ({
    tracklet,
    number: place + 1,
    lane: lanes.indexOf(laneOf(tracklet)),
    ...along(tracklet, place),
    gap: place ? begin(tracklet) - begin(sorted[place - 1]) : null,
  }));
  const untimed = tracklets.filter((tracklet) => tracklet.captured_at === null);
  return { lanes, stations, untimed, from, until };
}

/** @param {number} from @param {number} until */
function byClock(from, until) {
  const share = (/** @type {number} */ time) => (time - from) / (until - from);
  return (/** @type {Tracklet} */ tracklet) => ({
    start: share(begin(tracklet)),
    end: share(end(tracklet)),
  });
}

/** @param {number} count */
function byOrder(count) {
  return (/** @type {Tracklet} */ _, /** @type {number} */ place) => {
    const at = count > 1 ? place / (count - 1) : 0.5;
    return { start: at, end: at };
  };
}

/** @param {Tracklet} tracklet */
function laneOf(tracklet) {
  return tracklet.camera ?? NO_CAMERA;
}

/** @param {Tracklet} tracklet */
function begin(tracklet) {
  return Date.parse(tracklet.captured_at ?? "");
}

/** @param {Tracklet} tracklet */
function end(tracklet) {
  return Date.parse(tracklet.captured_until ?? tracklet.captured_at ?? "");
}

/** Steps of a time axis in seconds. */
const STEPS = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400];
const DAY = 86400;

/**
 * Round times between the ends of a line by the clock.
 * @param {Line} line
 * @param {number} most so many steps at most
 * @returns {{ at: number, time: number, whole: boolean }[]} `at` from 0 to 1; `whole` days or not
 */
export function ticksOf({ from, until }, most) {
  const seconds = (until - from) / 1000;
  if (seconds <= 0) return [];
  const days = DAY * Math.ceil(seconds / DAY / most);
  const step = 1000 * (STEPS.find((one) => seconds / one <= most) ?? days);
  const first = Math.ceil(from / step) * step;
  const count = Math.max(0, Math.floor((until - first) / step) + 1);
  return Array.from({ length: count }, (_, place) => {
    const time = first + place * step;
    return { at: (time - from) / (until - from), time, whole: step >= 1000 * DAY };
  });
}

/**
 * Which stations have room for a picture: those not too close to the one before in their lane.
 * @param {Station[]} stations
 * @param {number} room the least distance, 0 to 1
 * @returns {Set<Station>}
 */
export function withRoom(stations, room) {
  /** @type {Map<number, number>} */
  const last = new Map();
  return new Set(
    stations.filter(({ lane, start }) => {
      const before = last.get(lane);
      if (before !== undefined && start - before < room) return false;
      last.set(lane, start);
      return true;
    }),
  );
}
