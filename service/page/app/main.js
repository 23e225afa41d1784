/** The page: its frame, and the view that the address names. */

import { html, render, useEffect, useRef } from "./preact.js";
import { arrive, hrefOf, place, startRouter } from "./router.js";
import { session } from "./session.js";
import { useStore } from "./store.js";
import { startWatch } from "./watch.js";
import { counted } from "./facts/numbers.js";
import { Banners } from "./parts/banners.js";
import { KeyDoor } from "./parts/key_door.js";
import { Empty, Waiting } from "./parts/message.js";
import { Notices } from "./parts/notices.js";
import { CompareView } from "./views/compare.js";
import { EnrolView } from "./views/enrol.js";
import { GalleryView } from "./views/gallery.js";
import { IdentityView } from "./views/identity.js";
import { SearchView } from "./views/search.js";
import { StateView } from "./views/state.js";
import { TrackletView } from "./views/tracklet.js";

/** @typedef {import("./router.js").Place} Place */

/** Views by their word in the address; `within` is the entry of the menu they belong to. */
const VIEWS = {
  search: { View: SearchView, title: "Search", within: "search" },
  compare: { View: CompareView, title: "Compare", within: "search", named: true },
  gallery: { View: GalleryView, title: "Gallery", within: "gallery" },
  identity: { View: IdentityView, title: "Identity", within: "gallery", named: true },
  tracklet: { View: TrackletView, title: "Tracklet", within: "gallery", named: true },
  enrol: { View: EnrolView, title: "Enrol", within: "enrol" },
  state: { View: StateView, title: "State", within: "state" },
};

const MENU = ["search", "gallery", "enrol", "state"];

/** @param {Place} where */
function viewOf({ view, name }) {
  const found = VIEWS[/** @type {keyof typeof VIEWS} */ (view)];
  return found && (!("named" in found) || name !== null) ? found : null;
}

function Page() {
  const where = useStore(place);
  const main = useRef(null);
  const skip = (/** @type {Event} */ event) => {
    event.preventDefault();
    main.current.focus();
  };
  return html`<a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="top">
      <a class="brand" href=${hrefOf("search")}><img src="/assets/icon.svg" alt="" />Sightline</a>
      <nav aria-label="Views">
        ${MENU.map((name) => {
          const current = viewOf(where)?.within === name ? "page" : undefined;
          return html`<a key=${name} href=${hrefOf(name)} aria-current=${current}>
            ${VIEWS[/** @type {keyof typeof VIEWS} */ (name)].title}</a>`;
        })}
      </nav>
      <${Chip} />
    </header>
    <main id="main" tabindex="-1" ref=${main}>
      <${Banners} />
      <${Notices} />
      <${Content} where=${where} />
    </main>`;
}

/** The service in one line, in every view. */
function Chip() {
  const { reachable, notReady, status } = useStore(session);
  const good = reachable && notReady === null && status !== null;
  const text = !reachable
    ? "No answer"
    : notReady !== null
      ? "Not ready"
      : status
        ? "Ready"
        : "No key";
  return html`<a class="chip-state" href=${hrefOf("state")} data-good=${String(good)}>
    <i aria-hidden="true"></i>${text}
    ${
      good &&
      html`<span> · ${status.device} · ${counted(status.gallery.tracklets, "tracklet")}</span>`
    }
  </a>`;
}

/** @param {{ where: Place }} props */
function Content({ where }) {
  const { access, reachable } = useStore(session);
  const found = viewOf(where);
  const address = `${where.view}/${where.name}`;
  useArrival(where, address, found?.title ?? "Not there");
  if (access === "needed" || access === "refused") return html`<${KeyDoor} />`;
  if (access === "unknown") {
    return reachable
      ? html`<${Waiting} what="Asking the service" />`
      : html`<${Empty} title="Waiting for the service" />`;
  }
  if (!found) {
    return html`<h1 id="view-title" tabindex="-1">Not there</h1>
      <${Empty} title="The page has no such view">
        <p><a href=${hrefOf("search")}>Go to the search</a></p>
      <//>`;
  }
  return html`<${found.View} key=${address} name=${where.name} params=${where.params} />`;
}

/**
 * Title, scroll position and focus follow the address.
 * @param {Place} where
 * @param {string} address
 * @param {string} title
 */
function useArrival(where, address, title) {
  const last = useRef(address);
  useEffect(() => {
    document.title = `${where.name ?? title} · Sightline`;
    const forward = arrive();
    const other = last.current !== address;
    last.current = address;
    if (forward && other) document.getElementById("view-title")?.focus({ preventScroll: true });
  }, [where]);
}

startRouter();
startWatch();
const root = document.getElementById("page");
if (root) render(html`<${Page} />`, root);
