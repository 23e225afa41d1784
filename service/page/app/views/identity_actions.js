/** What can be done with an identity: merge it into another, rename it, erase it. */

import { html, useState } from "../preact.js";
import { eraseIdentity, mergeIdentity, undoMerge } from "../api/calls.js";
import { changed, erased } from "../changes.js";
import { counted } from "../facts/numbers.js";
import { showSpan } from "../facts/times.js";
import { go, hrefOf } from "../router.js";
import { may, session } from "../session.js";
import { useStore } from "../store.js";
import { Confirmation } from "../parts/dialog.js";
import { IdentityField } from "../parts/field.js";
import { useAction } from "../parts/hooks.js";
import { Failure } from "../parts/message.js";
import { notify } from "../parts/notices.js";
import { receiptInWords } from "../facts/receipt.js";

/** @param {{ identity: import("../api/types.js").Identity }} props */
export function IdentityActions({ identity }) {
  const now = useStore(session);
  return html`<section class="card edit" aria-labelledby="edit-title">
    <h2 id="edit-title">Change</h2>
    ${
      may(now, "enrol")
        ? html`<${Merge} name=${identity.identity} />`
        : html`<p class="hint">Merging needs a key with the role enrol.</p>`
    }
    ${
      may(now, "admin")
        ? html`<${Erase} identity=${identity} />`
        : html`<p class="hint">Erasing needs a key with the role admin.</p>`
    }
  </section>`;
}

/** @param {{ name: string }} props */
function Merge({ name }) {
  const [into, setInto] = useState("");
  const { busy, problem, run } = useAction();
  const target = into.trim().normalize("NFC");
  const merge = async () => {
    const { moved, merge_id: id } = await mergeIdentity(name, target);
    notify(`${counted(moved, "tracklet")} moved from ${name} to ${target}.`, {
      label: "Undo",
      run: () => undo(id, name),
    });
    changed();
    go(hrefOf("identity", target));
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (target && !busy) run(merge);
  };
  return html`<form onSubmit=${submit}>
    <${IdentityField} label="Merge into, or rename to" value=${into} onValue=${setInto}
      required=${true} hint="All tracklets move to the identity of this name; a new name renames.
        You can undo it." />
    <button disabled=${busy}>Merge</button>
    ${problem && html`<${Failure} problem=${problem} />`}
  </form>`;
}

/** @param {string} id @param {string} name */
async function undo(id, name) {
  const { moved } = await undoMerge(id);
  changed();
  go(hrefOf("identity", name));
  return `${counted(moved, "tracklet")} moved back to ${name}.`;
}

/** @param {{ identity: import("../api/types.js").Identity }} props */
function Erase({ identity }) {
  const [asking, setAsking] = useState(false);
  const { identity: name, tracklets, cameras, first_seen: first, last_seen: last } = identity;
  const erase = async () => {
    const receipt = await eraseIdentity(name);
    notify(`${name} is erased. ${receiptInWords(receipt)}`);
    erased();
    go(hrefOf("gallery"));
  };
  const what = counted(tracklets, "tracklet");
  return html`<div class="danger-zone">
    <p class="hint">Erasing removes labels, embeddings and pictures from the disk.</p>
    <button type="button" class="danger" onClick=${() => setAsking(true)}>Erase ${name}…</button>
    ${
      asking &&
      html`<${Confirmation} title=${`Erase ${name}?`} label=${`Erase ${what}`} run=${erase}
      close=${() => setAsking(false)}>
      <p>These go for good, and nobody can bring them back:</p>
      <ul>
        <li>${what} of <b>${name}</b>, with their embeddings and all their pictures</li>
        <li>seen by ${cameras.length ? cameras.join(", ") : "no named camera"}</li>
        <li>${first ? `from ${showSpan(first, last)} (UTC)` : "without a time"}</li>
      </ul>
    <//>`
    }
  </div>`;
}
