/** What is said where content is missing: a failure, an emptiness, a wait. */

import { html } from "../preact.js";
import { wordsOf } from "../api/problems.js";
import { Icon } from "./icons.js";

/**
 * A failure in words: what happened, what the service said, what to do.
 * @param {{ problem: import("../api/problems.js").Problem, about?: string|null, again?: () => void,
 *   children?: unknown }} props `about` names what failed, such as the file at fault
 */
export function Failure({ problem, about = null, again, children }) {
  const { title, advice } = wordsOf(problem.code);
  return html`<div class="message message-failure" role="alert">
    <p class="message-title"><${Icon} name="warning" />${title}</p>
    ${about && html`<p>${about}</p>`}
    ${problem.detail && html`<p class="message-detail">${problem.detail}</p>`}
    <p>${advice}</p>
    <p class="message-code">
      <code>${problem.code}</code>
      ${problem.request && html` · request <code>${problem.request}</code>`}
    </p>
    <div class="actions">
      ${again && html`<button type="button" onClick=${again}>Try again</button>`}${children}
    </div>
  </div>`;
}

/** @param {{ title: string, children?: unknown }} props */
export function Empty({ title, children }) {
  return html`<div class="message message-empty">
    <p class="message-title">${title}</p>
    ${children}
  </div>`;
}

/** @param {{ what: string }} props */
export function Waiting({ what }) {
  return html`<p class="waiting" role="status">
    <span class="spinner" aria-hidden="true"></span>${what}…
  </p>`;
}

/** A remark that does not stop anything. @param {{ children?: unknown }} props */
export function Remark({ children }) {
  return html`<p class="remark"><${Icon} name="warning" /><span>${children}</span></p>`;
}
