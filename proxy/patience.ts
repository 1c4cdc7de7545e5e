/** How long somebody's answer is waited for. */
export interface Patience {
  /** Aborts when it runs out (TimeoutError), or when nobody wants the answer any more (AbortError). */
  signal: AbortSignal
  /** It is not their turn: somebody else is waited for. */
  pause(): void
  /** They are waited for again, from the start. */
  goOn(): void
  /** The answer has begun; nothing aborts any more. */
  end(): void
}

/** Patience of so many milliseconds from now on, as long as `wanted` does not abort. */
export function createPatience(milliseconds: number, wanted: AbortSignal): Patience {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isOver = false
  const giveUp = (name: string) => {
    controller.abort(new DOMException('nothing came', name))
  }
  const leave = () => {
    giveUp('AbortError')
  }
  const patience: Patience = {
    signal: controller.signal,
    pause: () => clearTimeout(timer),
    goOn() {
      clearTimeout(timer)
      if (!isOver) timer = setTimeout(giveUp, milliseconds, 'TimeoutError')
    },
    end() {
      isOver = true
      clearTimeout(timer)
      wanted.removeEventListener('abort', leave)
    },
  }
  wanted.addEventListener('abort', leave)
  if (wanted.aborted) leave()
  patience.goOn()
  return patience
}
