/** A value that several parts of the page share and watch. */

import { useEffect, useState } from "./preact.js";

/**
 * @template T
 */
export class Store {
  /** @param {T} value */
  constructor(value) {
    this.value = value;
    /** @type {Set<() => void>} */
    this.watchers = new Set();
  }

  /** @param {T} value */
  set(value) {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const watcher of [...this.watchers]) watcher();
  }

  /** Change some fields of a value that is an object. @param {Partial<T>} changes */
  update(changes) {
    this.set({ ...this.value, ...changes });
  }

  /**
   * Call `watcher` after every change.
   * @param {() => void} watcher
   * @returns {() => void} stops
   */
  watch(watcher) {
    this.watchers.add(watcher);
    return () => {
      this.watchers.delete(watcher);
    };
  }
}

/**
 * The store's value, rendered anew when it changes.
 * @template T
 * @param {Store<T>} store
 * @returns {T}
 */
export function useStore(store) {
  const [, redraw] = useState(0);
  useEffect(() => store.watch(() => redraw((count) => count + 1)), [store]);
  return store.value;
}
