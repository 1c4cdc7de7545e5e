/** Web Locks, as far as we use them: one holder at a time over all tabs of this browser. */
export interface Locks {
  request: <T>(name: string, run: () => Promise<T>) => Promise<T>
}
