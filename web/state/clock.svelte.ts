/** The time for display only: what is due is computed when it is used. */
class Clock {
  now = $state(Date.now())

  /** Goes by `time`; `settle` finds out whether it still is right. */
  start(time: () => number, settle: () => Promise<void>) {
    const tick = () => {
      this.set(time())
      void settle().then(() => {
        this.set(time())
      })
    }
    setInterval(tick, 30_000)
    document.addEventListener('visibilitychange', tick)
  }

  set(now: number) {
    this.now = now
  }
}

/** One clock for all that is shown. */
export const clock = new Clock()
