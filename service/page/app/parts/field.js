/** A labelled form control with its hint. */

import { html, useEffect, useState } from "../preact.js";
import { listIdentities } from "../api/calls.js";
import { fieldOfTime, timeOfField } from "../facts/times.js";
import { searchParams } from "../router.js";
import { useName } from "./hooks.js";

/**
 * @param {{ label: string, hint?: unknown, render: (control: { id: string,
 *   "aria-describedby": string|undefined }) => unknown }} props
 *   `render` draws the control with these attributes
 */
export function Field({ label, hint, render }) {
  const id = useName("field");
  const hintId = hint ? `${id}-hint` : undefined;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${render({ id, "aria-describedby": hintId })}
    ${hint && html`<p class="hint" id=${hintId}>${hint}</p>`}
  </div>`;
}

/**
 * @param {{ label: string, value: string, onValue: (value: string) => void, hint?: unknown }} props
 *   and whatever an `<input>` takes
 */
export function TextField({ label, value, onValue, hint, ...more }) {
  const render = (/** @type {object} */ control) => html`<input
    type="text"
    autocomplete="off"
    spellcheck=${false}
    ...${control}
    ...${more}
    value=${value}
    onInput=${(/** @type {any} */ event) => onValue(event.currentTarget.value)}
  />`;
  return html`<${Field} label=${label} hint=${hint} render=${render} />`;
}

/**
 * A time in UTC; `value` is RFC 3339 or empty.
 * @param {{ label: string, value: string, onValue: (value: string) => void, hint?: unknown }} props
 */
export function TimeField({ label, value, onValue, hint }) {
  const render = (/** @type {object} */ control) => html`<input
    type="datetime-local"
    step="1"
    ...${control}
    value=${fieldOfTime(value)}
    onChange=${(/** @type {any} */ event) => onValue(timeOfField(event.currentTarget.value))}
  />`;
  return html`<${Field} label=${label} hint=${hint} render=${render} />`;
}

/**
 * @template T
 * @param {{ label: string, value: T, options: [T, string][], onValue: (value: T) => void,
 *   hint?: unknown }} props
 */
export function Choice({ label, value, options, onValue, hint }) {
  const choose = (/** @type {any} */ event) => onValue(options[event.currentTarget.value][0]);
  // By place: the value of the whole is set after its options, which may come in later.
  const render = (/** @type {object} */ control) => html`<select
    ...${control}
    value=${String(options.findIndex(([option]) => option === value))}
    onChange=${choose}
  >
    ${options.map(([, text], place) => html`<option key=${place} value=${place}>${text}</option>`)}
  </select>`;
  return html`<${Field} label=${label} hint=${hint} render=${render} />`;
}

const SUGGESTED = 12;
const PAUSE_MILLISECONDS = 200;

/**
 * A text field that knows the identities there are.
 * @param {Parameters<typeof TextField>[0]} props
 */
export function IdentityField(props) {
  const list = useName("identities");
  const [names, setNames] = useState(/** @type {string[]} */ ([]));
  useEffect(() => {
    const stop = new AbortController();
    const ask = () => {
      const query = searchParams({ prefix: props.value.trim(), limit: SUGGESTED });
      listIdentities(query, stop.signal).then(
        (page) => setNames(page.items.map((item) => item.identity)),
        () => setNames([]), // Suggestions are a help, not a need.
      );
    };
    const timer = setTimeout(ask, PAUSE_MILLISECONDS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [props.value]);
  return html`<${TextField} ...${props} list=${list} maxlength="128" />
    <datalist id=${list}>
      ${names.map((name) => html`<option key=${name} value=${name} />`)}
    </datalist>`;
}
