/** Where pictures or a clip are dropped or chosen. */

import { html, useState } from "../preact.js";
import { useName } from "./hooks.js";
import { Icon } from "./icons.js";

const ACCEPTED = "image/jpeg,image/png,image/webp,video/*,.mkv,.avi";

/** @param {{ onFiles: (files: File[]) => void, prompt: string, children?: unknown }} props */
export function Dropzone({ onFiles, prompt, children }) {
  const id = useName("files");
  const [over, setOver] = useState(false);
  const drop = async (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setOver(false);
    if (event.dataTransfer) onFiles(await filesOf(event.dataTransfer));
  };
  const drag = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setOver(true);
  };
  const pick = (/** @type {any} */ event) => {
    const files = [...event.currentTarget.files];
    // The same files may be chosen once more, after a correction.
    event.currentTarget.value = "";
    if (files.length) onFiles(files);
  };
  return html`<div
    class="dropzone"
    data-over=${String(over)}
    onDragOver=${drag}
    onDragLeave=${() => setOver(false)}
    onDrop=${drop}
  >
    <p><${Icon} name="upload" />${prompt}</p>
    <input class="unseen" id=${id} type="file" multiple accept=${ACCEPTED} onChange=${pick} />
    <label class="button" for=${id}>Choose files</label>
    ${children}
  </div>`;
}

/** All files that were dropped, those in folders too. @param {DataTransfer} dropped */
async function filesOf(dropped) {
  // The list of items is gone after the first wait, so the entries are taken first.
  const entries = [...dropped.items].map((item) => item.webkitGetAsEntry());
  const found = await Promise.all(entries.map((entry) => (entry ? filesBelow(entry) : [])));
  return found.flat();
}

/** @param {FileSystemEntry} entry @returns {Promise<File[]>} */
async function filesBelow(entry) {
  if (isFile(entry)) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  // A reader gives a folder in portions, and at last an empty one.
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    found.push(...(await Promise.all(some.map(filesBelow))));
  }
  return found.flat();
}

/** @param {FileSystemEntry} entry @returns {entry is FileSystemFileEntry} */
function isFile(entry) {
  return entry.isFile;
}
