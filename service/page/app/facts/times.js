/**
 * Times as the page shows and takes them: always UTC, to the second, so that two people who look at
 * the same sighting read the same figures.
 */

/** "2024-05-01 08:00:00"; a dash for none. @param {string|null|undefined} iso */
export function showTime(iso) {
  return iso ? new Date(iso).toISOString().slice(0, 19).replace("T", " ") : "–";
}

/** The same without the date. @param {string} iso */
export function showClock(iso) {
  return showTime(iso).slice(11);
}

/**
 * From first to last, naming the date once where it is the same.
 * @param {string|null} first
 * @param {string|null} last
 */
export function showSpan(first, last) {
  if (!first || !last || first === last) return showTime(first ?? last);
  const sameDay = showTime(first).slice(0, 10) === showTime(last).slice(0, 10);
  return `${showTime(first)} – ${sameDay ? showClock(last) : showTime(last)}`;
}

/** A length of time in its two largest units: "2 h 5 min". @param {number} milliseconds */
export function showLength(milliseconds) {
  const seconds = Math.round(Math.abs(milliseconds) / 1000);
  const units = [
    ["d", Math.floor(seconds / 86400)],
    ["h", Math.floor(seconds / 3600) % 24],
    ["min", Math.floor(seconds / 60) % 60],
    ["s", seconds % 60],
  ];
  const first = units.findIndex(([, count]) => count);
  if (first < 0) return "0 s";
  const shown = units.slice(first, first + 2).filter(([, count]) => count);
  return shown.map(([unit, count]) => `${count} ${unit}`).join(" ");
}

/** What a `datetime-local` field holds, meant as UTC, as RFC 3339. @param {string} field */
export function timeOfField(field) {
  if (!field) return "";
  return `${field.length === 16 ? `${field}:00` : field}Z`;
}

/** And back. @param {string|null|undefined} iso */
export function fieldOfTime(iso) {
  return iso ? new Date(iso).toISOString().slice(0, 19) : "";
}
