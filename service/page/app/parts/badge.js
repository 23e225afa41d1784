/** Match or not, as a word with a sign; never by colour alone. */

import { html } from "../preact.js";
import { verdictOf } from "../facts/verdict.js";
import { Icon } from "./icons.js";

/** @param {{ match: boolean|null }} props */
export function Verdict({ match }) {
  const { kind, text } = verdictOf(match);
  return html`<span class=${`verdict verdict-${kind}`}><${Icon} name=${kind} />${text}</span>`;
}

/**
 * A name that links to its path, or the word for having none.
 * @param {{ name: string|null, href: string|null }} props
 */
export function IdentityName({ name, href }) {
  if (name === null) return html`<span class="unlabelled">Unlabelled</span>`;
  return href
    ? html`<a class="name" href=${href}>${name}</a>`
    : html`<span class="name">${name}</span>`;
}
