/**
 * Where a key is entered. It goes into the page's memory and nowhere else; the field is no password
 * field, which a browser would offer to store, but hides what is typed all the same.
 */

import { html, useState } from "../preact.js";
import { wordsOf } from "../api/problems.js";
import { session } from "../session.js";
import { useStore } from "../store.js";
import { useKey } from "../watch.js";
import { TextField } from "./field.js";
import { Icon } from "./icons.js";

export function KeyDoor() {
  const { access } = useStore(session);
  const [key, setKey] = useState("");
  const { title, advice } = wordsOf(access === "refused" ? "key_invalid" : "key_missing");
  const enter = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (key.trim()) useKey(key.trim());
  };
  return html`<section class="key-door card" aria-labelledby="key-door-title">
    <h1 id="key-door-title" tabindex="-1"><${Icon} name="key" />${title}</h1>
    <p role=${access === "refused" ? "alert" : undefined}>${advice}</p>
    <form onSubmit=${enter}>
      <${TextField} label="Key" class="secret" value=${key} onValue=${setKey} required=${true}
        hint="It stays in this page's memory: closing or reloading the page forgets it." />
      <button class="primary">Use this key</button>
    </form>
  </section>`;
}
