/** As much of the library's types as the page uses; see `preact-htm.js`. */

export type Ref<T> = { current: T };
type Set<T> = (value: T | ((old: T) => T)) => void;

export function html(parts: TemplateStringsArray, ...values: unknown[]): object;
export function h(type: unknown, props: unknown, ...children: unknown[]): object;
export function render(what: object, into: Element): void;
export function useCallback<T>(value: T, inputs: unknown[]): T;
export function useEffect(effect: () => void | undefined | (() => void), inputs?: unknown[]): void;
export function useLayoutEffect(effect: () => void, inputs?: unknown[]): void;
export function useMemo<T>(make: () => T, inputs: unknown[]): T;
export function useRef<T>(value: T): Ref<T>;
export function useRef(value: null): Ref<any>;
export function useState<T>(value: T): [T, Set<T>];
export class Component {}
