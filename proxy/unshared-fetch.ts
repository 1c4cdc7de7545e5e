/**
 * `fetch` on Node with a connection of its own for each call. On one that is kept, an answer too many
 * of a faulty provider would be taken for the next person's: somebody else's tokens, or profile.
 */
export const unsharedFetch: typeof fetch = async (input, init) => {
  const headers = new Headers(init?.headers)
  headers.set('connection', 'close')
  return await fetch(input, { ...init, headers })
}
