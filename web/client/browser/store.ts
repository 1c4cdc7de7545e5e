import { createStore, del, get, keys, set } from 'idb-keyval'
import type { Store } from './keep'

/** This origin's IndexedDB. */
export function openStore(): Store {
  const store = createStore('latchkey', 'keep')
  return {
    get: (key) => get<unknown>(key, store),
    set: (key, value) => set(key, value, store),
    delete: (key) => del(key, store),
    keys: () => keys<string>(store),
  }
}
