/** Cameras with what they saw. */

import { html } from "../preact.js";
import { listCameras } from "../api/calls.js";
import { changes } from "../changes.js";
import { showCount } from "../facts/numbers.js";
import { showTime } from "../facts/times.js";
import { hrefOf } from "../router.js";
import { useStore } from "../store.js";
import { useLoaded } from "../parts/hooks.js";
import { Empty, Failure, Waiting } from "../parts/message.js";

export function CameraTable() {
  const change = useStore(changes);
  const { value, problem, loading, again } = useLoaded(listCameras, [change]);
  if (problem) return html`<${Failure} problem=${problem} again=${again} />`;
  if (!value) return html`<${Waiting} what="Reading cameras" />`;
  if (!value.items.length) return html`<${Empty} title="No camera is named yet" />`;
  return html`<div class="table-box" aria-busy=${String(loading)}>
    <table>
      <thead><tr>
        <th scope="col">Camera</th>
        <th scope="col" class="number">Tracklets</th>
        <th scope="col">First (UTC)</th>
        <th scope="col">Last (UTC)</th>
      </tr></thead>
      <tbody>
        ${value.items.map(
          ({ camera, tracklets, first_seen: first, last_seen: last }) => html`<tr key=${camera}>
            <th scope="row"><a class="name"
              href=${hrefOf("gallery", null, { list: "tracklets", camera })}>${camera}</a></th>
            <td class="number" data-label="Tracklets">${showCount(tracklets)}</td>
            <td data-label="First"><time>${showTime(first)}</time></td>
            <td data-label="Last"><time>${showTime(last)}</time></td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
