/**
 * A map that takes no room while it is empty: most sessions are idle most of the time, and an empty Map is some
 * hundreds of bytes.
 */
export class LazyMap<K, V> {
  #map: Map<K, V> | null = null;

  get size(): number {
    return this.#map?.size ?? 0;
  }

  get(key: K): V | undefined {
    return this.#map?.get(key);
  }

  set(key: K, value: V): void {
    this.#map ??= new Map();
    this.#map.set(key, value);
  }

  delete(key: K): boolean {
    const had = this.#map?.delete(key) ?? false;
    if (this.#map?.size === 0) this.#map = null;
    return had;
  }

  values(): Iterable<V> {
    return this.#map?.values() ?? [];
  }
}
