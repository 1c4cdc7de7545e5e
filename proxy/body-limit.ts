import { AppError } from '../shared/failure'

/** Milliseconds that the body of a request may take. */
export interface BodyWaits {
  /** Between two pieces of any body. */
  pause: number
  /** For the whole of one that we read ourselves. */
  whole: number
}

export const usualBodyWaits: BodyWaits = { pause: 15_000, whole: 20_000 }

/**
 * The next piece of a request's body, if it comes in time; one who pauses for longer holds what others
 * could use. Throws `request_timeout`.
 */
export async function inTime<T>(piece: Promise<T>, ms = usualBodyWaits.pause): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new AppError('request_timeout'))
    }, ms)
  })
  try {
    return await Promise.race([piece, late])
  } finally {
    clearTimeout(timer)
  }
}
