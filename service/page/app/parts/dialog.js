/** A question that must be answered before anything else: the browser's own modal dialog. */

import { html, useEffect, useRef } from "../preact.js";
import { useAction, useName } from "./hooks.js";
import { Failure } from "./message.js";

/**
 * Asks before something that cannot be taken back. Cancel has the focus at first.
 * @param {{ title: string, label: string, run: () => Promise<void>, close: () => void,
 *   children?: unknown }} props
 */
export function Confirmation({ title, label, run, close, children }) {
  const dialog = useRef(null);
  const cancel = useRef(null);
  const name = useName("dialog");
  const action = useAction();

  useEffect(() => {
    dialog.current.showModal();
    cancel.current.focus();
  }, []);

  return html`<dialog ref=${dialog} aria-labelledby=${name} onClose=${close}>
    <h2 id=${name}>${title}</h2>
    ${children}
    ${action.problem && html`<${Failure} problem=${action.problem} />`}
    <div class="actions actions-end">
      <button type="button" ref=${cancel} onClick=${() => dialog.current.close()}>Cancel</button>
      <button type="button" class="danger" disabled=${action.busy}
        onClick=${() => action.run(run)}>${label}</button>
    </div>
  </dialog>`;
}
