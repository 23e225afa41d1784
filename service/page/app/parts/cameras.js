/** Choosing cameras by name: a list to add from, and what was chosen with a way to take it out. */

import { html, useRef } from "../preact.js";
import { useName } from "./hooks.js";
import { Icon } from "./icons.js";

const MOST = 100;

/**
 * @param {{ label: string, names: string[], chosen: string[],
 *   onChosen: (chosen: string[]) => void }} props
 */
export function CameraChoice({ label, names, chosen, onChosen }) {
  const id = useName("cameras");
  const select = useRef(null);
  const rest = names.filter((name) => !chosen.includes(name));
  const add = (/** @type {any} */ event) => {
    const name = rest[event.currentTarget.selectedIndex - 1];
    event.currentTarget.selectedIndex = 0;
    if (name !== undefined) onChosen([...chosen, name]);
  };
  const remove = (/** @type {string} */ name) => {
    onChosen(chosen.filter((one) => one !== name));
    select.current.focus();
  };
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <select id=${id} ref=${select} onChange=${add} disabled=${chosen.length >= MOST}>
      <option>${chosen.length ? "Add a camera…" : "Any camera"}</option>
      ${rest.map((name) => html`<option key=${name}>${name}</option>`)}
    </select>
    ${
      chosen.length > 0 &&
      html`<ul class="chips">
      ${chosen.map(
        (name) => html`<li class="chip" key=${name}>
          <span>${name}</span>
          <button type="button" class="bare" aria-label=${`Remove ${name}`}
            onClick=${() => remove(name)}><${Icon} name="close" /></button>
        </li>`,
      )}
    </ul>`
    }
  </div>`;
}
