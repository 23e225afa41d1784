/**
 * What just happened, said once above the view and to screen readers, with a way to take it back.
 */

import { html } from "../preact.js";
import { asProblem, wordsOf } from "../api/problems.js";
import { Store, useStore } from "../store.js";
import { Icon } from "./icons.js";

/**
 * @typedef {object} Notice
 * @property {number} id
 * @property {string} text
 * @property {{ label: string, run: () => Promise<string> }|null} undo its result is the next notice
 */

/** @type {Store<Notice[]>} */
const notices = new Store([]);

const MOST = 3;
let count = 0;

/** @param {string} text @param {Notice["undo"]} [undo] */
export function notify(text, undo = null) {
  count += 1;
  notices.set([...notices.value, { id: count, text, undo }].slice(-MOST));
}

/** Take all notices away: they may name people. */
export function clearNotices() {
  notices.set([]);
}

/** @param {Notice} notice */
function dismiss(notice) {
  notices.set(notices.value.filter((one) => one !== notice));
}

/** @param {Notice} notice */
async function runUndo(notice) {
  try {
    const text = await notice.undo?.run();
    dismiss(notice);
    if (text) notify(text);
  } catch (error) {
    const problem = asProblem(error);
    notify(`${wordsOf(problem.code).title}. ${problem.detail}`);
  }
}

export function Notices() {
  const shown = useStore(notices);
  return html`<div class="notices" role="status" aria-live="polite">
    ${shown.map(
      (notice) => html`<p class="notice" key=${notice.id}>
        <span>${notice.text}</span>
        ${
          notice.undo &&
          html`<button type="button" onClick=${() => runUndo(notice)}>${notice.undo.label}</button>`
        }
        <button type="button" class="bare" aria-label="Dismiss" onClick=${() => dismiss(notice)}>
          <${Icon} name="close" />
        </button>
      </p>`,
    )}
  </div>`;
}
