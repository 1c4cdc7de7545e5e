/** The time for display only: what is due is computed when it is used. */
class Clock {
  now = $state(Date.now())

  start() {
    const tick = () => {
      this.now = Date.now()
    }
    setInterval(tick, 30_000)
    document.addEventListener('visibilitychange', tick)
  }
}

/** One clock for all that is shown. */
export const clock = new Clock()
