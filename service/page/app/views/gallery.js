/** The gallery: everything that is enrolled, by identity, by tracklet, by camera, page by page. */

import { html } from "../preact.js";
import { hrefOf } from "../router.js";
import { CameraTable } from "./gallery_cameras.js";
import { IdentityTable } from "./gallery_identities.js";
import { TrackletList } from "./gallery_tracklets.js";

const LISTS = [
  { list: "identities", title: "Identities", Shown: IdentityTable },
  { list: "tracklets", title: "Tracklets", Shown: TrackletList },
  { list: "cameras", title: "Cameras", Shown: CameraTable },
];

/** @param {{ params: URLSearchParams }} props */
export function GalleryView({ params }) {
  const { list, Shown } = LISTS.find((one) => one.list === params.get("list")) ?? LISTS[0];
  return html`<div class="view-head">
      <h1 id="view-title" tabindex="-1">Gallery</h1>
      <a class="button primary" href=${hrefOf("enrol")}>Enrol a tracklet</a>
    </div>
    <nav class="tabs" aria-label="Listings">
      ${LISTS.map(
        ({
          list: name,
          title,
        }) => html`<a key=${name} href=${hrefOf("gallery", null, { list: name })}
          aria-current=${name === list ? "page" : undefined}>${title}</a>`,
      )}
    </nav>
    <${Shown} key=${list} params=${params} />`;
}
