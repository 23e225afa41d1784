/** Small habits of many components. */

import { useEffect, useRef, useState } from "../preact.js";
import { asProblem } from "../api/problems.js";

let named = 0;

/** An id of its own for as long as the component lives. @param {string} stem */
export function useName(stem) {
  const name = useRef("");
  if (!name.current) {
    named += 1;
    name.current = `${stem}-${named}`;
  }
  return name.current;
}

/** @typedef {import("../api/problems.js").Problem} Problem */

/**
 * @template T
 * @typedef {object} Read
 * @property {T|null} value the latest, also while a newer one is on its way
 * @property {Problem|null} problem
 * @property {boolean} loading whether `value` is not yet, or no longer, what is asked for
 * @property {() => void} again
 */

/**
 * Something read from the service, anew whenever one of `inputs` changes.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} read
 * @param {(string|number|null|undefined)[]} inputs
 * @returns {Read<T>}
 */
export function useLoaded(read, inputs) {
  const [round, setRound] = useState(0);
  const [state, setState] = useState(
    /** @type {{ value: T|null, problem: Problem|null, asked: string }} */ ({
      value: null,
      problem: null,
      asked: "",
    }),
  );
  const asked = JSON.stringify([round, ...inputs]);
  useEffect(() => {
    const stop = new AbortController();
    const show = (/** @type {T|null} */ value, /** @type {Problem|null} */ problem) =>
      stop.signal.aborted || setState({ value, problem, asked });
    read(stop.signal).then(
      (value) => show(value, null),
      (error) => show(null, asProblem(error)),
    );
    return () => stop.abort();
  }, [asked]);
  const loading = state.asked !== asked;
  return {
    value: state.value,
    problem: loading ? null : state.problem,
    loading,
    again: () => setRound((count) => count + 1),
  };
}

/**
 * Something the user set going: whether it is under way, and how it failed.
 * @returns {{ busy: boolean, problem: Problem|null,
 *   run: (act: () => Promise<void>) => Promise<void> }}
 */
export function useAction() {
  const [state, setState] = useState({ busy: false, problem: /** @type {Problem|null} */ (null) });
  const run = async (/** @type {() => Promise<void>} */ act) => {
    setState({ busy: true, problem: null });
    try {
      await act();
      setState({ busy: false, problem: null });
    } catch (error) {
      setState({ busy: false, problem: asProblem(error) });
    }
  };
  return { ...state, run };
}

/** @type {Map<Element, () => void>} */
const awaited = new Map();

const sight = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      awaited.get(target)?.();
      awaited.delete(target);
      sight.unobserve(target);
    }
  },
  { rootMargin: "300px" },
);

/**
 * Whether an element has come near the visible part of the page.
 * @param {{ current: Element|null }} ref
 */
export function useSeen(ref) {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    awaited.set(element, () => setSeen(true));
    sight.observe(element);
    return () => {
      awaited.delete(element);
      sight.unobserve(element);
    };
  }, []);
  return seen;
}

/**
 * The width of an element in pixels, 0 before it is drawn.
 * @param {{ current: Element|null }} ref
 */
export function useWidth(ref) {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!ref.current) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return width;
}
