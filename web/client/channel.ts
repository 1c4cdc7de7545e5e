/** Tells that an account changed, so that whoever shows it looks again. */
export interface Channel {
  /** Tells this browser's other tabs. */
  tell: () => void
  /** Tells them and this page itself. */
  tellAll: () => void
  listen: (changed: () => void) => void
}

/** The channel of this origin, closed with the page. */
export function openChannel(): Channel {
  const channel = new BroadcastChannel('latchkey')
  const here: (() => void)[] = []
  // Only that something changed: whoever hears it reads the truth where it is kept.
  const tell = () => {
    channel.postMessage('changed')
  }
  return {
    tell,
    tellAll: () => {
      tell()
      for (const changed of here) changed()
    },
    listen: (changed) => {
      here.push(changed)
      channel.addEventListener('message', changed)
    },
  }
}
