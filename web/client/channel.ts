/** Tells this browser's other tabs that an account changed, so that they look again. */
export interface Channel {
  tell: () => void
  listen: (changed: () => void) => void
}

/** The channel of this origin, closed with the page. */
export function openChannel(): Channel {
  const channel = new BroadcastChannel('latchkey')
  return {
    // Only that something changed: whoever hears it reads the truth where it is kept.
    tell: () => {
      channel.postMessage('changed')
    },
    listen: (changed) => {
      channel.addEventListener('message', changed)
    },
  }
}
